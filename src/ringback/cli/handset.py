"""`ringback handset`: phones of the simulated network, used from the terminal."""

from typing import Any

import click

from ringback.cli import client
from ringback.cli.chat import Chat, follow, show
from ringback.cli.media import to_url
from ringback.cli.options import data_option, load_settings, print_table
from ringback.cli.patient import Patient
from ringback.cli.phone_call import hold
from ringback.operator_error import OperatorError

_PAGE = 100


@click.group()
def handset() -> None:
    """Use the phones of the simulated network."""


def _server(data: str | None) -> client.Client:
    return client.require(load_settings(data=data).data)


def _all(server: client.Client) -> list[dict[str, Any]]:
    """Every handset, the oldest first."""
    found: list[dict[str, Any]] = []
    while True:
        page = server.call("GET", "/sim/v1/handsets", query={"limit": _PAGE, "offset": len(found)})
        found += page["data"]
        if not page["hasMore"] or not page["data"]:
            return found[::-1]


def choose(handsets: list[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    """The handset with this id, number (in any spelling) or name; the oldest when nothing is asked for."""
    if not handsets:
        raise OperatorError("there is no handset: make one with `ringback handset create`")
    if wanted is None:
        return handsets[0]
    digits = "".join(char for char in wanted if char.isdigit())
    for found in handsets:
        number = str(found["phoneNumber"])
        if wanted in (found["id"], found.get("name"), number):
            return found
        if len(digits) >= 10 and number.lstrip("+") in (digits, f"1{digits}"):
            return found
    raise OperatorError(f"no handset is called {wanted}: `ringback handset list` shows them all")


@handset.command("list")
@data_option
def list_(data: str | None) -> None:
    """List the handsets."""
    print_table(
        ("NUMBER", "NAME", "TEXTS", "CALLS", "ONLINE", "ID"),
        [
            (
                one["phoneNumber"],
                one.get("name"),
                one.get("personality"),
                one.get("callPersonality"),
                "yes" if one.get("online", True) else "no",
                one["id"],
            )
            for one in _all(_server(data))
        ],
    )


@handset.command()
@click.option("--number", metavar="NUMBER", help="Its number, as +14155550123; otherwise one is given.")
@click.option("--name", metavar="N", help="A name to know it by.")
@click.option("--area-code", metavar="415", help="Area code of the number given.")
@click.option("--personality", metavar="P", help="How it takes texts: answers, slow, unreachable, stops ...")
@data_option
def create(
    number: str | None, name: str | None, area_code: str | None, personality: str | None, data: str | None
) -> None:
    """Make a handset."""
    asked = {"phoneNumber": number, "name": name, "areaCode": area_code, "personality": personality}
    given = {field: value for field, value in asked.items() if value is not None}
    made = _server(data).call("POST", "/sim/v1/handsets", given)
    click.echo(made["phoneNumber"])


@handset.command()
@click.argument("to")
@click.argument("body", default="")
@click.option("--media", multiple=True, metavar="FILE", help="A picture (or a URL) to send; may be repeated.")
@click.option(
    "--from", "from_", metavar="HANDSET", help="Number, name or id of the handset; otherwise the first."
)
@data_option
def text(to: str, body: str, media: tuple[str, ...], from_: str | None, data: str | None) -> None:
    """Send a text from a handset TO a number, with words (BODY), media or both."""
    server = _server(data)
    phone = choose(_all(server), from_)
    asked = {"to": to, "body": body} | (
        {"mediaUrls": [to_url(server, one) for one in media]} if media else {}
    )
    sent = server.call("POST", f"/sim/v1/handsets/{phone['id']}/messages", asked)
    show(sent)
    if sent["status"] == "failed":
        raise OperatorError(f"the text was not delivered: no agent holds {sent['to']}")


@handset.command()
@click.argument("number", required=False)
@click.option("--follow", "-f", "following", is_flag=True, help="Go on showing what arrives.")
@data_option
def inbox(number: str | None, following: bool, data: str | None) -> None:
    """Show the texts of a handset, by default the first one."""
    server = _server(data)
    phone = choose(_all(server), number)
    path = f"/sim/v1/handsets/{phone['id']}/messages"
    messages = server.call("GET", path, query={"limit": _PAGE})["data"]
    for message in reversed(messages):
        show(message)
    if following:
        for message in follow(Patient(lambda: _server(data)), path, messages[0]["id"] if messages else None):
            show(message)


@handset.command()
@click.argument("number")
@click.option(
    "--from", "from_", metavar="HANDSET", help="Number, name or id of the handset; otherwise the first."
)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each text, both ways.")
@data_option
def chat(number: str, from_: str | None, as_json: bool, data: str | None) -> None:
    """Text with NUMBER line by line, as from a phone in the hand."""
    Chat(lambda: _server(data), choose(_all(_server(data)), from_), number, as_json=as_json).run()


@handset.command()
@click.argument("to")
@click.argument("words", nargs=-1)
@click.option(
    "--from", "from_", metavar="HANDSET", help="Number, name or id of the handset; otherwise the first."
)
@data_option
def call(to: str, words: tuple[str, ...], from_: str | None, data: str | None) -> None:
    """Call a number from a handset, say each of WORDS when the other end has spoken, and hang up after the answer."""
    server = _server(data)
    hold(server, choose(_all(server), from_), to, words)
