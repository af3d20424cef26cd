"""An `AudioPort` over any way of sending frames, and the clock that paces all ports of a process."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from ringback.kit import machine
from ringback.voice.legs.base import FRAME, FRAME_MS, RATE, SILENCE, Frame

_BEHIND_S = 0.2
"""A pacer that was held up for longer than this does not make up for it: the frames are lost, as on any line."""
_KEPT = 50
"""Frames that a reader may be behind (one second)."""


class Port(ABC):
    """Paced by a `Pacer`; a subclass says how a frame comes and goes."""

    rate = RATE

    def __init__(self) -> None:
        self._out = bytearray()
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._behind: Callable[[bytes], bytes] | None = None

    @abstractmethod
    def take(self) -> bytes:
        """What came in for the next 20 ms; silence where nothing did."""

    @abstractmethod
    def send(self, frame: bytes) -> None:
        """Send 20 ms; `SILENCE` itself where nothing was written."""

    @property
    def takes(self) -> bool:
        """Whether the other end takes sound now; else what was written waits."""
        return True

    def tick(self) -> None:
        """Twenty milliseconds have passed."""
        spoken = self._speak()
        if self._frames.qsize() >= _KEPT:
            self._frames.get_nowait()
        self._frames.put_nowait(Frame(self.take(), spoken))

    def _speak(self) -> bytes:
        """Send the next frame; answers what is spoken in these 20 ms."""
        spoken = SILENCE
        if self._out and self.takes:
            spoken = bytes(self._out[:FRAME]).ljust(FRAME, b"\0")
            del self._out[:FRAME]
        if self._behind is not None:
            spoken = self._behind(spoken)
        self.send(spoken)
        return spoken

    async def read(self) -> Frame:
        return await self._frames.get()

    def write(self, pcm: bytes) -> None:
        self._out += pcm

    def play_behind(self, mix: Callable[[bytes], bytes]) -> None:
        self._behind = mix

    def flush(self) -> int:
        left = self.buffered_ms
        self._out.clear()
        return left

    @property
    def waiting_ms(self) -> int:
        return len(self._out) * 1000 // (2 * self.rate)

    @property
    def buffered_ms(self) -> int:
        return self.waiting_ms


class Pacer:
    """Ticks every port each 20 ms of real time, by the deadline: what one tick is late, the next makes up."""

    def __init__(self) -> None:
        self._ports: list[Port] = []
        self._task: asyncio.Task[None] | None = None
        self.late_ms = 0.0
        """How late the worst tick of the last second was."""
        self._worst = 0.0

    def add(self, port: Port) -> None:
        self._ports.append(port)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def remove(self, port: Port) -> None:
        if port in self._ports:
            self._ports.remove(port)

    async def _run(self) -> None:
        step = FRAME_MS / 1000
        due, ticks = machine.monotonic(), 0
        while self._ports:
            due += step
            late = machine.monotonic() - due
            if late < 0:
                await asyncio.sleep(-late)
                late = machine.monotonic() - due
            self._worst = max(self._worst, late * 1000)
            ticks += 1
            if ticks % (1000 // FRAME_MS) == 0:
                self.late_ms, self._worst = self._worst, 0.0
            if late > _BEHIND_S:
                due += late
            for port in list(self._ports):
                port.tick()
        self._task = None
