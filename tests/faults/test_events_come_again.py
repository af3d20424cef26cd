"""A carrier's event that can't be stored comes again as soon as it can be, and once."""

from typing import Any

import pytest

from ringback.flows import receive_text, settle_text
from ringback.kit.database_faults import DatabaseUnavailable
from ringback.testing import Handsets, Ringback
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = pytest.mark.fault


@pytest.mark.parametrize(("flow", "name"), [(receive_text, "receive_text"), (settle_text, "receipt")])
def test_what_the_store_refused_comes_again_soon(
    ringback: Ringback, handset: Handsets, monkeypatch: pytest.MonkeyPatch, flow: Any, name: str
) -> None:
    """The carrier would tell it again after half a minute by itself."""
    line = Line(ringback, handset)
    refused = 0
    does = getattr(flow, name)

    def full(*args: Any, **kwargs: Any) -> Any:
        nonlocal refused
        if refused < 2:
            refused += 1
            raise DatabaseUnavailable("the disk is full")
        return does(*args, **kwargs)

    monkeypatch.setattr(flow, name, full)
    if flow is receive_text:
        line.phone.text(line.number, "hello")
        until(lambda: [text["body"] for text in line.messages()] == ["hello"], timeout_s=12)
        line.phone.text(line.number, "again")
        until(lambda: [text["body"] for text in line.messages()] == ["again", "hello"], timeout_s=12)
    else:
        line.send("hello")
        until(lambda: [text["status"] for text in line.messages()] == ["delivered"], timeout_s=12)
    assert refused == 2
