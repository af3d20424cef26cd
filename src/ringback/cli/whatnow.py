"""What `ringback serve` tells a newcomer: where it answers, the key, a call that works when pasted, the next step."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

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
    def sandbox(self) -> bool:
        """Whether the simulated network is the carrier."""


def lines(settings: "Settings", url: str, first: FirstSteps) -> list[str]:
    """The lines to print once the server takes requests."""
    if settings.role in ("dispatch", "deliver"):
        return [f"Ringback's {settings.role} worker runs; {url}/readyz says how it is."]
    told = [("Ringback", f"answers at {url}")]
    key = _kept(first.key_file)
    if key:
        told.append(("Key", f"{key}  (also in {first.key_file}, until `ringback keys hide`)"))
        told.append(("Try", _curl(url, first)))
    else:
        told.append(("Key", "not kept here; make one with `ringback keys create`"))
        told.append(("Try", f"curl -s {url}/healthz"))
    if first.handset:
        told.append(
            ("Handset", f"{first.handset} is a phone to test with: `ringback handset inbox --follow`")
        )
    told.append(("Next", "README.md leads from here to a first text; Ctrl-C stops the server"))
    return [f"{name:<9} {text}" for name, text in told]


def _kept(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _curl(url: str, first: FirstSteps) -> str:
    path = "/sim/v1/handsets" if first.sandbox else "/v1/numbers"
    return f'curl -s {url}{path} -H "Authorization: Bearer $(cat {shlex.quote(str(first.key_file))})"'
