"""What only a shared database has: other processes in between, on PostgreSQL."""

import asyncio
import threading

import psycopg
import pytest

from ringback.carriers.protocol import DeliveryReceipt
from ringback.flows import settle_text
from ringback.kit.faults import Unavailable
from ringback.storage import outbox, schema
from ringback.storage.store import Store
from ringback.storage.tx import Tx
from tests.storage.world import World

pytestmark = pytest.mark.unit

ALICE = "+12125550001"


async def test_a_unit_that_meets_an_account_unlocked_is_run_with_its_lock(shared_world: World) -> None:
    world = shared_world
    ran: list[int] = []

    def unit(tx: Tx) -> int:
        ran.append(1)
        head = tx.get(schema.accounts, world.account)
        assert head is not None
        return int(tx.update(schema.accounts, head, event_seq=head["event_seq"] + 1)["event_seq"])

    counted = await asyncio.gather(*[world.store.write(unit) for _ in range(10)])
    counted += await asyncio.gather(*[world.store.write(unit, needs=[]) for _ in range(10)])
    assert sorted(counted) == list(range(1, 21))
    assert len(ran) >= 40


async def test_two_accounts_are_locked_in_one_order(shared_world: World) -> None:
    world = shared_world
    other, _ = await world.add_account("second", first=100)

    def unit(tx: Tx, first: str, second: str) -> None:
        for account in (first, second):
            head = tx.get(schema.accounts, account)
            assert head is not None
            tx.update(schema.accounts, head, event_seq=head["event_seq"] + 1)

    pairs = [(world.account, other), (other, world.account)] * 15
    await asyncio.gather(
        *[world.store.write(lambda tx, pair=pair: unit(tx, *pair), account=pair[0]) for pair in pairs]  # type: ignore[misc]
    )
    assert {row["event_seq"] for row in await world.rows(schema.accounts)} == {30}


@pytest.mark.parametrize("answered", [True, False])
async def test_a_receipt_and_the_end_of_its_submit_meet(shared_world: World, answered: bool) -> None:
    """Two processes at once, in either order: every text ends delivered, and each counts once."""
    world = shared_world
    other = await world.another_store()
    total = 40
    for n in range(total):
        await world.send(world.text(f"+1212555{n:04d}"))
    claimed = await world.claim(cap=total)
    assert len(claimed) == total

    async def end(store: Store, n: int) -> None:
        work = claimed[n]

        def unit(tx: Tx) -> None:
            if answered:
                settle_text.accepted(tx, work, f"ref {n}")
            else:
                settle_text.unanswered(tx, work)

        await store.write(unit, account=world.account, needs=settle_text.needs(work))

    async def receipt(store: Store, n: int) -> None:
        reference = None if answered else f"{world.account}/{claimed[n].subject_id}"
        told = DeliveryReceipt("simulated", f"ref {n}", "delivered", reference=reference)
        await store.write(
            lambda tx: settle_text.receipt(tx, told),
            account=None if answered else world.account,
            needs=settle_text.needs_of_receipt(told),
        )

    await asyncio.gather(
        *[end(world.store, n) for n in range(total)],
        *[receipt(other, n) for n in reversed(range(total))],
    )
    await other.stop()
    assert {row["status"] for row in await world.rows(schema.messages)} == {"delivered"}
    events = await world.rows(schema.events)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert sum(event["type"] == "message.delivered" for event in events) == total
    assert (await world.lane())["in_flight"] == 0


async def test_a_claim_does_not_wait_for_a_lane_that_is_held(shared_world: World) -> None:
    world = shared_world
    await world.send(world.text(ALICE, number=0))
    await world.send(world.text(ALICE, number=1))
    held = outbox.lane_for_texts(world.numbers[0])
    assert world.settings.database_url is not None
    with psycopg.connect(world.settings.database_url) as conn:
        conn.execute("SELECT 1 FROM lanes WHERE id = %s FOR UPDATE", (held,))
        async with asyncio.timeout(5):
            claimed = await world.claim()
        assert [work.lane_id for work in claimed] == [outbox.lane_for_texts(world.numbers[1])]
    assert [work.lane_id for work in await world.claim()] == [held]


async def test_a_deadlock_is_tried_again(shared_world: World) -> None:
    world = shared_world
    await world.store.write(lambda tx: tx.insert(schema.meta, key="a", value="0"))
    await world.store.write(lambda tx: tx.insert(schema.meta, key="b", value="0"))
    both_hold_one = threading.Barrier(2, timeout=20)
    first_time = threading.local()

    def unit(tx: Tx, keys: tuple[str, str]) -> None:
        for n, key in enumerate(keys):
            row = tx.get(schema.meta, key)
            assert row is not None
            tx.update(schema.meta, row, value=str(int(row["value"]) + 1))
            if n == 0 and not hasattr(first_time, "over"):
                first_time.over = True
                both_hold_one.wait()

    await asyncio.gather(
        *[world.store.write(lambda tx, keys=keys: unit(tx, keys)) for keys in (("a", "b"), ("b", "a"))]  # type: ignore[misc]
    )
    assert [row["value"] for row in await world.rows(schema.meta)] == ["2", "2"]


async def test_what_the_database_refuses_fails_alone(shared_world: World) -> None:
    """A value that PostgreSQL can't hold rolls the batch back; its neighbours are run again and stand."""
    world = shared_world
    bodies = ["one", "a \x00 in it", "three"]
    texts = [world.text(f"+1212555000{n}", body) for n, body in enumerate(bodies)]
    done = await asyncio.gather(*[world.send(text) for text in texts], return_exceptions=True)
    assert [isinstance(each, BaseException) for each in done] == [False, True, False]
    assert isinstance(done[1], psycopg.DataError)
    assert sorted(row["body"] for row in await world.rows(schema.messages)) == ["one", "three"]
    assert [row["seq"] for row in await world.rows(schema.events)] == [1, 2, 3, 4], (
        "two conversations, two texts"
    )


async def test_a_lock_held_too_long_is_told_as_unavailable(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = shared_world
    monkeypatch.setattr("ringback.storage.postgres.store.WRITES", ("SET lock_timeout = '100ms'",))
    other = await world.another_store()
    assert world.settings.database_url is not None
    with psycopg.connect(world.settings.database_url) as conn:
        conn.execute("SELECT 1 FROM accounts FOR UPDATE")
        with pytest.raises(Unavailable):
            await world.send(world.text(ALICE), other)
    await world.send(world.text(ALICE), other)
    await other.stop()
