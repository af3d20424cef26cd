"""`ringback scenario`: a finished call kept as a file, and played again."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ringback import running
from ringback.cli import client
from ringback.cli.options import data_option, load_settings, printable
from ringback.cli.terminal import under_way
from ringback.operator_error import OperatorError

if TYPE_CHECKING:
    from ringback.scenarios.playing import Ask

NOT_HELD = 1
"""The exit code where a scenario does not hold."""
_FIRST_KEY = "first-key"
_TIMEOUT_S = 60.0


def _server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        data_option,
        click.option(
            "--key",
            envvar="RINGBACK_API_KEY",
            metavar="KEY",
            help="An API key.  [RINGBACK_API_KEY, or the first key]",
        ),
        click.option("--url", metavar="URL", help="A server elsewhere; needs a key."),
    ):
        command = option(command)
    return command


@click.group()
def scenario() -> None:
    """Save finished calls as scenarios, and play them again."""


@scenario.command()
@click.argument("call")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to; otherwise it is shown.",
)
@_server_options
def save(call: str, output: Path | None, url: str | None, key: str | None, data: str | None) -> None:
    """Make a scenario of CALL, which is over: what was said and when, and what must hold again."""
    from ringback.scenarios.file import ScenarioError, written
    from ringback.scenarios.saving import scenario_of

    ask = _ask(url, key, data)
    found = ask("GET", f"/v1/calls/{call}")
    try:
        text = written(scenario_of(found, ask("GET", f"/v1/calls/{call}/transcript")))
    except ScenarioError as error:
        raise OperatorError(str(error)) from None
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"{output} can't be written: {error.strerror}") from None
    click.echo(
        f"{output}: {len(found['transcripts'])} exchanges; play it with `ringback scenario run {output}`"
    )


@scenario.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--number", metavar="NUMBER", help="The agent's number that is called, in place of the file's.")
@click.option("--agent", metavar="ID", help="The agent that calls, in place of the file's.")
@click.option("--phone", metavar="NUMBER", help="The phone at the other end, in place of the file's.")
@_server_options
def run(
    files: tuple[Path, ...],
    number: str | None,
    agent: str | None,
    phone: str | None,
    url: str | None,
    key: str | None,
    data: str | None,
) -> int:
    """Play scenarios, one after another: a phone of the simulated network does what it did. 1 where one does not hold."""
    from ringback.scenarios.file import ScenarioError, read
    from ringback.scenarios.playing import play

    try:
        scenarios = [read(path) for path in files]
    except ScenarioError as error:
        raise OperatorError(str(error)) from None
    ask, held = _ask(url, key, data), True
    for path, one in zip(files, scenarios, strict=True):
        try:
            with under_way(f"playing {path}"):
                outcome = play(ask, one, number=number, agent=agent, phone=phone)
        except ScenarioError as error:
            raise OperatorError(f"{path} can't be played: {error}") from None
        report = "\n".join(map(printable, outcome.report().splitlines()))
        click.echo(f"{path}: {report}")
        held = held and outcome.ok
    return 0 if held else NOT_HELD


def _ask(url: str | None, key: str | None, data: str | None) -> "Ask":
    """How the server is asked: the one of the data folder, or the one at `url`."""
    if url is None:
        folder = load_settings(data=data).data
        url = client.require(folder).url
        key = key or _first_key(folder)
    if key is None:
        raise OperatorError("a call needs an API key: give one with --key or RINGBACK_API_KEY")
    server = client.Client(running.Running(url.rstrip("/"), key, client.NOT_HERE))

    def ask(method: str, path: str, body: Any = None, *, query: Any = None) -> Any:
        return server.call(method, path, body, query=query, timeout_s=_TIMEOUT_S)

    return ask


def _first_key(folder: Path) -> str | None:
    try:
        return (folder / _FIRST_KEY).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
