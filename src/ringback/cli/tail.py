"""`ringback tail`: an account's events, one line each, as they happen."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from ringback import running
from ringback.cli import client
from ringback.cli.options import data_option, load_settings, printable
from ringback.cli.patient import Patient
from ringback.cli.terminal import paint
from ringback.operator_error import OperatorError

_WAIT_S = 30
_COLOURS = {
    "red": {"failed", "unconfirmed", "disabled", "recorded", "revoked"},
    "green": {"delivered", "answered", "available", "enabled", "lifted"},
    "cyan": {"received", "ringing", "turn"},
}
"""By the last word of an event's type."""
_OWN, _WITH_KEY = "/internal/v1/events", "/v1/events"


@click.command()
@click.option(
    "--after", type=click.IntRange(0), metavar="SEQ", help="Begin after this sequence.  [default: now]"
)
@click.option("--types", metavar="T", help="Types with commas between, such as message.*,number.released.")
@click.option("--agent", metavar="ID", help="Events of this agent alone.")
@click.option("--account", metavar="ID", help="Whose events.  [default: the first account's]")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON each.")
@click.option("--url", metavar="URL", help="A server elsewhere; needs a key.")
@click.option(
    "--key", envvar="RINGBACK_API_KEY", metavar="KEY", help="An API key, for --url.  [RINGBACK_API_KEY]"
)
@data_option
def tail(
    after: int | None,
    types: str | None,
    agent: str | None,
    account: str | None,
    as_json: bool,
    url: str | None,
    key: str | None,
    data: str | None,
) -> None:
    """Show what happens, until Ctrl-C. A server that stops is waited for, and nothing is missed meanwhile."""
    query = {"types": types, "agentId": agent}
    if url is None:
        folder = load_settings(data=data).data
        client.require(folder)
        # A server that was started again has another address and token.
        follow = _follow(
            Patient(lambda: client.require(folder)), _OWN, {**query, "accountId": account}, after
        )
    else:
        if key is None:
            raise OperatorError("--url needs a key: give one with --key or RINGBACK_API_KEY")
        server = client.Client(running.Running(url.rstrip("/"), key, client.NOT_HERE), account=account)
        follow = _follow(Patient(lambda: server), _WITH_KEY, query, after)
    if sys.stderr.isatty():
        click.echo("Events are shown as they happen; Ctrl-C ends.", err=True)
    for event in follow:
        click.echo(json.dumps(event, ensure_ascii=False) if as_json else line_of(event))


def _follow(server: Patient, path: str, query: dict[str, Any], after: int | None) -> Iterator[dict[str, Any]]:
    """Every event after `after`, or from now on; without end."""
    wait = _WAIT_S + 15
    if after is None:
        after = server.call("GET", path, query={**query, "limit": 1}, timeout_s=wait)["newest"]
    while True:
        page = server.call("GET", path, query={**query, "after": after, "wait": _WAIT_S}, timeout_s=wait)
        yield from page["data"]
        after = page["nextAfter"]


def line_of(event: dict[str, Any]) -> str:
    """One event for people; on a terminal what went wrong, what arrived and what came in differ in colour."""
    told = {**event["data"], "agentId": event["agentId"]}
    parts = [
        paint(f"{name}=", dim=True) + printable(value) for name, value in told.items() if value is not None
    ]
    kind = printable(event["type"])
    head = paint(f"{event['seq']:>6}  {event['at'][11:19]}", dim=True)
    return f"{head}  {paint(f'{kind:<22}', _colour_of(kind))}  {' '.join(parts)}".rstrip()


def _colour_of(kind: str) -> str | None:
    last = kind.rpartition(".")[2]
    return next((colour for colour, words in _COLOURS.items() if last in words), None)
