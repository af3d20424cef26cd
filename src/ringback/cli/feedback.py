"""`ringback feedback`: what callers of the API told whoever runs it."""

import json
from typing import Any

import click

from ringback.cli import client
from ringback.cli.options import data_option, load_settings, printable


@click.command()
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=20, metavar="N", help="How many.  [default: 20]"
)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON each.")
@data_option
def feedback(limit: int, as_json: bool, data: str | None) -> None:
    """Show what was told by POST /v1/feedback, newest first."""
    server = client.require(load_settings(data=data).data)
    found: list[dict[str, Any]] = server.call("GET", "/internal/v1/feedback", query={"limit": limit})["data"]
    for entry in found:
        click.echo(json.dumps(entry) if as_json else _for_people(entry))
    if not found and not as_json:
        click.echo("Nobody told anything yet.")


def _for_people(entry: dict[str, Any]) -> str:
    head = [entry["createdAt"], entry["accountId"], entry["category"], *entry["tags"]]
    about = [entry[name] for name in ("requestId", "url") if entry[name]]
    lines = [
        "  ".join(map(printable, head)),
        *map(printable, about),
        *map(printable, entry["note"].splitlines()),
    ]
    return "\n    ".join(lines)
