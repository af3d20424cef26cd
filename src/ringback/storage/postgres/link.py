"""One connection to PostgreSQL that is made again after it was lost."""

import contextlib
import re
import time
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from ringback.operator_error import SERVICE_MISSING, OperatorError
from ringback.storage.postgres import faults

Connection = psycopg.Connection[dict[str, Any]]

RECONNECT_S = 5.0
"""How long whoever needs a connection waits for a lost database."""
OUTCOME_S = 15.0
"""How long a lost database is asked what became of a commit."""
_TELLING = 6
"""Characters from which on a password is told by itself; hiding a shorter one would spoil words and so give it away."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.05, 1.0
BY_KEY = (
    # What writers do in bulk goes by key: a plan made while a table was empty must not scan it when it is large.
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
)
IN_ORDER = (
    # A claim takes the first few of an index that may hold a million: a plan made before the table was analysed must not
    # gather them all to sort them.
    "SET enable_seqscan = off",
    "SET enable_bitmapscan = off",
)
WRITES = (
    # A process that hangs in a transaction loses it, and with it the locks that others wait for.
    "SET idle_in_transaction_session_timeout = '60s'",
    "SET lock_timeout = '15s'",
)
_LIFE = "SELECT stats_reset::text AS life FROM pg_stat_bgwriter"
"""Another after every crash of the server, which throws its statistics away; the same after a clean restart."""


def connect(url: str, *settings: str) -> Connection:
    """A connection in autocommit whose rows are dicts."""
    conn = psycopg.connect(
        url,
        autocommit=True,
        row_factory=dict_row,
        prepare_threshold=2,
        connect_timeout=5,
        application_name="ringback",
        tcp_user_timeout=30_000,
    )
    if settings:
        conn.execute("; ".join(settings))
    return conn


def _life(conn: Connection) -> str | None:
    row = conn.execute(_LIFE).fetchone()
    return row["life"] if row else None


def unreachable(url: str, error: Exception) -> OperatorError:
    """Says in one line where the database was looked for and why it did not answer; never the password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return OperatorError("the database's URL is not a PostgreSQL URL: correct RINGBACK_DATABASE_URL")
    host, name = parts.get("host") or "this machine", parts.get("dbname") or "the user's database"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    reason = re.sub(r"(password\s*=\s*)\S+", r"\1***", lines[-1].strip())
    password = str(parts.get("password") or "")
    if len(password) >= _TELLING:
        reason = reason.replace(password, "***")
    return OperatorError(
        f"PostgreSQL at {host} (database {name}) can't be used ({reason}):"
        " start it, or correct --database or RINGBACK_DATABASE_URL",
        exit_code=SERVICE_MISSING,
    )


class Link:
    """A connection for one thread at a time."""

    def __init__(self, url: str, *settings: str) -> None:
        self._url = url
        self._settings = settings
        self._conn: Connection | None = None
        self._life: str | None = None

    def get(self, wait_s: float = RECONNECT_S) -> Connection:
        """The connection, made if there is none. Raises `DatabaseUnavailable` when that fails for `wait_s`."""
        if self._conn is not None and not self._conn.closed:
            return self._conn
        until = time.monotonic() + wait_s
        pause = _FIRST_WAIT_S
        while True:
            try:
                conn = connect(self._url, *self._settings)
                if self._settings:
                    self._life = _life(conn)
                self._conn = conn
                return conn
            except psycopg.OperationalError:
                if time.monotonic() + pause > until:
                    raise faults.unavailable() from None
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_WAIT_S)

    def was_lost(self) -> bool:
        """Whether the connection is gone; it is then forgotten."""
        if self._conn is not None and not self._conn.closed:
            return False
        self._conn = None
        return True

    def roll_back(self) -> None:
        """End the open transaction, if any; a connection that can't is given up."""
        if self._conn is None:
            return
        try:
            if self._conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self._conn.execute("ROLLBACK")
        except psycopg.Error:
            self.close()

    def committed(self, xid: str) -> bool | None:
        """Whether a transaction whose connection was lost was committed; None when the database can't say.

        A server that crashed has forgotten the numbers of transactions that never reached its disk, and gives them to
        others: of "committed" nobody can tell then whose it is.
        """
        life = self._life
        until = time.monotonic() + OUTCOME_S
        while time.monotonic() < until:
            try:
                conn = self.get(max(0.0, until - time.monotonic()))
                row = conn.execute("SELECT pg_xact_status(%s::xid8) AS status", (xid,)).fetchone()
            except faults.DatabaseUnavailable:
                return None
            except psycopg.OperationalError:
                self.was_lost()
            except psycopg.errors.InvalidParameterValue:
                return False  # it knows of no such transaction yet
            except psycopg.Error:
                return None
            else:
                crashed = self._life != life
                status = row["status"] if row else None
                if status is None or (status == "committed" and crashed):
                    return None
                if status != "in progress" or crashed:
                    return bool(status == "committed")
            time.sleep(_FIRST_WAIT_S)
        return None

    def close(self) -> None:
        if self._conn is not None:
            with contextlib.suppress(psycopg.Error):
                self._conn.close()
            self._conn = None
