"""G.711 against the values of the standard, and against itself."""

import math
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.kit import g711

pytestmark = pytest.mark.unit

EVERY = bytes(range(256))


def samples(pcm: bytes) -> list[int]:
    return list(array("h", pcm))


def pcm(values: list[int]) -> bytes:
    return array("h", values).tobytes()


def test_mu_law_has_the_values_of_the_standard() -> None:
    # G.711 table 2a and 2b: the ends of the segments, in 16 bits.
    assert samples(g711.decode_ulaw(bytes([0x80, 0x8F, 0x9F, 0xAF, 0xBF, 0xCF, 0xDF, 0xEF, 0xFE, 0xFF]))) == [
        32124, 16764, 8316, 4092, 1980, 924, 396, 132, 8, 0,
    ]  # fmt: skip
    assert samples(g711.decode_ulaw(bytes([0x00, 0x7E]))) == [-32124, -8]


def test_a_law_has_the_values_of_the_standard() -> None:
    assert samples(g711.decode_alaw(bytes([0xAA, 0xD5, 0x55, 0x2A]))) == [32256, 8, -8, -32256]


@pytest.mark.parametrize("law", ["ulaw", "alaw"])
def test_a_code_survives_the_way_through_pcm(law: str) -> None:
    decode, encode = getattr(g711, f"decode_{law}"), getattr(g711, f"encode_{law}")
    back = encode(decode(EVERY))
    assert decode(back) == decode(EVERY)
    assert [code for code, other in zip(EVERY, back, strict=True) if code != other] == (
        [0x7F] if law == "ulaw" else []  # the negative zero of mu-law
    )


@pytest.mark.parametrize("law", ["ulaw", "alaw"])
def test_coding_keeps_order_and_is_near(law: str) -> None:
    decode, encode = getattr(g711, f"decode_{law}"), getattr(g711, f"encode_{law}")
    values = list(range(-32_768, 32_768, 7))
    back = samples(decode(encode(pcm(values))))
    assert all(before <= after for before, after in pairwise(back))
    assert all(abs(got - value) <= max(16, abs(value) / 16) + 8 for got, value in zip(back, values, strict=True)
               if abs(value) < 32_000)  # fmt: skip


@given(st.lists(st.integers(-32_768, 32_767)))
def test_with_and_without_numpy_it_is_the_same(values: list[int]) -> None:
    table, _ = g711._encoders("ulaw")
    assert g711.encode_ulaw(pcm(values)) == g711._encode(pcm(values), table, None)


def test_an_odd_byte_at_the_end_is_no_sample() -> None:
    assert g711.encode_ulaw(b"\0\0\0") == b"\xff"


def test_loudness() -> None:
    tone = pcm([int(8000 * math.sin(index / 3)) for index in range(160)])
    assert g711.loudness(bytes([g711.ULAW_SILENCE]) * 160) == g711.loudness(b"") == 0
    assert 4500 < g711.loudness(g711.encode_ulaw(tone)) < 5500
