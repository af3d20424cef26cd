"""RTP packets, and keys that are pressed once however their packets fare."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.kit.rtp import KEYS, TELEPHONE_EVENT, BadPacket, DtmfReader, Packet, dtmf_packets, parse

pytestmark = pytest.mark.unit

PACKETS = st.builds(
    Packet,
    st.integers(0, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.booleans(),
    st.binary(max_size=400),
)


def press(key: str = "1", at: int = 1_000, sequence: int = 7, held_ms: int = 160) -> list[Packet]:
    return list(dtmf_packets(key, sequence=sequence, timestamp=at, ssrc=5, held_ms=held_ms))


def read(packets: list[Packet]) -> str:
    reader = DtmfReader()
    return "".join(key for packet in packets if (key := reader.feed(packet)))


def ends(packet: Packet) -> bool:
    return bool(packet.payload[1] & 0x80)


@given(PACKETS)
def test_what_is_packed_is_parsed(packet: Packet) -> None:
    assert parse(packet.pack()) == packet


def test_contributors_extension_and_padding_are_left_out() -> None:
    plain = Packet(0, 1, 2, 3, False, b"speech").pack()
    full = bytearray(plain[:12]) + b"AAAABBBB" + b"\xbe\xde\x00\x01xxxx" + b"speech" + b"\0\0\3"
    full[0] = 0x80 | 0x20 | 0x10 | 2
    assert parse(bytes(full)) == parse(plain)


@given(st.binary(max_size=60))
def test_garbage_is_refused_and_never_worse(data: bytes) -> None:
    try:
        packet = parse(data)
    except BadPacket:
        return
    DtmfReader().feed(packet)
    assert len(packet.payload) <= len(data) - 12


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_pressed_once(key: str) -> None:
    packets = press(key)
    assert len(packets) == 10
    assert [packet.marker for packet in packets] == [True] + [False] * 9
    assert [ends(packet) for packet in packets] == [False] * 7 + [True] * 3
    assert {packet.timestamp for packet in packets} == {1_000}
    assert {packet.payload_type for packet in packets} == {TELEPHONE_EVENT}
    assert read(packets) == key


def test_its_end_may_be_lost() -> None:
    assert read([packet for packet in press() if not ends(packet)]) == "1"


def test_its_beginning_may_be_lost() -> None:
    assert read([packet for packet in press() if ends(packet)]) == "1"


def test_the_marker_may_never_be_set() -> None:
    assert read([replace(packet, marker=False) for packet in press()]) == "1"


def test_copies_of_the_end_may_come_with_other_times() -> None:
    # sipwise/rtpengine issue 1812.
    packets = press()
    for place in (8, 9):
        packets[place] = replace(packets[place], timestamp=packets[place].timestamp + 160 * (place - 7))
    assert read(packets) == "1"


def test_two_presses_are_two() -> None:
    assert read(press(at=1_000) + press(at=1_000 + 1_280 + 800, sequence=17)) == "11"


def test_two_presses_are_two_though_no_end_came() -> None:
    both = press(at=1_000) + press(at=1_000 + 1_280 + 800, sequence=17)
    assert read([packet for packet in both if not ends(packet)]) == "11"


def test_a_key_held_long_is_one() -> None:
    packets = press(held_ms=20_000)
    assert len({packet.timestamp for packet in packets}) == 3
    reader = DtmfReader()
    assert [key for packet in packets if (key := reader.feed(packet))] == ["1"]
    assert reader.held_ms == 20_000


def test_eight_seconds_in_two_segments_are_one_key() -> None:
    packets = press(held_ms=8_400)
    assert len({packet.timestamp for packet in packets}) == 2
    assert read(packets) == "1"
    assert read([packet for packet in packets if not ends(packet)]) == "1"


def test_the_same_key_eight_seconds_later_is_another() -> None:
    first = [packet for packet in press(at=0) if not ends(packet)]
    assert read(first + press(at=0xFFFF, sequence=30)) == "11"


def test_a_copy_that_comes_after_the_next_key_is_late() -> None:
    one, two = press("1", at=1_000), press("2", at=4_000, sequence=17)
    assert read(one[:-1] + two[:3] + [one[-1]] + two[3:]) == "12"


def test_times_wrap() -> None:
    first = 2**32 - 400
    assert read(press(at=first) + press(at=first + 3_000 & 0xFFFFFFFF, sequence=17)) == "11"


def test_another_stream_is_another_phone() -> None:
    assert read(press() + [replace(packet, ssrc=6) for packet in press()]) == "11"


def test_what_is_no_key_is_none() -> None:
    flash = Packet(101, 1, 1, 1, True, b"\x10\x0a\x00\xa0")
    assert read([flash, Packet(101, 1, 1, 1, True, b"\x01")]) == ""


@given(
    st.text(KEYS, min_size=1, max_size=6),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2)), min_size=80, max_size=80),
)
def test_keys_survive_loss_copies_and_disorder(keys: str, fates: list[tuple[float, int]]) -> None:
    """Of every key any packets may be lost but one, any be doubled, and neighbours change places."""
    sent: list[Packet] = []
    for index, key in enumerate(keys):
        packets = press(key, at=5_000 * index, sequence=20 * index)
        kept = [
            packet
            for packet, (lot, copies) in zip(packets, fates[index * 10 :], strict=False)
            if lot < 0.4
            for _ in range(1 + copies)
        ]
        sent += kept or packets[-1:]
    for place, (lot, _) in enumerate(fates[: len(sent) - 1]):
        if lot < 0.3 and sent[place].timestamp == sent[place + 1].timestamp:
            sent[place], sent[place + 1] = sent[place + 1], sent[place]
    assert read(sent) == keys
