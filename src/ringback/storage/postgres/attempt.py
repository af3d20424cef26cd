"""One try at a transaction: begin with the locks, run, send what was changed, commit; and what a failure means."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import psycopg

from ringback.kit.clock import Clock
from ringback.kit.ids import IdMaker
from ringback.kit.notices import CHANNEL, Sender
from ringback.storage.changes import Key
from ringback.storage.postgres import faults
from ringback.storage.postgres.executor import STALE, PostgresExecutor, Reading, lock_heads
from ringback.storage.postgres.link import Link
from ringback.storage.statements import RowStatements
from ringback.storage.tx import Session

T = TypeVar("T")

_AGAIN = {STALE, "40P01", "40001", "23505"}
"""A row that went meanwhile, a deadlock, a serialization failure, a key that somebody else took: another try decides."""
_TOO_LONG = "55P03"


def _is_cut(error: psycopg.Error) -> bool:
    """Whether the server or the way to it ended, and not a statement (SQLSTATE classes 08 and 57)."""
    return error.sqlstate is None or error.sqlstate[:2] in ("08", "57")


class Again(Exception):
    """Nothing was done, and another try may succeed."""


class Attempts:
    """Makes tries on one link."""

    def __init__(self, link: Link, clock: Clock, ids: IdMaker, sender: Sender) -> None:
        self._link = link
        self._clock = clock
        self._ids = ids
        self._sender = sender

    def make(
        self,
        run: Callable[[Session], T],
        *,
        accounts: Iterable[str],
        needs: dict[RowStatements, set[Key]] | None = None,
    ) -> T:
        """Run `run` in a transaction with the accounts' locks; `needs` (a batch's) are read ahead in the same trip.

        Raises what `run` raised (rolled back), `Again`, `DatabaseUnavailable` or `OutcomeUnknown`.
        """
        xid: str | None = None
        committing = False
        try:
            conn = self._link.get()
            executor = PostgresExecutor(conn, batch=needs is not None)
            session = Session(executor, self._clock, self._ids)
            xid = self._begin(conn, session, accounts, needs or {})
            result = run(session)
            committing = True
            with conn.pipeline():
                session.flush()
                if session.wakes:
                    conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, self._sender.notice(session.wakes)))
                conn.execute("COMMIT")
            return result
        except psycopg.Error as error:
            if committing and _is_cut(error):
                # The COMMIT may have been done before; the connection need not know yet that it is gone.
                self._link.close()
            if self._link.was_lost():
                return self._after_loss(error, xid if committing else None, lambda: result)
            self._link.roll_back()
            if error.sqlstate in _AGAIN:
                raise Again from error
            if error.sqlstate == _TOO_LONG:
                raise faults.too_contended() from error
            raise
        except BaseException:
            self._link.roll_back()
            raise

    def _begin(
        self,
        conn: Any,
        session: Session,
        accounts: Iterable[str],
        needs: dict[RowStatements, set[Key]],
    ) -> str:
        with conn.pipeline():
            conn.execute("BEGIN")
            xid = conn.execute("SELECT pg_current_xact_id()::text AS xid")
            readings = [lock_heads(conn, accounts)] if accounts else []
            readings += [Reading(conn, table, sorted(keys)) for table, keys in needs.items()]
        learn(session, readings)
        found: str = xid.fetchone()["xid"]
        return found

    def _after_loss(self, error: psycopg.Error, xid: str | None, result: Callable[[], T]) -> T:
        if xid is None:
            raise Again from error
        committed = self._link.committed(xid)
        if committed is None:
            raise faults.outcome_unknown() from error
        if not committed:
            raise Again from error
        return result()


def learn(session: Session, readings: Iterable[Reading]) -> None:
    for reading in readings:
        for key, row in reading.rows():
            session.learn(reading.table, key, row)
