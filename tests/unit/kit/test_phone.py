import contextlib
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.kit.phone import (
    MAX_TYPED,
    InvalidNumber,
    country_of,
    is_known_region,
    line_type,
    nanp_area_code,
    normalise,
    short_code,
)

pytestmark = pytest.mark.unit

_TYPED_CHARACTERS = st.text("0123456789+-. ()٤４\u200b", max_size=24)
_INTERNATIONAL = st.builds(
    "+{}{}".format,
    st.sampled_from([1, 7, 31, 39, 43, 44, 49, 52, 54, 55, 81, 225, 290, 383]),
    st.integers(0, 10**12),
)


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("(415) 555-0104", "+14155550104"),
        ("415.555.0104", "+14155550104"),
        ("1-415-555-0104", "+14155550104"),
        ("+1 415 555 0104", "+14155550104"),
        ("tel:+1-415-555-0104", "+14155550104"),
        ("4155550104", "+14155550104"),
        ("011 44 20 7946 0018", "+442079460018"),
        ("+44 (0)20 7946 0018", "+442079460018"),
    ],
)
def test_num_national_spellings(typed: str, e164: str) -> None:
    assert normalise(typed) == e164


@pytest.mark.parametrize("typed", ["+14155550112", "4155550112", "(415) 555-0112"])
def test_conv_two_spellings(typed: str) -> None:
    assert normalise(typed) == "+14155550112"


@pytest.mark.parametrize(
    "typed",
    [
        "＋１（４１５）５５５－０１０４",
        "+١٤١٥٥٥٥٠١٠٤",
        "\u202a+1 415\u00a0555\u20110104\u202c",
        "TEL: 415\u200b555\t0104\r\n",
        "[415] 555/0104",
    ],
)
def test_spellings_of_other_scripts_and_pasted_marks(typed: str) -> None:
    assert normalise(typed) == "+14155550104"


def test_region_is_where_a_national_number_is_dialled() -> None:
    assert normalise("020 7946 0018", "GB") == "+442079460018"
    assert normalise("0039 02 1234 5678", "de") == "+390212345678"


@pytest.mark.parametrize(
    "typed",
    [
        "+1 415 555 0106 ext. 4567",
        "+14155550106;ext=4567",
        "415-555-0106x4567",
        "4155550106#4567",
        "4155550106,,45",
    ],
)
def test_num_extension(typed: str) -> None:
    with pytest.raises(InvalidNumber, match="has an extension"):
        normalise(typed)


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("+39 02 1234 5678", "+390212345678"),
        ("+390212345678", "+390212345678"),
        ("011 39 02 1234 5678", "+390212345678"),
        ("+39 312 345 6789", "+393123456789"),
    ],
)
def test_num_italian_zero(typed: str, e164: str) -> None:
    assert normalise(typed) == e164


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("+54 11 15 2345 6789", "+5491123456789"),
        ("+54 9 11 2345-6789", "+5491123456789"),
        ("+54 11 2345-6789", "+541123456789"),
    ],
)
def test_num_argentina_fifteen(typed: str, e164: str) -> None:
    assert normalise(typed) == e164


@pytest.mark.parametrize(
    "typed", ["+52 1 55 1234 5678", "+5215512345678", "011 52 1 55 1234 5678", "tel:+52-55-1234-5678"]
)
def test_mexican_mobiles_lose_the_one_of_old(typed: str) -> None:
    assert normalise(typed) == "+525512345678"


@pytest.mark.parametrize(
    ("e164", "country"),
    [
        ("+18765550107", "JM"),
        ("+18095550107", "DO"),
        ("+15145550107", "CA"),
        ("+12025550107", "US"),
        ("+442079460018", "GB"),
    ],
)
def test_num_plus_one_is_not_us(e164: str, country: str) -> None:
    assert country_of(e164) == country


@pytest.mark.parametrize("typed", ["+1 983 555 0108", "+1 861 555 0108"])
def test_num_new_area_code(typed: str) -> None:
    assert normalise(typed) == typed.replace(" ", "")
    assert country_of(normalise(typed)) == "US"


@pytest.mark.parametrize("e164", ["+80012345678", "+881612345678", "+999123456", "4155550104", "", "\0"])
def test_country_of_no_country(e164: str) -> None:
    assert country_of(e164) is None


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "is not a telephone number"),
        ("+", "is not a telephone number"),
        ("hello", "is not a telephone number"),
        ("+14155550104\0", "is not a telephone number"),
        ("+14155550104 +14155550105", "is not a telephone number"),
        ("⁴155550104", "is not a telephone number"),
        ("1-800-FLOWERS", "has letters; write it in digits"),
        ("12345", "is too short for a number of US"),
        ("911", "is too short for a number of US"),
        ("555-0104", "lacks its area code"),
        ("+44 20 7946 0018 000", "is too long for a number of GB"),
        ("5" * (MAX_TYPED + 1), "is too long for a telephone number"),
        ("+4915112345678901", "is too long for a number of DE"),
        ("+52 1 155 1234 5678", "is too long for a number of MX"),
        ("+52 1 55 1234 56789", "is too long for a number of MX"),
        ("+999123456", "has no country code that exists"),
        ("+12115551234", "has an area code or exchange that can't exist in North America"),
        ("+11155551234", "has an area code or exchange that can't exist in North America"),
        ("+14151550104", "has an area code or exchange that can't exist in North America"),
        ("+31006482670653", "has more than one trunk prefix"),
    ],
)
def test_refusal_says_why(typed: str, reason: str) -> None:
    with pytest.raises(InvalidNumber) as refusal:
        normalise(typed)
    assert str(refusal.value) == reason


@settings(deadline=None)
@given(_TYPED_CHARACTERS | _INTERNATIONAL)
def test_normalise_is_idempotent(typed: str) -> None:
    try:
        e164 = normalise(typed)
    except InvalidNumber:
        return
    assert normalise(e164) == e164
    assert e164[1:].isdecimal()
    assert len(e164) <= 16


@settings(deadline=None)
@given(st.text(max_size=80), st.sampled_from(["US", "GB", "ZZ", ""]))
def test_any_text_is_a_number_or_invalid(typed: str, region: str) -> None:
    with contextlib.suppress(InvalidNumber):
        assert normalise(typed, region).startswith("+")


def test_area_code() -> None:
    assert nanp_area_code("+14155550104") == "415"
    assert nanp_area_code("+442079460018") is None
    assert nanp_area_code("4155550104") is None


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("89203", "89203"),
        ("898-211", "898211"),
        (" ８９２０３ ", "89203"),
        ("12345", None),
        ("8920", None),
        ("8982110", None),
        ("+89203", None),
        ("89203x", None),
        ("8" * 1000, None),
    ],
)
def test_short_code(typed: str, code: str | None) -> None:
    assert short_code(typed) == code


@pytest.mark.parametrize(
    ("e164", "kind"),
    [
        ("+447400123456", "mobile"),
        ("+442079460018", "landline"),
        ("+390212345678", "landline"),
        ("+18005550100", "toll_free"),
        ("+19002345678", "premium_rate"),
        ("+39848123456", "shared_cost"),
        ("+445612345678", "voip"),
        ("+447012345678", "personal"),
        ("+447640123456", "pager"),
        ("+445512345678", "uan"),
        ("+14155550100", None),
        ("+18615550108", None),
        ("+99912345678", None),
    ],
)
def test_line_type(e164: str, kind: str | None) -> None:
    """+1 has no ranges of its own for mobiles; what is in no range says nothing."""
    assert line_type(e164) == kind


def test_known_region() -> None:
    assert is_known_region("US")
    assert is_known_region("jm")
    assert not is_known_region("ZZ")
    assert not is_known_region("001")
    assert not is_known_region("ß")
    assert not is_known_region("")


def test_import_does_not_load_the_metadata() -> None:
    program = "import sys, ringback.kit.blocked; sys.exit('phonenumbers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
