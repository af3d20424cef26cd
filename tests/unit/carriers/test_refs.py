"""The forms of a carrier's id, and when two spellings are of one phone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.carriers.refs import canonical, is_same_phone, numbers_in
from tests.unit.carriers.forms import BASES, spellings

pytestmark = pytest.mark.unit

UUID = "0a1b2c3d-0000-4000-8000-00000000000f"
NUMBERS = st.integers(0, 2**64 - 1)


@given(NUMBERS, st.data())
def test_two_forms_of_one_number_share_it(number: int, data: st.DataObject) -> None:
    one, other = (data.draw(spellings(number, data.draw(st.sampled_from(BASES)))) for _ in range(2))
    assert str(number) in numbers_in(one)
    assert set(numbers_in(one)) & set(numbers_in(other))


@given(NUMBERS, NUMBERS, st.sampled_from(BASES), st.data())
def test_two_numbers_in_one_base_stay_apart(a: int, b: int, base: str, data: st.DataObject) -> None:
    one, other = data.draw(spellings(a, base)), data.draw(spellings(b, base))
    assert (canonical(one) == canonical(other)) is (a == b)


@given(st.text())
def test_anything_may_be_an_id(ref: str) -> None:
    assert (canonical(ref) is None) is (numbers_in(ref) == ())


@pytest.mark.parametrize(
    "form", [UUID.upper(), UUID.replace("-", ""), f" {UUID}", f"{UUID.upper()}\t\r\n", f"{UUID}\0"]
)
def test_a_uuid_is_one_in_any_case_with_and_without_dashes_and_padding(form: str) -> None:
    assert canonical(form) == canonical(UUID) is not None
    assert numbers_in(form) == numbers_in(UUID)


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "nt_06h1",
        "SM0123456789abcdef",
        "a-b",
        "0x",
        "1" * 41,
        "1٢",
        "1 2",
        UUID[:-1],
        UUID.replace("-", ":"),
    ],
)
def test_what_is_no_number_has_one_form(ref: str) -> None:
    assert canonical(ref) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+14155550104", "+14155550104", True),
        ("+14155550104", "14155550104", True),
        ("+14155550104", "4155550104", True),
        ("+14155550104", None, True),
        ("+14155550104", "+14155550105", False),
        ("+14155550104", "50104", False),
        ("50104", "50104", True),
        ("+14155550104", "", False),
    ],
)
def test_one_phone_in_two_spellings(one: str, other: str | None, same: bool) -> None:
    assert is_same_phone(one, other) is same
    assert is_same_phone(other, one) is same
