"""A person at a handset, as the page and the line see it."""

import asyncio
from typing import Any

import pytest

from ringback.kit.g711 import decode_ulaw, encode_ulaw
from ringback.kit.page_socket import FRAME
from ringback.sim.exchange.person import AWAY, RETURN_S, Person
from ringback.sim.exchange.sound import SILENCE

pytestmark = pytest.mark.unit
SOUND = encode_ulaw(b"\x00\x20" * (FRAME // 2))
SAMPLES = FRAME // 2


class Desk:
    """A page that keeps what it is sent."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.messages: list[dict[str, Any]] = []
        self.code: int | None = None
        self.is_slow = False
        self.is_cut = False

    def play(self, pcm: bytes) -> None:
        self.frames.append(pcm)

    def tell(self, **message: Any) -> None:
        self.messages.append(message)

    def tick(self) -> None: ...

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.code = code

    def cut(self) -> None:
        self.is_cut = True


class Hall:
    """A person, and what it told of itself."""

    def __init__(self) -> None:
        self.said: list[tuple[bytes, int, int]] = []
        self.keys: list[str] = []
        self.left: list[str | None] = []
        self.person = Person(
            "hsc_1",
            now_ms=1_000,
            on_utterance=lambda *told: self.said.append(told),
            on_key=self.keys.append,
            on_leave=self.left.append,
        )

    def join(self) -> Desk:
        desk = Desk()
        self.person.join(desk, "ticket")  # type: ignore[arg-type]
        return desk

    def pass_s(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.person.tick()


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_a_page_is_told_how_it_can_come_back(hall: Hall) -> None:
    desk = hall.join()
    assert desk.messages == [
        {"op": "started", "callId": "hsc_1", "ticket": "ticket", "rate": 8_000, "frameMs": 20}
    ]


def test_the_microphone_is_heard_once_the_call_is_up(hall: Hall) -> None:
    person = hall.person
    hall.join()
    for _ in range(5):
        person.heard(0, decode_ulaw(SOUND))
    assert person.speak() is None
    person.is_up = True
    person.heard(0, decode_ulaw(SOUND))
    assert person.speak() is None, "browsers send in bursts: two frames are gathered"
    person.heard(0, decode_ulaw(SOUND))
    assert [person.speak() for _ in range(3)] == [SOUND, SOUND, None]


def test_the_other_end_is_heard_to_ring(hall: Hall) -> None:
    desk = hall.join()
    hall.person.hears_ringing = True
    for second in range(6):
        hall.person.heard(len(desk.frames) * SAMPLES, bytes(FRAME))
        for _ in range(50):
            hall.person.heard(len(desk.frames) * SAMPLES, bytes(FRAME))
            hall.person.tick()
        assert len(desk.frames) == min(50 * (second + 1), 120), "two seconds, and what trails behind"
    hall.person.is_up = True
    hall.person.tick()
    assert len(desk.frames) == 120


def test_nothing_is_sent_where_nothing_is_said_for_long(hall: Hall) -> None:
    desk = hall.join()
    hall.person.hear(SILENCE)
    assert desk.frames == []
    hall.person.hear(SOUND)
    for _ in range(100):
        hall.person.hear(SILENCE)
    assert desk.frames == [decode_ulaw(SOUND), *[bytes(FRAME)] * 20]
    hall.person.hear(SOUND)
    assert len(desk.frames) == 22


def test_a_page_that_plays_late_is_caught_up_with_in_pauses(hall: Hall) -> None:
    desk = hall.join()
    for _ in range(30):
        hall.person.hear(SOUND)
    assert len(desk.frames) == 30
    for _ in range(10):
        hall.person.hear(SILENCE)
    assert len(desk.frames) == 30
    hall.person.heard(20 * SAMPLES, bytes(FRAME))
    hall.person.hear(SILENCE)
    assert len(desk.frames) == 31
    for _ in range(200):
        hall.person.hear(SOUND)
    assert len(desk.frames) == 20 + 101, "two seconds behind is the most"
    desk.is_slow = True
    hall.person.heard(121 * SAMPLES, bytes(FRAME))
    hall.person.hear(SOUND)
    assert len(desk.frames) == 121


def test_what_is_said_is_found_at_its_time(hall: Hall) -> None:
    for frame in [*[SILENCE] * 50, *[SOUND] * 50, *[SILENCE] * 50]:
        hall.person.spoke(frame)
    ((_, start_ms, end_ms),) = hall.said
    assert abs(start_ms - 2_000) <= 60
    assert abs(end_ms - 3_000) <= 60


@pytest.mark.parametrize("digit", ["5", "#", "D"])
def test_keys(hall: Hall, digit: str) -> None:
    hall.person.told({"op": "digit", "digit": digit})
    assert hall.keys == [digit]


@pytest.mark.parametrize(
    "told", [{"op": "digit", "digit": "12"}, {"op": "digit", "digit": ""}, {"op": "digit"}, {}]
)
def test_what_is_no_key_is_none(hall: Hall, told: dict[str, Any]) -> None:
    hall.person.told(told)
    assert (hall.keys, hall.left) == ([], [])


def test_who_hangs_up_or_closes_the_page_has_left(hall: Hall) -> None:
    hall.join()
    hall.person.told({"op": "hangup"})
    assert hall.left == [None]
    other = Hall()
    desk = other.join()
    other.person.gone(desk, left=True)  # type: ignore[arg-type]
    assert other.left == [None]


def test_a_page_is_waited_for(hall: Hall) -> None:
    hall.pass_s(RETURN_S - 1)
    desk = hall.join()
    hall.person.gone(desk, left=False)  # type: ignore[arg-type]
    hall.pass_s(RETURN_S - 1)
    assert hall.left == []
    hall.pass_s(1.1)
    assert hall.left[0] == AWAY


def test_a_page_that_says_nothing_is_cut_off(hall: Hall) -> None:
    desk = hall.join()
    hall.pass_s(2.9)
    assert not desk.is_cut
    hall.person.heard(0, bytes(FRAME))
    hall.pass_s(2.9)
    assert not desk.is_cut
    hall.pass_s(0.2)
    assert desk.is_cut


def test_another_page_takes_its_place(hall: Hall) -> None:
    first, second = hall.join(), hall.join()
    assert (first.code, second.code) == (4409, None)
    hall.person.gone(first, left=True)  # type: ignore[arg-type]
    assert hall.left == []


async def test_the_page_hears_that_it_is_over(hall: Hall) -> None:
    desk = hall.join()
    hall.person.close()
    await hall.person.part()
    assert desk.messages[-1] == {"op": "ended"}
    assert desk.code == 1000
    hall.person.told({"op": "hangup"})
    assert hall.left == []
    assert hall.join().code == 1001


async def test_the_page_plays_the_last_word_first(hall: Hall) -> None:
    desk = hall.join()
    hall.person.hear(SOUND)
    hall.person.close()
    parting = asyncio.create_task(hall.person.part())
    await asyncio.sleep(0.1)
    assert desk.code is None
    hall.person.heard(SAMPLES, bytes(FRAME))
    await parting
    assert desk.code == 1000
