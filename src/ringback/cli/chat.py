"""Texts as a terminal shows them, and a conversation typed line by line."""

import contextlib
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import click

from ringback.cli.client import Client
from ringback.cli.media import to_url, told
from ringback.cli.options import printable
from ringback.cli.patient import Patient
from ringback.cli.terminal import paint
from ringback.operator_error import SERVICE_MISSING, OperatorError

_WAIT_S = 30
_PROMPT = "> "
_SEND = re.compile(r"""/send\s+(?:"(?P<quoted>[^"]+)"|(?P<file>\S+))\s*(?P<words>.*)""")


def show(message: dict[str, Any]) -> None:
    """One text, in one line."""
    at = str(message.get("at", ""))[11:19]
    status = f"  ({message['status']})" if message.get("direction") == "out" and message.get("status") else ""
    click.echo(
        f"{at}  {printable(message.get('from', ''))} -> {printable(message.get('to', ''))}"
        f"  {printable(message.get('body') or '')}{told(message)}{status}"
    )


def follow(server: Patient, path: str, after: str | None) -> Iterator[dict[str, Any]]:
    """The messages newer than `after`, each as soon as it is there, the oldest first; without end."""
    while True:
        page = server.call("GET", path, query={"after": after, "wait": _WAIT_S}, timeout_s=_WAIT_S + 15)
        for message in reversed(page["data"]):
            after = message["id"]
            yield message


class Chat:
    """A handset's conversation with one number: a thread shows what arrives while lines are typed.

    The server is what `find` finds, each time anew. On a terminal it may go and come back.
    """

    def __init__(
        self, find: Callable[[], Client], phone: dict[str, Any], number: str, *, as_json: bool = False
    ) -> None:
        self._find = find
        self._path = f"/sim/v1/handsets/{phone['id']}/messages"
        self._phone = str(phone["phoneNumber"])
        self._number = number
        self._json = as_json
        self._tty = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
        self._reading = False
        self._over = threading.Event()

    def run(self) -> None:
        """Until the input ends or Ctrl-C."""
        latest = self._find().call("GET", self._path, query={"limit": 1})["data"]
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
        if not self._tty:
            return sys.stdin.readline()
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  it edits the line and keeps the earlier ones
        self._reading = True
        try:
            return f"{input(_PROMPT)}\n"
        except EOFError:
            click.echo()
            return ""
        finally:
            self._reading = False

    def _send(self, line: str) -> None:
        if line.startswith("/") and _SEND.fullmatch(line) is None:
            # A slip must not reach the agent: "/quit" would opt the person out.
            self._print("not sent: /send FILE [words] and /quit are the commands; a text can't begin with /")
            return
        try:
            sent = self._find().call("POST", self._path, {"to": self._number, **self._said(line)})
        except OperatorError as error:
            if error.exit_code == SERVICE_MISSING and not self._tty:
                raise
            # A refused text is told like on a phone; the conversation goes on.
            self._print(paint(f"not sent: {error.line}", "red"))
            return
        if self._json:
            click.echo(json.dumps(sent, ensure_ascii=False))
        elif sent["status"] == "failed":
            self._print(paint("not delivered: nobody answers at this number", "red"))
        elif self._tty:
            self._print(paint(f"{sent['status']} {str(sent['at'])[11:19]}", dim=True))

    def _said(self, line: str) -> dict[str, Any]:
        """What a line means: words, or `/send` with a file (or a URL) and words for it."""
        asked = _SEND.fullmatch(line)
        if asked is None:
            return {"body": line}
        return {"body": asked["words"], "mediaUrls": [to_url(self._find(), asked["quoted"] or asked["file"])]}

    def _while_open(self) -> Client:
        if self._over.is_set():
            raise OperatorError("the chat is over")
        return self._find()

    def _listen(self, after: str | None) -> None:
        try:
            for message in follow(Patient(self._while_open, self._tell), self._path, after):
                if message.get("direction") == "in":
                    self._arrive(message)
        except OperatorError as error:
            if not self._over.is_set():
                self._print(error.line)

    def _arrive(self, message: dict[str, Any]) -> None:
        if self._json:
            click.echo(json.dumps(message, ensure_ascii=False))
            return
        who = paint(f"{printable(message.get('from', ''))}:", "cyan", bold=True)
        self._print(f"{who} {printable(message.get('body') or '')}{told(message)}")

    def _tell(self, line: str) -> None:
        if not self._over.is_set():
            self._print(paint(line, dim=True))

    def _print(self, line: str) -> None:
        """A line above the one that is typed, which stays."""
        if not self._tty:
            click.echo(line, err=self._json)
            return
        clear = "" if os.environ.get("TERM") == "dumb" else "\x1b[K"
        typed = f"{_PROMPT}{_typed()}" if self._reading else ""
        click.echo(f"\r{clear}{line}\n{typed}", nl=False)


def _typed() -> str:
    """What stands in the line that is being typed."""
    readline = sys.modules.get("readline")
    return "" if readline is None else str(readline.get_line_buffer())
