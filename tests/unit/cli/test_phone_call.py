"""What a terminal shows of a handset's call."""

from typing import Any

import pytest

from ringback.cli.phone_call import _fresh, _show

pytestmark = pytest.mark.unit


def said(who: str, start_ms: int, text: str) -> dict[str, Any]:
    return {"who": who, "startMs": start_ms, "text": text}


def test_words_are_shown_once_and_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    mine, theirs = said("handset", 5_460, "A cake."), said("other", 3_180, "This is the bakery.")
    shown: set[tuple[str, int]] = set()
    _show(_fresh({"words": [mine]}, shown, until_ms=4_000))
    _show(_fresh({"words": [theirs, mine]}, shown, until_ms=5_000))
    _show(_fresh({"words": [theirs, mine]}, shown))
    assert capsys.readouterr().out.splitlines() == [
        "   3.2  agent: This is the bakery.",
        "   5.5  phone: A cake.",
    ]
