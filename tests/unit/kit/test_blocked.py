import contextlib

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.kit.blocked import CRISIS, EMERGENCY, SERVICE, blocked_reason
from ringback.kit.phone import MAX_TYPED, InvalidNumber, normalise

pytestmark = pytest.mark.unit

_NOISE = st.text(" -.()\u200b\u2060\ufe0f\u00a0", max_size=3)
_PREFIXES = [
    "",
    "+",
    "0",
    "1",
    "+1",
    "001",
    "011",
    "011 1",
    "00",
    "*67",
    "*82 ",
    "#31#",
    "tel:",
    "sip:",
    "tel:+1",
]
_LINES = st.sampled_from(
    ["800 273 8255", "1 866 488 7386", "44 800 1111", "61 13 11 14", "911 555 0118", "988 555 0118"]
)
_SUFFIXES = ["", "#", "*", "\0", ",,5", ";phone-context=+1", " ext 5", "\n"]


@pytest.mark.parametrize(
    "typed",
    [
        "911",
        "9-1-1",
        "9 1 1",
        "+1911",
        "+1 911",
        "1911",
        "tel:911",
        "911#",
        "９１１",
        "٩١١",
        "+19115550118",
        "112",
        "933",
        "0911",
        "9️⃣1️⃣1️⃣",
        "⑨①①",
        "sip:911@pbx.example",
        "999",
        "000",
        "110",
        "119",
        "+44 999",
        "01144999",
    ],
)
def test_voice_emergency_in_any_spelling(typed: str) -> None:
    assert blocked_reason(typed) == EMERGENCY


@pytest.mark.parametrize("typed", ["211", "311", "411", "511", "611", "711", "811", "+1411", "4-1-1"])
def test_n11_services(typed: str) -> None:
    assert blocked_reason(typed) == SERVICE


@pytest.mark.parametrize(
    "typed",
    [
        "988",
        "+1988",
        "9-8-8",
        "+19885550118",
        "741741",
        "741-741",
        "+18002738255",
        "1-800-273-8255",
        "(800) 273-8255",
        "+44 116 123",
        "116123",
        "+44 800 1111",
        "+61 13 11 14",
    ],
)
def test_crisis_lines(typed: str) -> None:
    assert blocked_reason(typed) == CRISIS


def test_emergency_numbers_of_the_region() -> None:
    assert blocked_reason("90000", "SE") == EMERGENCY
    assert blocked_reason("10111", "za") == EMERGENCY
    assert blocked_reason("90000") is None
    assert blocked_reason("0800 1111", "GB") == CRISIS


@pytest.mark.parametrize(
    "typed",
    [
        "+14155550911",
        "+19095550112",
        "+19185550119",
        "+442079460018",
        "91191",
        "20911",
        "89203",
        "5550911",
        "12345",
        "+919115550118",
        "+85291191191",
        "911@example.com",
        "grp_01jd911",
        "hello",
        "",
        "\x00",
        "+",
        "+1",
        "9" * (MAX_TYPED + 1),
        "1" * MAX_TYPED,
        "0" * 20,
        "1111111111911",
    ],
)
def test_ordinary_numbers_and_other_text_pass(typed: str) -> None:
    assert blocked_reason(typed) is None


def test_area_code_911_is_ordinary_elsewhere() -> None:
    assert blocked_reason("91155 50118", "IN") is None
    assert blocked_reason("911 555 0118", "CA") == EMERGENCY


@settings(deadline=None)
@given(
    st.sampled_from(["911", "112", "988", "411"]),
    st.sampled_from(_PREFIXES),
    st.sampled_from(_SUFFIXES),
    st.lists(_NOISE, min_size=3, max_size=3),
    st.sampled_from(["0", "０", "٠", "०", "𝟎"]),
)
def test_no_disguise_helps(number: str, prefix: str, suffix: str, noise: list[str], zero: str) -> None:
    spelled = "".join(gap + chr(ord(zero) + int(digit)) for gap, digit in zip(noise, number, strict=True))
    assert blocked_reason(prefix + spelled + suffix) is not None


def _examples() -> list[tuple[str, str]]:
    numbers = [(region, phonenumbers.example_number(region)) for region in phonenumbers.SUPPORTED_REGIONS]
    return [
        (phonenumbers.format_number(number, style), region)
        for region, number in numbers
        if number is not None
        for style in (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.NATIONAL)
    ]


def test_no_example_number_of_any_country_is_blocked() -> None:
    assert [typed for typed, region in _examples() if blocked_reason(typed, region)] == []


def test_emergency_numbers_of_every_region_are_blocked_there() -> None:
    missed = [
        (region, digits)
        for region in phonenumbers.SUPPORTED_REGIONS
        for digits in ("911", "112", "999", "000", "110", "119", "100", "190")
        if phonenumbers.is_emergency_number(digits, region) and not blocked_reason(digits, region)
    ]
    assert missed == []


@settings(deadline=None)
@given(st.text(max_size=80), st.sampled_from(["US", "GB", "ZZ", ""]))
def test_any_text_gets_an_answer(typed: str, region: str) -> None:
    assert blocked_reason(typed, region) in {None, EMERGENCY, SERVICE, CRISIS}


@settings(deadline=None)
@given(st.text("0123789+-( )", max_size=12) | st.builds("{}{}".format, st.text("+01 (", max_size=5), _LINES))
def test_what_passes_as_typed_passes_as_normalised(typed: str) -> None:
    if blocked_reason(typed) is None:
        with contextlib.suppress(InvalidNumber):
            assert blocked_reason(normalise(typed)) is None
