"""`ringback tail`: what happens on the running server, one line each, as it happens."""

import json
import time
from typing import Any

import click

from ringback.cli import client
from ringback.cli.options import data_option, load_settings, printable
from ringback.operator_error import SERVICE_MISSING, OperatorError

_WAIT_S = 20
_AGAIN_S = 1.0


@click.command()
@click.option("--account", "account_id", metavar="ID", help="Another account than the first one.")
@click.option(
    "--after", type=click.IntRange(0), metavar="N", help="Begin behind this sequence, not from now on."
)
@click.option("--types", metavar="LIST", help="Only these, such as message.*,number.bought")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON each.")
@data_option
def tail(
    account_id: str | None, after: int | None, types: str | None, as_json: bool, data: str | None
) -> None:
    """Follow the event log until Ctrl-C; a server that is started again meanwhile is followed on."""
    folder = load_settings(data=data).data
    client.require(folder)
    told = False
    while True:
        server = client.connect(folder)
        try:
            if server is None:
                raise OperatorError("no server", SERVICE_MISSING)
            after = _follow(server, account_id, after, types, as_json)
            told = False
        except OperatorError as error:
            if error.exit_code != SERVICE_MISSING:
                raise
            if not told:
                click.echo("The server does not answer; waiting for it.", err=True)
                told = True
            time.sleep(_AGAIN_S)


def _follow(
    server: client.Client, account_id: str | None, after: int | None, types: str | None, as_json: bool
) -> int:
    """Show what comes in one long look; answers the sequence to go on after."""
    query = {"account": account_id, "after": after, "types": types, "wait": _WAIT_S}
    found = server.call("GET", "/internal/v1/events", query=query, timeout_s=_WAIT_S + 15)
    for event in found["data"]:
        click.echo(json.dumps(event) if as_json else for_people(event))
    return int(found["nextAfter"])


def for_people(event: dict[str, Any]) -> str:
    """An event as one line: when, its sequence, its type, and what it holds."""
    told = "  ".join(f"{name}={value}" for name, value in event["data"].items() if value is not None)
    return printable(f"{event['at'][11:23]}  {event['seq']:>6}  {event['type']:<22}  {told}").rstrip()
