"""The mutant: a server that acknowledges before COMMIT. It proves that the test of kills can fail.

Run as `python -m tests.faults.early_ack serve ...`.
"""

import sys
import time
from typing import Any

from ringback import cli
from ringback.kit import groups
from ringback.storage import sqlite as storage

_LATE_S = 0.1


class _Uncommitted:
    """A connection whose COMMIT is left to somebody else."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    def execute(self, statement: str, *params: Any) -> Any:
        return None if statement == "COMMIT" else self._conn.execute(statement, *params)


def plant() -> None:
    """Make the store's writer answer first and commit a little later."""
    writer: Any = storage._Writer
    attempt = writer.attempt

    def answer_first(self: Any, conn: Any, batch: Any) -> Any:
        outcomes = attempt(self, _Uncommitted(conn), batch)
        groups._answer(outcomes)
        time.sleep(_LATE_S)
        conn.execute("COMMIT")
        return []

    writer.attempt = answer_first


if __name__ == "__main__":
    plant()
    sys.exit(cli.main(sys.argv[1:]))
