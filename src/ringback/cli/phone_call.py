"""A call of a handset as a terminal shows it: each side's words when they were said."""

import math
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

import click

from ringback.cli.client import Client
from ringback.cli.options import printable
from ringback.cli.terminal import paint, under_way
from ringback.operator_error import OperatorError

_LISTENS_MS, _LEAVES_MS = 800, 1_500
"""How long the other end is silent before the handset speaks, and before it hangs up."""
_LOOK_S = 0.25
_WAIT_S = 30
_READ_MS = 4_000
"""How long after they began words are shown: those of the agent must be read first, and all come in their order."""
_COLOURS = {"handset": None, "other": "cyan"}
_SIDES = {"handset": "phone", "other": "agent"}


def hold(server: Client, phone: dict[str, Any], to: str, words: Sequence[str]) -> None:
    """Call `to`, say each of `words` when the other end has spoken, hear the answer, and hang up."""
    steps: list[dict[str, Any]] = []
    for said in words:
        steps += [{"waitForSilenceMs": _LISTENS_MS}, {"say": said}]
    steps += [{"waitForSilenceMs": _LEAVES_MS}, {"hangup": True}]
    call = server.call("POST", f"/sim/v1/handsets/{phone['id']}/calls", {"to": to, "script": steps})
    path = f"/sim/v1/calls/{call['id']}"
    shown: set[tuple[str, int]] = set()
    begun: float | None = None
    while call["endedAt"] is None:
        fresh: list[dict[str, Any]] = []
        with under_way(f"in a call with {call['to']}"):
            while call["endedAt"] is None and not fresh:
                sleep(_LOOK_S)
                call = server.call("GET", path)
                if begun is None and call["answeredAt"]:
                    begun = monotonic()
                if begun is not None:
                    fresh = _fresh(call, shown, until_ms=(monotonic() - begun) * 1000 - _READ_MS)
        _show(fresh)
    # What was heard last may still be read.
    _show(_fresh(server.call("GET", path, query={"wait": _WAIT_S}, timeout_s=_WAIT_S + 15), shown))
    if call["status"] == "failed" or call["trouble"]:
        raise OperatorError(f"{call['to']} could not be called: {call['trouble'] or call['reason']}")
    click.echo(f"{call['status']}, {call['reason']}, {call['durationMs'] / 1000:.0f} s")


def _fresh(
    call: dict[str, Any], shown: set[tuple[str, int]], *, until_ms: float = math.inf
) -> list[dict[str, Any]]:
    """What of the words that began before `until_ms` isn't `shown` yet, and is from now on."""
    found = [
        one
        for one in call["words"]
        if one["startMs"] < until_ms and (one["who"], one["startMs"]) not in shown
    ]
    shown.update((one["who"], one["startMs"]) for one in found)
    return found


def _show(words: list[dict[str, Any]]) -> None:
    for said in words:
        who = paint(_SIDES[said["who"]], _COLOURS[said["who"]])
        click.echo(f"{said['startMs'] / 1000:6.1f}  {who}: {printable(said['text'])}")
