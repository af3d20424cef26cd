"""What `ringback serve` tells a newcomer: where it answers, the key, a call that works when pasted, the next step."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ringback.cli.options import load_settings
from ringback.operator_error import OperatorError

if TYPE_CHECKING:
    from ringback.settings import Settings


class FirstSteps(Protocol):
    """What a started server knows of its beginnings."""

    @property
    def handset(self) -> str | None:
        """The number of a phone on the simulated network."""

    @property
    def key_file(self) -> Path:
        """Where the first key is kept until it is hidden."""

    @property
    def link(self) -> str | None:
        """The path of a link that opens the console once."""

    @property
    def sandbox(self) -> bool:
        """Whether the simulated network is the carrier."""


def lines(settings: "Settings", url: str, first: FirstSteps) -> list[str]:
    """The lines to print once the server takes requests."""
    if settings.role in ("dispatch", "deliver", "voice"):
        return [f"Ringback's {settings.role} worker runs; {url}/readyz says how it is."]
    command = _Command(settings)
    told = [("Ringback", f"answers at {url}")]
    if first.link:
        told.append(
            (
                "Console",
                f"{settings.public_url or url}{first.link}  (once; `{command('link')}` prints another)",
            )
        )
    key = _kept(first.key_file)
    if key:
        told.append(("Key", f"{key}  (also in {first.key_file}, until `{command('keys hide')}`)"))
        told.append(("Try", _curl(url, first)))
    else:
        told.append(("Key", f"not kept here; make one with `{command('keys create')}`"))
        told.append(("Try", f"curl -s {url}/healthz"))
    if first.handset:
        told.append(
            ("Handset", f"{first.handset} is a phone to test with: `{command('handset inbox --follow')}`")
        )
    told.append(("Next", "README.md leads from here to a first text; Ctrl-C stops the server"))
    return [f"{name:<9} {text}" for name, text in told]


class _Command:
    """Spells a `ringback` command so that it works when pasted where the server was started."""

    def __init__(self, settings: "Settings") -> None:
        started = sys.argv[0]
        found = shutil.which("ringback")
        on_path = found is not None and os.path.realpath(found) == os.path.realpath(started)
        near = os.path.relpath(started)
        self._name = "ringback" if on_path else shlex.quote(started if near.startswith("..") else near)
        self._data = f" --data {shlex.quote(str(settings.data))}" if self._must_name(settings) else ""

    def __call__(self, command: str) -> str:
        return f"{self._name} {command}{self._data}"

    @staticmethod
    def _must_name(settings: "Settings") -> bool:
        try:
            return load_settings().data != settings.data
        except OperatorError:
            return True


def _kept(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _curl(url: str, first: FirstSteps) -> str:
    path = "/sim/v1/handsets" if first.sandbox else "/v1/numbers"
    return f'curl -s {url}{path} -H "Authorization: Bearer $(cat {shlex.quote(str(first.key_file))})"'
