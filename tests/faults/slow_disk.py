"""A server whose disk takes long for each commit. The number of commits goes to `commits` in its folder.

Run as `python -m tests.faults.slow_disk MILLISECONDS serve ...`.
"""

import sys
import time
from pathlib import Path
from typing import Any

from ringback import cli
from ringback.kit.sqlite import GroupCommit


class _Slow:
    """A connection whose COMMIT waits for the disk, as fsync does: in its thread, and nothing else stands still."""

    def __init__(self, conn: Any, takes_s: float) -> None:
        self._conn = conn
        self._takes_s = takes_s
        self._commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    def execute(self, statement: str, *params: Any) -> Any:
        if statement == "COMMIT":
            time.sleep(self._takes_s)
            self._commits += 1
            Path("commits").write_text(str(self._commits))
        return self._conn.execute(statement, *params)


def plant(takes_s: float) -> None:
    """Make every writer slow."""
    quickly = GroupCommit.open

    def slowly(writer: Any) -> None:
        quickly(writer)
        writer._conn = _Slow(writer._conn, takes_s)

    setattr(GroupCommit, "open", slowly)  # noqa: B010


if __name__ == "__main__":
    plant(int(sys.argv[1]) / 1000)
    sys.exit(cli.main(sys.argv[2:]))
