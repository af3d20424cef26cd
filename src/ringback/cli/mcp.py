"""`ringback mcp`: the tools of a running server over standard input and output."""

import os
import signal
import sys
from pathlib import Path

import click

from ringback.cli import client
from ringback.cli.options import data_option, load_settings
from ringback.operator_error import OperatorError


@click.command()
@click.option("--url", metavar="URL", help="A server elsewhere; needs a key.")
@click.option("--key", envvar="RINGBACK_API_KEY", metavar="KEY", help="An API key.  [RINGBACK_API_KEY]")
@click.option("--account", metavar="ID", help="A sub-account to act for.")
@data_option
def mcp(url: str | None, key: str | None, account: str | None, data: str | None) -> None:
    """Give an AI agent the tools of a running server (MCP) over standard input and output.

    The server is the one on the data folder, or at --url; without a key the first one of the folder is used.
    """
    if url is not None and key is None:
        raise OperatorError("--url needs a key: give one with --key or RINGBACK_API_KEY")
    folder = None if url is not None else load_settings(data=data).data
    import asyncio

    from ringback import logs
    from ringback.doors.mcp.stdio import Place, serve

    logs.set_up("warning")
    if sys.stdin.isatty():
        click.echo("This speaks to programs (docs/mcp.md says to which); Ctrl-D ends it.", err=True)

    def place() -> Place:
        if folder is None:
            return Place(str(url).rstrip("/"), str(key), account)
        return Place(client.require(folder).url, key or _first_key(folder), account)

    # Standard input is read in a thread that waits for its next line, which an interrupt would wait for too.
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    asyncio.run(serve(place))


def _first_key(folder: Path) -> str:
    try:
        return (folder / "first-key").read_text(encoding="utf-8").strip()
    except OSError:
        raise OperatorError(
            "a key is needed: make one with `ringback keys create` and give it as RINGBACK_API_KEY"
        ) from None
