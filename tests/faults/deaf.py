"""A server to which no wake-up ever comes, be it from a commit of its own or from another process.

Run as `python -m tests.faults.deaf serve ...`.
"""

import sys

from ringback import cli
from ringback.live.inprocess import InProcess


def plant() -> None:
    """Lose every wake-up; notices of other processes are wake-ups in the end, too."""
    setattr(InProcess, "wake", lambda hub, topic: None)  # noqa: B010


if __name__ == "__main__":
    plant()
    sys.exit(cli.main(sys.argv[1:]))
