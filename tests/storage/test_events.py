"""Reading events while others write them, on both stores and over processes; and forgetting the old ones."""

import asyncio
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ringback.events import jobs
from ringback.events import store as log
from ringback.events import waiting as readers
from ringback.events.errors import EventsExpired
from ringback.events.log import record
from ringback.events.store import Wanted
from ringback.events.waiting import EventWaits
from ringback.kit.faults import Invalid
from ringback.kit.notices import Sender
from ringback.live.inprocess import InProcess
from ringback.live.postgres import Notices
from ringback.storage import schema
from ringback.storage.opening import open_store
from ringback.storage.store import Store
from ringback.storage.tx import Tx
from tests.storage.test_processes import CLIENTS, EACH, PROCESSES, deadlocks
from tests.storage.world import World

pytestmark = pytest.mark.fault
DAY_MS = jobs.DAY_MS


def write(tx: Tx, account_id: str, count: int = 1) -> None:
    for _ in range(count):
        record(tx, account_id, "agent.updated", agentId="agt_1")


async def add(world: World, count: int, account_id: str | None = None, store: Store | None = None) -> None:
    account = account_id or world.account
    await (store or world.store).write(lambda tx: write(tx, account, count), account=account)


async def follow(waits: EventWaits, account_id: str, *, until: int, limit: int = 50) -> list[int]:
    """The sequences that a reader sees that goes on after the last one, to `until`."""
    seen: list[int] = []
    after = 0
    while after < until:
        page = await waits.read(account_id, Wanted(), after=after, limit=limit, wait_s=20)
        assert page.next_after >= after
        seen += [row["seq"] for row in page.rows]
        after = page.next_after
    return seen


async def test_a_reader_beside_three_writing_processes_sees_each_event_once(
    shared_world: World, tmp_path: Path
) -> None:
    """A sequence that was taken earlier and committed later would be skipped; here none is."""
    world = shared_world
    url = world.settings.database_url
    assert url is not None
    before = await deadlocks(world)
    hub, sender = InProcess(), Sender()
    notices = Notices(url, hub, sender)
    notices.start()
    store = await open_store(world.settings, world.clock, world.ids, hub.wake, sender)
    waits = EventWaits(store, hub)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.storage.test_processes", url, str(tmp_path), world.account]
    writers = [
        subprocess.Popen([*command, *world.numbers], cwd=root, stderr=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    total = PROCESSES * CLIENTS * EACH
    reader = asyncio.create_task(follow(waits, world.account, until=total))
    for writer in writers:
        _, errors = await asyncio.to_thread(writer.communicate, timeout=50)
        assert writer.returncode == 0, errors
    seen = await reader
    newest = (await world.head())["event_seq"]
    assert newest > total
    page = await waits.read(world.account, Wanted(), after=seen[-1], limit=1_000)
    seen += [row["seq"] for row in page.rows]
    assert seen == list(range(1, newest + 1))
    await store.stop()
    await notices.stop()
    assert await deadlocks(world) == before


async def test_a_reader_is_woken_by_another_process(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_LOOK_S", 60)
    world = shared_world
    assert world.settings.database_url is not None
    hub, sender = InProcess(), Sender()
    notices = Notices(world.settings.database_url, hub, sender)
    notices.start()
    waits = EventWaits(world.store, hub)
    waiting = asyncio.create_task(waits.read(world.account, Wanted(), after=0, limit=1, wait_s=30))
    await asyncio.sleep(1)
    begun = time.monotonic()
    await add(world, 1)
    assert len((await waiting).rows) == 1
    assert time.monotonic() - begun < 10
    await notices.stop()


async def test_a_lost_wake_up_costs_a_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_LOOK_S", 0.2)
    waits = EventWaits(world.store, InProcess())  # nobody wakes this one
    waiting = asyncio.create_task(waits.read(world.account, Wanted(), after=0, limit=1, wait_s=30))
    await asyncio.sleep(0.1)
    await add(world, 1)
    assert len((await asyncio.wait_for(waiting, 5)).rows) == 1


async def test_readers_leave_nothing_behind(world: World) -> None:
    hub = InProcess()
    waits = EventWaits(world.store, hub)
    for _ in range(3):
        await waits.read(world.account, Wanted(), after=0, limit=1, wait_s=0.01)
    task = asyncio.create_task(waits.read(world.account, Wanted(), after=0, limit=1, wait_s=30))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait({task})
    hub.wake("events:nobody")
    assert not hub._waiters


async def test_pages_with_filters_are_the_same_on_both_stores(world: World) -> None:
    def unit(tx: Tx) -> None:
        for n in range(30):
            record(tx, world.account, "agent.updated", agentId=f"agt_{n % 3}")
            record(tx, world.account, "webhook.secret_rotated", webhookId="wh", agentId=None)
            record(
                tx,
                world.account,
                "message.sent",
                about_agent="agt_1",
                messageId="m",
                conversationId="c",
                numberId="n",
                errorCode=None,
            )

    await world.store.write(unit, account=world.account)

    async def seqs(wanted: Wanted, **more: Any) -> tuple[list[int], int, bool]:
        asked = {"after": 0, "limit": 100, **more}
        found = await world.store.read(lambda db: log.page(db, world.account, wanted, **asked))
        return [row["seq"] for row in found.rows], found.next_after, found.has_more

    everything = list(range(1, 91))
    assert await seqs(Wanted()) == (everything, 90, False)
    assert await seqs(Wanted(), limit=90) == (everything, 90, False)
    assert await seqs(Wanted(), limit=89) == (everything[:89], 89, True)
    rotated = frozenset({"webhook.secret_rotated"})
    assert await seqs(Wanted(rotated)) == (everything[1::3], 90, False)
    assert await seqs(Wanted(rotated), limit=2) == ([2, 5], 5, True)
    assert (await seqs(Wanted(agent_id="agt_1")))[0] == sorted([*everything[3::9], *everything[2::3]])
    assert (await seqs(Wanted(frozenset({"agent.updated"}), "agt_1")))[0] == everything[3::9]
    assert await seqs(Wanted(frozenset({"contact.created"}))) == ([], 90, False)
    with pytest.raises(Invalid):
        await seqs(Wanted(), after=91)


async def test_forgetting_stops_at_what_is_not_old(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "STEP", 7)
    monkeypatch.setattr(jobs, "_PAUSE_S", 0)
    keeper = partial(jobs.forget_old, world.store, world.clock, keep_days=2)
    other, _ = await world.add_account("other", 0)
    await add(world, 20)
    await add(world, 3, other)
    world.clock.move_to(world.clock.now_ms() + DAY_MS)
    await add(world, 5)
    # An event with an older time than those before it: another process's clock was behind.
    await world.store.write(
        lambda tx: tx.update(schema.events, tx.get(schema.events, world.account, 25) or {}, at=0)
    )
    assert await keeper() == 0
    world.clock.move_to(world.clock.now_ms() + DAY_MS)
    assert await keeper() == 0, "just two days are not more than two days"
    world.clock.move_to(world.clock.now_ms() + 1)
    assert await keeper() == 23
    kept = await world.rows(schema.events, account_id=world.account)
    assert [row["seq"] for row in kept] == [21, 22, 23, 24, 25]
    head = await world.head()
    assert (head["events_pruned"], head["event_seq"]) == (20, 25)
    found = await world.store.read(lambda db: log.page(db, world.account, Wanted(), after=None, limit=10))
    assert [row["seq"] for row in found.rows] == [21, 22, 23, 24, 25]
    with pytest.raises(EventsExpired):
        await world.store.read(lambda db: log.page(db, world.account, Wanted(), after=19, limit=10))
    await add(world, 1, other)
    assert [row["seq"] for row in await world.rows(schema.events, account_id=other)] == [4]


async def test_two_that_forget_at_once(shared_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "STEP", 7)
    monkeypatch.setattr(jobs, "_PAUSE_S", 0)
    world = shared_world
    await add(world, 100)
    world.clock.move_to(world.clock.now_ms() + 31 * DAY_MS)
    another = await world.another_store()
    keepers = [jobs.forget_old(store, world.clock, keep_days=30) for store in (world.store, another)]
    writing = asyncio.gather(*[add(world, 1) for _ in range(20)])
    assert sum(await asyncio.gather(*keepers)) == 100
    await writing
    await another.stop()
    assert [row["seq"] for row in await world.rows(schema.events)] == list(range(101, 121))


async def test_what_record_is_given_must_be_what_the_catalogue_says(world: World) -> None:
    for type_, data in (
        ("agent.created", {}),
        ("agent.created", {"agentId": "a", "name": "b"}),
        ("agent.made", {"agentId": "a"}),
    ):
        with pytest.raises((AssertionError, KeyError)):
            await world.store.write(
                lambda tx, type_=type_, data=data: record(tx, world.account, type_, **data),  # type: ignore[misc]
                account=world.account,
            )
    assert (await world.head())["event_seq"] == 0
