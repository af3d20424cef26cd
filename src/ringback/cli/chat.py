"""Texts as a terminal shows them, and a conversation typed line by line."""

import re
import sys
import threading
from collections.abc import Iterator
from typing import Any

import click

from ringback.cli.client import Client
from ringback.cli.media import to_url, told
from ringback.cli.options import printable
from ringback.operator_error import SERVICE_MISSING, OperatorError

_WAIT_S = 30
_SEND = re.compile(r"""/send\s+(?:"(?P<quoted>[^"]+)"|(?P<file>\S+))\s*(?P<words>.*)""")


def show(message: dict[str, Any]) -> None:
    """One text, in one line."""
    at = str(message.get("at", ""))[11:19]
    status = f"  ({message['status']})" if message.get("direction") == "out" and message.get("status") else ""
    click.echo(
        f"{at}  {printable(message.get('from', ''))} -> {printable(message.get('to', ''))}"
        f"  {printable(message.get('body') or '')}{told(message)}{status}"
    )


def follow(server: Client, path: str, after: str | None) -> Iterator[dict[str, Any]]:
    """The messages newer than `after`, each as soon as it is there, the oldest first; without end."""
    while True:
        page = server.call("GET", path, query={"after": after, "wait": _WAIT_S}, timeout_s=_WAIT_S + 15)
        for message in reversed(page["data"]):
            after = message["id"]
            yield message


class Chat:
    """A handset's conversation with one number: a thread shows what arrives while lines are typed."""

    def __init__(self, server: Client, phone: dict[str, Any], number: str) -> None:
        self._server = server
        self._path = f"/sim/v1/handsets/{phone['id']}/messages"
        self._phone = str(phone["phoneNumber"])
        self._number = number
        self._tty = sys.stdin.isatty()
        self._over = threading.Event()

    def run(self) -> None:
        """Until the input ends or Ctrl-C."""
        latest = self._server.call("GET", self._path, query={"limit": 1})["data"]
        listener = threading.Thread(
            target=self._listen, args=(latest[0]["id"] if latest else None,), daemon=True, name="chat"
        )
        listener.start()
        click.echo(
            f"{self._phone} texts {printable(self._number)}; /send FILE sends a picture, /quit or Ctrl-D ends.",
            err=True,
        )
        try:
            while line := self._read():
                if line.strip() == "/quit":
                    break
                if line.strip():
                    self._send(line.strip())
        finally:
            self._over.set()

    def _read(self) -> str:
        if self._tty:
            click.echo("> ", nl=False)
        return sys.stdin.readline()

    def _send(self, line: str) -> None:
        if line.startswith("/") and _SEND.fullmatch(line) is None:
            # A slip must not reach the agent: "/quit" would opt the person out.
            self._print("not sent: /send FILE [words] and /quit are the commands; a text can't begin with /")
            return
        try:
            self._server.call("POST", self._path, {"to": self._number, **self._said(line)})
        except OperatorError as error:
            if error.exit_code == SERVICE_MISSING:
                raise
            # A refused text is told like on a phone; the conversation goes on.
            self._print(f"not sent: {error.line}")

    def _said(self, line: str) -> dict[str, Any]:
        """What a line means: words, or `/send` with a file (or a URL) and words for it."""
        asked = _SEND.fullmatch(line)
        if asked is None:
            return {"body": line}
        return {"body": asked["words"], "mediaUrls": [to_url(self._server, asked["quoted"] or asked["file"])]}

    def _listen(self, after: str | None) -> None:
        try:
            for message in follow(self._server, self._path, after):
                if message.get("direction") == "in":
                    self._print(
                        f"{printable(message.get('from', ''))}: {printable(message.get('body') or '')}{told(message)}"
                    )
        except OperatorError as error:
            if not self._over.is_set():
                self._print(error.line)

    def _print(self, line: str) -> None:
        click.echo(f"\r{line}\n> " if self._tty else line, nl=not self._tty)
