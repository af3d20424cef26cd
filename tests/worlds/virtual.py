"""Virtual time: an event loop that jumps to its next timer, on a machine whose time, chance and disk a seed decides."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import Any

from ringback.kit.machine import Machine

START_MS = 1_780_000_000_000
"""When every world begins."""
_MOST_TURNS = 300_000


class Stuck(Exception):
    """Nothing is left that could happen, and somebody still waits."""


class VirtualMachine(Machine):
    """A machine without threads. `now` are seconds since the world began; its calendar can be set forward and back."""

    threads = False

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.set_forward_ms = 0
        self.most_forward_ms = 0
        self._entropy = random.Random(f"entropy {seed}")

    def set_calendar(self, by_ms: int) -> None:
        """Set the machine's calendar forward, or back."""
        self.set_forward_ms += by_ms
        self.most_forward_ms = max(self.most_forward_ms, self.set_forward_ms)

    def time_ns(self) -> int:
        return (START_MS + self.set_forward_ms) * 1_000_000 + int(self.now * 1e9)

    def monotonic(self) -> float:
        return self.now

    def entropy(self, size: int) -> bytes:
        return self._entropy.randbytes(size)


class Process:
    """What dies together: the tasks that began in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.tasks: dict[asyncio.Task[Any], None] = {}

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Start a task in this process; tasks that it starts belong here too."""
        context = Context()
        context.run(_process.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    async def end_tasks(self) -> None:
        """End every task; whatever its cleanup tries has no effect, because stores and lines are cut."""
        for _ in range(50):
            if not self.tasks:
                return
            for task in tuple(self.tasks):
                task.cancel()
            await asyncio.sleep(0)
        raise AssertionError(f"tasks of {self.name} don't end: {list(self.tasks)[:3]}")


_process: ContextVar[Process | None] = ContextVar("process", default=None)


def _start_task(
    loop: asyncio.AbstractEventLoop, work: Any, context: Context | None = None
) -> "asyncio.Task[Any]":
    process = _process.get() if context is None else context.get(_process)
    task = asyncio.Task(work, loop=loop, context=context)
    if process is not None:
        process.tasks[task] = None
        task.add_done_callback(lambda task: process.tasks.pop(task, None))
    return task


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop that never waits. Its executor runs in the loop itself, each job after as long as a disk would take."""

    def __init__(self, machine: VirtualMachine, seed: int) -> None:
        super().__init__()
        self._machine = machine
        self._disk = random.Random(f"disk {seed}")
        self._answered_at = 0.0
        self._turns = 0
        self.slow_disk = 1.0
        """How many times slower than usual."""
        self._selector = self
        self._clock_resolution = 1e-9
        self.set_task_factory(_start_task)

    def time(self) -> float:
        return self._machine.now

    def select(self, timeout: float | None) -> list[Any]:
        """Where another loop would wait for sockets."""
        self._turns += 1
        if timeout is None or self._turns > _MOST_TURNS:
            raise Stuck("nobody will ever wake those who wait" if timeout is None else "this never ends")
        self._machine.now += timeout
        return []

    def _process_events(self, events: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def _takes_s(self) -> float:
        draw = self._disk.random()
        return (0.0002 + 0.002 * draw + (0.03 * draw if draw > 0.97 else 0)) * self.slow_disk

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> Any:  # type: ignore[override]
        """What a thread tells the loop comes a little later: a crash may come in between."""
        self._answered_at = max(self._answered_at, self.time() + self._takes_s() / 2)
        return self.call_at(self._answered_at, callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        future = self.create_future()
        self.call_later(self._takes_s(), _run, future, func, args)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        pass


def _run(future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if future.cancelled():
        return
    try:
        result = func(*args)
    except BaseException as error:
        future.set_exception(error)
        future.exception()  # a group's writer answers its jobs itself: nobody looks here
    else:
        future.set_result(result)
