"""What is played of a stream that a line has spoiled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.kit.chance import chance
from ringback.kit.playout import Playout
from ringback.kit.rtp import FRAME, Packet

pytestmark = pytest.mark.unit


def frame(number: int) -> bytes:
    return number.to_bytes(2, "big") * (FRAME // 2)


def packet(number: int, *, first_time: int = 0, first_sequence: int = 0, ssrc: int = 9) -> Packet:
    return Packet(
        0,
        first_sequence + number & 0xFFFF,
        first_time + number * FRAME & 0xFFFFFFFF,
        ssrc,
        False,
        frame(number),
    )


def played(
    delays_ms: list[float | None], *, first_time: int = 0, first_sequence: int = 0
) -> tuple[list[int | None], Playout]:
    """The numbers of the frames that are played when packet n, sent at n * 20 ms, takes so long (None: lost)."""
    arrivals = sorted(
        (20 * number + delay, number) for number, delay in enumerate(delays_ms) if delay is not None
    )
    buffer = Playout()
    heard: list[int | None] = []
    last = arrivals[-1][0] if arrivals else 0
    for tick in range(int(last // 20) + 20):
        while arrivals and arrivals[0][0] <= tick * 20:
            _, number = arrivals.pop(0)
            buffer.push(packet(number, first_time=first_time, first_sequence=first_sequence))
        got = buffer.pull()
        heard.append(None if got is None else int.from_bytes(got[:2], "big"))
    return heard, buffer


def numbers(heard: list[int | None]) -> list[int]:
    return [number for number in heard if number is not None]


def test_a_good_line_is_played_with_one_frame_of_delay() -> None:
    heard, buffer = played([0] * 200)
    assert heard[:3] == [None, 0, 1]
    assert numbers(heard) == list(range(200))
    assert buffer.delay_ms == 20
    assert (buffer.counts.late, buffer.counts.concealed) == (0, 0)


@pytest.mark.parametrize("first_time", [0, 2**32 - 20 * FRAME])
@pytest.mark.parametrize("first_sequence", [0, 0xFFFF - 20])
def test_numbers_and_times_wrap(first_time: int, first_sequence: int) -> None:
    heard, _ = played([0] * 60, first_time=first_time, first_sequence=first_sequence)
    assert numbers(heard) == list(range(60))


def test_what_is_lost_is_concealed_and_costs_no_time() -> None:
    heard, buffer = played([None if number % 10 == 5 else 0 for number in range(100)])
    assert heard[1:101] == [None if number % 10 == 5 else number for number in range(100)]
    assert buffer.counts.concealed == 10


def test_jitter_costs_as_much_delay_as_it_needs() -> None:
    delays: list[float | None] = [40 * chance(1, "jitter", number) for number in range(1_000)]
    heard, buffer = played(delays)
    whole = numbers(heard)
    assert whole == sorted(set(whole))
    assert len(whole) >= 990
    assert buffer.delay_ms <= 60


def test_the_order_is_put_right() -> None:
    delays: list[float | None] = [35 if number % 4 == 0 else 0 for number in range(100)]
    heard, _ = played(delays)
    assert numbers(heard)[4:] == list(range(numbers(heard)[4], 100))


def test_what_comes_too_late_is_not_played() -> None:
    heard, buffer = played([600 if number == 50 else 0 for number in range(100)])
    assert numbers(heard) == [number for number in range(100) if number != 50]
    assert buffer.counts.late == 1
    assert buffer.delay_ms == 20


def test_a_line_that_has_become_slower_is_followed() -> None:
    heard, buffer = played([0 if number < 50 else 500 for number in range(150)])
    assert numbers(heard)[-70:] == list(range(80, 150))
    assert buffer.delay_ms <= 40


def test_a_line_that_has_become_better_is_followed() -> None:
    heard, buffer = played(
        [150 * chance(2, "jitter", number) if number < 100 else 0 for number in range(4_000)]
    )
    assert buffer.delay_ms <= 20
    assert numbers(heard) == sorted(numbers(heard))


def test_copies_are_played_once() -> None:
    buffer = Playout()
    for number in range(3):
        buffer.push(packet(number))
        buffer.push(packet(number))
    assert [buffer.pull() for _ in range(5)] == [None, frame(0), frame(1), frame(2), None]
    assert buffer.counts.duplicate == 3


def test_a_new_stream_begins_anew() -> None:
    buffer = Playout()
    buffer.push(packet(0))
    buffer.pull()
    buffer.push(packet(7, first_time=123_456, ssrc=10))
    assert [buffer.pull(), buffer.pull()] == [None, frame(7)]


def test_a_pause_of_keys_is_no_disorder() -> None:
    """Keys take sequence numbers and no audio: frames are where their times say."""
    heard, _ = played([None if 20 <= number < 30 else 0 for number in range(60)])
    assert heard[1:61] == [None if 20 <= number < 30 else number for number in range(60)]


@pytest.mark.parametrize("size", [80, 240, 320, 480])
def test_packets_of_other_lengths_are_cut(size: int) -> None:
    whole = b"".join(frame(number) for number in range(24))
    buffer = Playout()
    for at in range(0, len(whole), size):
        buffer.push(Packet(0, at // size, at, 9, False, whole[at : at + size]))
    got = [buffer.pull() for _ in range(26)]
    assert b"".join(one for one in got if one is not None) == whole


@given(
    st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 3), st.binary(max_size=400)), max_size=60)
)
def test_nothing_breaks_it(packets: list[tuple[int, int, bytes]]) -> None:
    buffer = Playout()
    for number, (time, ssrc, payload) in enumerate(packets):
        buffer.push(Packet(0, number, time, ssrc, False, payload))
        got = buffer.pull()
        assert got is None or len(got) == FRAME
    assert buffer.buffered_ms <= 20 * 300


@given(st.lists(st.one_of(st.none(), st.floats(0, 150)), min_size=1, max_size=120))
def test_frames_come_once_and_in_order(delays: list[float | None]) -> None:
    heard, buffer = played(delays)
    whole = numbers(heard)
    assert whole == sorted(set(whole))
    arrived = sum(delay is not None for delay in delays)
    assert arrived - buffer.counts.late <= len(whole) <= arrived
