"""Carriers' codes: what is known of them, and what holds for those that are not."""

from typing import get_args

import pytest

from ringback.carriers.codes import CODES, Side, is_retryable, meaning_of
from ringback.sim.personalities import REASONS

pytestmark = pytest.mark.unit


def test_every_code_names_a_side_and_says_a_sentence() -> None:
    assert {meaning.side for meaning in CODES.values()} <= set(get_args(Side))
    assert all(meaning.why and not meaning.why.endswith(".") for meaning in CODES.values())
    assert REASONS.keys() <= CODES.keys()


@pytest.mark.parametrize("code", [None, "", "99999", "busy"])
def test_an_unknown_code_is_the_carriers_and_final(code: str | None) -> None:
    assert (meaning_of(code).side, is_retryable(code)) == ("carrier", False)


def test_what_is_for_the_sender_to_change_is_not_tried_again() -> None:
    assert {meaning.side for meaning in CODES.values() if meaning.retryable} == {"carrier"}
    assert not is_retryable("30008")
