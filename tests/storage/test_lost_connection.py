"""The database goes away: nothing is done twice, nothing acknowledged is lost, and who can't know says so."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from ringback.storage import schema
from ringback.storage.postgres import faults, link
from ringback.storage.postgres.store import PostgresStore
from ringback.storage.tx import Tx
from tests.faults.world import database
from tests.storage.world import World

pytestmark = pytest.mark.fault

ALICE = "+12125550001"
OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
UNDER_WAY = "SELECT backend_xid::text FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
NEXT = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"


def cut_all(world: World) -> None:
    assert world.settings.database_url is not None
    with psycopg.connect(world.settings.database_url, autocommit=True) as conn:
        conn.execute(OTHERS)


async def test_units_and_reads_go_on_with_new_connections(shared_world: World) -> None:
    world = shared_world
    await world.send(world.text(ALICE))
    for _ in range(3):
        cut_all(world)
        await world.send(world.text(ALICE))
        cut_all(world)
        await world.claim(most=1)
        cut_all(world)
        assert (await world.head())["message_count"] > 1
    assert len(await world.rows(schema.messages)) == 4


async def test_units_under_way_are_done_once(shared_world: World) -> None:
    """Connections are cut at any moment, also during commits: what is acknowledged is there, once."""
    world = shared_world
    sent = asyncio.Event()

    async def cutter() -> None:
        while not sent.is_set():
            await asyncio.sleep(0.02)
            await asyncio.to_thread(cut_all, world)

    async def send(n: int, k: int) -> str:
        while True:
            # On a slow machine a connection may never live long enough; then it is told that nothing was done.
            with contextlib.suppress(faults.DatabaseUnavailable):
                return str((await world.send(world.text(f"+1212555{n:04d}", f"{n} {k}", number=n % 3)))["id"])

    async def client(n: int) -> list[str]:
        return [await send(n, k) for k in range(40)]

    cutting = asyncio.create_task(cutter())
    done = await asyncio.gather(*[client(n) for n in range(8)])
    sent.set()
    await cutting
    acknowledged = sorted(message for each in done for message in each)
    assert sorted(row["id"] for row in await world.rows(schema.messages)) == acknowledged
    conversations = len(await world.rows(schema.conversations))
    assert [row["seq"] for row in await world.rows(schema.events)] == list(range(1, 321 + conversations))
    assert (await world.head())["message_count"] == 320


class Cut:
    """Cuts a connection when a COMMIT was sent on it, and before or after the server has done it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, done: bool) -> None:
        self._real: Callable[..., Any] = psycopg.Connection.execute
        self._done = done
        self.cuts = 1
        cut = self

        def execute(conn: Any, query: Any, *args: Any, **more: Any) -> Any:
            return cut(conn, query, *args, **more)

        monkeypatch.setattr(psycopg.Connection, "execute", execute)

    def __call__(self, conn: Any, query: Any, *args: Any, **more: Any) -> Any:
        if query != "COMMIT" or self.cuts == 0 or conn.read_only:
            return self._real(conn, query, *args, **more)
        self.cuts -= 1
        if self._done:
            self._real(conn, query)
            conn._pipeline.sync()
        conn.close()
        raise psycopg.OperationalError("the connection was cut")


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("done", [True, False])
async def test_a_commit_whose_answer_was_lost_is_asked_for(
    shared_world: World, monkeypatch: pytest.MonkeyPatch, batched: bool, done: bool
) -> None:
    world = shared_world
    ran: list[int] = []

    def unit(tx: Tx) -> int:
        ran.append(1)
        head = tx.get(schema.accounts, world.account)
        assert head is not None
        return int(tx.update(schema.accounts, head, event_seq=head["event_seq"] + 1)["event_seq"])

    cut = Cut(monkeypatch, done=done)
    counted = await world.store.write(unit, account=world.account, needs=[] if batched else None)
    assert cut.cuts == 0
    assert counted == 1
    assert (await world.head())["event_seq"] == 1
    assert len(ran) == (1 if done else 2)


@pytest.mark.parametrize("reused", [True, False])
async def test_after_a_crash_the_number_of_a_transaction_may_be_anothers(
    tmp_path: Path, reused: bool
) -> None:
    """What reached no disk is not told as done because somebody else was given its number and committed."""
    with database() as own:
        async with World(tmp_path, own.url) as world:
            ran: list[int] = []

            def crash() -> None:
                own.cluster.kill(signal.SIGQUIT)
                own.cluster.start()
                with psycopg.connect(own.url, autocommit=True) as conn:
                    while reused and number(conn, NEXT) <= ran[0]:
                        conn.execute("INSERT INTO meta VALUES (gen_random_uuid()::text, '')")

            def unit(tx: Tx) -> None:
                if not ran:
                    with psycopg.connect(own.url, autocommit=True) as conn:
                        ran.append(number(conn, UNDER_WAY))
                    crash()
                head = tx.get(schema.accounts, world.account)
                assert head is not None
                tx.update(schema.accounts, head, event_seq=77)

            writing = world.store.write(unit, account=world.account, needs=[])
            if reused:
                with pytest.raises(faults.OutcomeUnknown):
                    await writing
            else:
                await writing
            assert (await world.head())["event_seq"] == (0 if reused else 77)


def number(conn: psycopg.Connection[Any], query: LiteralString) -> int:
    found = conn.execute(query).fetchone()
    assert found is not None
    return int(found[0])


async def test_who_can_not_know_says_so(shared_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = shared_world
    assert isinstance(world.store, PostgresStore)
    monkeypatch.setattr(link, "OUTCOME_S", 0.2)
    cut = Cut(monkeypatch, done=True)

    def lost(*args: Any) -> Any:
        raise psycopg.OperationalError("nobody there")

    real = link.connect
    monkeypatch.setattr(link, "connect", lost)
    with pytest.raises(faults.OutcomeUnknown) as told:
        await world.send(world.text(ALICE))
    assert cut.cuts == 0
    assert told.value.status == 503
    assert "Idempotency-Key" in told.value.message
    monkeypatch.setattr(link, "RECONNECT_S", 0.1)
    with pytest.raises(faults.DatabaseUnavailable):
        await world.send(world.text(ALICE))
    monkeypatch.setattr(link, "connect", real)
    assert (await world.send(world.text(ALICE)))["status"] == "queued"
    assert len(await world.rows(schema.messages)) == 2
