"""Tokens and tickets of pages that hold handsets."""

import pytest

from ringback.kit import machine
from ringback.sim.admission import TOKEN_S, Admission, ticket_of

pytestmark = pytest.mark.unit


def test_a_token_opens_its_call_once() -> None:
    admission = Admission()
    one, other = admission.token("hsc_1"), admission.token("hsc_2")
    assert [admission.call_of(other, "key"), admission.call_of(one, "key")] == ["hsc_2", "hsc_1"]
    assert admission.call_of(one, "key") is None


def test_a_token_gets_old(monkeypatch: pytest.MonkeyPatch) -> None:
    admission = Admission()
    token = admission.token("hsc_1")
    later = machine.monotonic() + TOKEN_S + 1
    monkeypatch.setattr("ringback.sim.admission.monotonic", lambda: later)
    assert admission.call_of(token, "key") is None


def test_a_ticket_is_good_for_its_call_as_long_as_the_exchange_is_the_same() -> None:
    ticket = ticket_of("hsc_1", "key")
    assert Admission().call_of(ticket, "key") == "hsc_1"
    assert Admission().call_of(ticket, "key") == "hsc_1"
    assert Admission().call_of(ticket, "another key") is None
    assert Admission().call_of(ticket.replace("hsc_1", "hsc_2"), "key") is None
    assert Admission().call_of(ticket_of("hsc_1", ""), "") is None, "no exchange has no key"


@pytest.mark.parametrize("secret", ["", ".", "hsc_1", "hsc_1.", "h\u00e9"])
def test_what_is_neither_opens_nothing(secret: str) -> None:
    assert Admission().call_of(secret, "key") is None
