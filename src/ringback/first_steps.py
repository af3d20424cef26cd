"""What a started server tells of its beginnings."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What a newcomer is told at the start."""

    handset: str | None
    key_file: Path
    sandbox: bool
    link: str | None = None
    """The path of a link that opens the console once; None where no account is here to open it for."""
