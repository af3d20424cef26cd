"""The account that a leg keeps of what its page has played."""

from typing import Any

import pytest

from ringback.voice.legs.base import FRAME, SILENCE
from ringback.voice.legs.browser import BrowserPort

pytestmark = pytest.mark.unit
SAMPLES = FRAME // 2


class Desk:
    """A page that keeps what it is sent."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.messages: list[dict[str, Any]] = []
        self.is_slow = False
        self.is_cut = False

    def play(self, pcm: bytes) -> None:
        self.frames.append(pcm)

    def tell(self, **message: Any) -> None:
        self.messages.append(message)

    def tick(self) -> None: ...

    def cut(self) -> None:
        self.is_cut = True


def sound(frames: int, first: int = 1) -> bytes:
    """Frames that can be told apart."""
    return b"".join(bytes([first + n]) * FRAME for n in range(frames))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def port(desk: Desk) -> BrowserPort:
    port = BrowserPort()
    port.meet(desk)  # type: ignore[arg-type]
    return port


def hear(port: BrowserPort, played: int, frame: bytes = b"\1" * FRAME) -> None:
    port.heard(played * SAMPLES, frame)


async def spoken(port: BrowserPort, ticks: int) -> list[int]:
    """The first byte of what was spoken in each of so many ticks."""
    found = []
    for _ in range(ticks):
        port.tick()
        found.append((await port.read()).spoken[0])
    return found


async def test_a_reply_fills_the_buffer_of_the_page_at_once_and_is_spoken_in_its_time(
    port: BrowserPort, desk: Desk
) -> None:
    port.write(sound(6))
    assert await spoken(port, 1) == [1]
    assert len(desk.frames) == 3
    assert await spoken(port, 6) == [2, 3, 4, 5, 6, 0]
    assert [frame[0] for frame in desk.frames] == [1, 2, 3, 4, 5, 6]
    assert (port.waiting_ms, port.buffered_ms) == (0, 120)
    hear(port, 6)
    assert port.buffered_ms == 0


async def test_silence_is_not_sent(port: BrowserPort, desk: Desk) -> None:
    assert await spoken(port, 5) == [0] * 5
    assert desk.frames == []


async def test_a_flush_tells_what_was_not_played_and_the_page_corrects_it(
    port: BrowserPort, desk: Desk
) -> None:
    port.write(sound(10))
    await spoken(port, 4)
    hear(port, 2)
    assert len(desk.frames) == 6
    assert port.flush() == 160, "four frames that wait here, four that wait there"
    assert port.buffered_ms == 0
    assert desk.messages == [{"op": "flush", "n": 1}]
    port.write(sound(2, 50))
    await spoken(port, 1)
    assert port.buffered_ms == 40
    hear(port, 3)  # before the page had heard of it
    assert port.buffered_ms == 40
    port.flushed(1, 3 * SAMPLES)
    assert port.buffered_ms == 40
    hear(port, 5)
    assert port.buffered_ms == 0


async def test_two_flushes_before_an_answer(port: BrowserPort, desk: Desk) -> None:
    port.write(sound(3))
    await spoken(port, 1)
    assert port.flush() == 60
    port.write(sound(3))
    await spoken(port, 1)
    assert port.flush() == 60
    port.flushed(1, SAMPLES)
    assert port.buffered_ms == 0
    port.flushed(7, 90 * SAMPLES)  # none of ours
    port.flushed(2, 2 * SAMPLES)
    port.write(sound(1))
    await spoken(port, 1)
    assert port.buffered_ms == 20
    hear(port, 3)
    assert port.buffered_ms == 0


async def test_a_page_that_lies_about_what_it_played(port: BrowserPort) -> None:
    port.write(sound(2))
    await spoken(port, 1)
    hear(port, 9_999)
    assert port.buffered_ms == 0
    port.write(sound(1))
    await spoken(port, 1)
    assert port.buffered_ms == 20


async def test_a_page_that_does_not_play_is_not_run_ahead_of(port: BrowserPort, desk: Desk) -> None:
    port.write(sound(100))
    await spoken(port, 90)
    assert len(desk.frames) == 50
    assert port.buffered_ms == 2_000
    hear(port, 10)
    await spoken(port, 1)
    assert len(desk.frames) == 51


async def test_without_a_page_all_waits(port: BrowserPort, desk: Desk) -> None:
    port.part()
    port.write(sound(3))
    assert await spoken(port, 4) == [0] * 4
    assert (desk.frames, port.buffered_ms) == ([], 60)
    port.meet(desk)  # type: ignore[arg-type]
    assert await spoken(port, 3) == [1, 2, 3]


async def test_the_microphone_comes_after_two_frames_and_never_lags_far_behind(port: BrowserPort) -> None:
    hear(port, 0, b"\1" * FRAME)
    port.tick()
    assert (await port.read()).heard == SILENCE
    for n in range(2, 31):
        hear(port, 0, bytes([n]) * FRAME)
    port.tick()
    first = (await port.read()).heard[0]
    assert first > 15, "what was held up too long is dropped, the oldest first"


async def test_a_page_that_sends_nothing_for_three_seconds_is_cut(port: BrowserPort, desk: Desk) -> None:
    hear(port, 0)
    for _ in range(149):
        port.tick()
    assert not desk.is_cut
    for _ in range(2):
        port.tick()
    assert desk.is_cut
