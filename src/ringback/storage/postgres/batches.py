"""The frequent kinds of units: one writer thread that runs what has arrived as one transaction."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from ringback.kit.groups import Groups, Job, Outcome
from ringback.storage.changes import Key
from ringback.storage.postgres import faults
from ringback.storage.postgres.attempt import Again, Attempts, learn
from ringback.storage.postgres.executor import Missing, NeedsAccount, Reading
from ringback.storage.postgres.link import Link
from ringback.storage.statements import RowStatements, of
from ringback.storage.store import Need
from ringback.storage.tx import NotBatchable, Session, Tx

MAX_BATCH = 64
_TRIES = 3
_SINGLE_TRIES = 6
_MOST_READS = 12
"""Rounds of reading for one unit before it is run on its own."""


class UnitJob(Job):
    """A unit, the account whose lock it needs, and the rows that it will read."""

    __slots__ = ("account", "needs", "request_id", "unit")

    def __init__(
        self,
        unit: Callable[[Tx], Any],
        account: str | None,
        needs: Sequence[Need],
        request_id: str | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(unit, loop)
        self.unit = unit
        self.account = account
        self.needs = needs
        self.request_id = request_id


def run_single(
    attempts: Attempts, unit: Callable[[Tx], Any], account: str | None, request_id: str | None
) -> tuple[Any, set[str]]:
    """Run one unit in a transaction of its own, again where that helps; answers its result and its wake-ups."""
    accounts = set() if account is None else {account}

    def run(session: Session) -> tuple[Any, set[str]]:
        result = session.run(unit, request_id)
        return result, session.wakes

    for tried in range(_SINGLE_TRIES):
        try:
            return attempts.make(run, accounts=accounts)
        except NeedsAccount as needed:
            accounts.add(needed.account_id)
        except Again:
            time.sleep(random.uniform(0, 0.01 * 2**tried))  # noqa: S311
    raise faults.too_contended()


class Batches(Groups):
    """The writer."""

    def __init__(self, link: Link, attempts: Attempts) -> None:
        super().__init__(name="ringback-writer", max_batch=MAX_BATCH)
        self._link = link
        self._attempts = attempts

    def open(self) -> None:
        self._link.get()

    def shut(self) -> None:
        self._link.close()

    def commit(self, batch: list[Job]) -> list[Outcome]:
        jobs = [job for job in batch if isinstance(job, UnitJob)]
        for _ in range(_TRIES):
            try:
                outcomes, deferred = self._try(jobs)
            except Again:
                continue
            except (faults.DatabaseUnavailable, faults.OutcomeUnknown) as fault:
                return [(job, None, fault) for job in jobs]
            except BaseException:
                break
            return outcomes + [self._single(job) for job in deferred]
        return [self._single(job) for job in jobs]

    def _single(self, job: UnitJob) -> Outcome:
        try:
            return job, run_single(self._attempts, job.unit, job.account, job.request_id), None
        except BaseException as error:
            return job, None, error

    def _try(self, jobs: list[UnitJob]) -> tuple[list[Outcome], list[UnitJob]]:
        """All of `jobs` in one transaction; answers what became of them, and which must be run on their own.

        What follows a deferred unit of the same account is deferred too, so that the account's order stays.
        """
        needs: dict[RowStatements, set[Key]] = {}
        for job in jobs:
            for table, key in job.needs:
                needs.setdefault(of(table), set()).add(key)
        accounts = {job.account for job in jobs if job.account is not None}
        return self._attempts.make(lambda session: self._run(session, jobs), accounts=accounts, needs=needs)

    def _run(self, session: Session, jobs: list[UnitJob]) -> tuple[list[Outcome], list[UnitJob]]:
        outcomes: list[Outcome] = []
        deferred: list[UnitJob] = []
        behind: set[str] = set()
        topics: set[str] = set()
        for at, job in enumerate(jobs):
            if job.account in behind:
                deferred.append(job)
                continue
            session.wakes = set()
            try:
                result = self._run_one(session, job, jobs[at + 1 :])
            except (NotBatchable, NeedsAccount):
                deferred.append(job)
                if job.account is not None:
                    behind.add(job.account)
            except psycopg.Error:
                raise
            except BaseException as error:
                outcomes.append((job, None, error))
            else:
                outcomes.append((job, (result, session.wakes), None))
                topics |= session.wakes
        session.wakes = topics
        return outcomes, deferred

    def _run_one(self, session: Session, job: UnitJob, rest: list[UnitJob]) -> Any:
        for _ in range(_MOST_READS):
            try:
                return session.run(job.unit, job.request_id)
            except Missing as missing:
                self._read(session, missing, rest)
        raise NotBatchable

    def _read(self, session: Session, first: Missing, rest: list[UnitJob]) -> None:
        """Read a row that a unit asks for, and with it the next that each later unit will ask for."""
        wanted: dict[RowStatements, set[Key]] = {first.table: {first.key}}
        for job in rest:
            try:
                session.rehearse(job.unit)
            except Missing as missing:
                wanted.setdefault(missing.table, set()).add(missing.key)
            except Exception:  # noqa: S112 - it is told when the unit is run
                continue
        conn = self._link.get()
        with conn.pipeline():
            readings = [Reading(conn, table, sorted(keys)) for table, keys in wanted.items()]
        learn(session, readings)
