"""Idempotency keys when many come at once, on both stores."""

import asyncio

import pytest

from ringback.storage import idempotency, schema
from ringback.storage.idempotency import Answer, Claim, InProgress, Mismatch
from ringback.storage.tx import Tx
from tests.storage.world import World

pytestmark = pytest.mark.unit

DAY_MS = 24 * 3_600_000


def claim_of(world: World, key: str = "key", fingerprint: str = "f") -> Claim:
    return Claim(world.account, "POST /v1/agents", key, fingerprint)


def once(tx: Tx, world: World, claim: Claim) -> bytes:
    """What a POST does: the kept answer, or the work and its answer."""
    found = idempotency.look_up(tx, claim)
    if found is not None:
        return found.body
    row = tx.insert(
        schema.agents,
        account_id=world.account,
        id=tx.new_id("agt"),
        name="A",
        settings="{}",
        created_at=tx.now,
    )
    answer = Answer(200, str(row["id"]).encode())
    idempotency.keep(tx, claim, answer)
    return answer.body


@pytest.mark.parametrize("batched", [True, False])
async def test_racers_get_one_answer(world: World, batched: bool) -> None:
    claim = claim_of(world)
    needs = [idempotency.needs(claim)] if batched else None
    answers = await asyncio.gather(
        *[
            world.store.write(lambda tx: once(tx, world, claim), account=world.account, needs=needs)
            for _ in range(40)
        ]
    )
    assert len(set(answers)) == 1
    assert len(await world.rows(schema.agents)) == 1


async def test_racers_of_two_processes_get_one_answer(shared_world: World) -> None:
    world, claim = shared_world, claim_of(shared_world)
    other = await world.another_store()
    answers = await asyncio.gather(
        *[
            store.write(lambda tx: once(tx, world, claim), account=world.account, needs=[])
            for _ in range(20)
            for store in (world.store, other)
        ]
    )
    assert len(set(answers)) == 1
    assert len(await world.rows(schema.agents)) == 1
    await other.stop()


async def test_the_first_under_way_holds_the_key(world: World) -> None:
    claim = claim_of(world)
    assert await world.store.write(lambda tx: idempotency.begin(tx, claim), account=world.account) is None
    with pytest.raises(InProgress):
        await world.store.write(lambda tx: idempotency.begin(tx, claim), account=world.account)
    with pytest.raises(Mismatch):
        await world.store.write(
            lambda tx: idempotency.begin(tx, claim_of(world, fingerprint="other")), account=world.account
        )


async def test_a_key_is_kept_for_a_day(world: World) -> None:
    claim = claim_of(world)
    first = await world.store.write(lambda tx: once(tx, world, claim), account=world.account)
    world.clock.move_to(world.clock.now_ms() + DAY_MS - 1)
    assert await world.store.write(lambda tx: once(tx, world, claim), account=world.account) == first
    world.clock.move_to(world.clock.now_ms() + 1)
    assert await world.store.write(lambda tx: once(tx, world, claim), account=world.account) != first


async def test_a_request_under_way_outlasts_any_leap_of_the_clock(world: World) -> None:
    """It may be the very request that moves the clock: others with its key wait, and get its answer."""
    claim = claim_of(world)
    await world.store.write(lambda tx: idempotency.begin(tx, claim), account=world.account)
    world.clock.move_to(world.clock.now_ms() + 2 * DAY_MS)
    await world.store.write(idempotency.purge)
    with pytest.raises(InProgress):
        await world.store.write(lambda tx: idempotency.begin(tx, claim), account=world.account)
    answer = Answer(200, b"moved")
    await world.store.write(lambda tx: idempotency.keep(tx, claim, answer), account=world.account)
    assert await world.store.write(lambda tx: idempotency.begin(tx, claim), account=world.account) == answer


async def test_purging_while_a_key_is_used_again_loses_no_answer(world: World) -> None:
    """The purge takes no account's lock: a unit whose row it took away is run again."""
    claims = [claim_of(world, f"key {n}") for n in range(30)]
    for claim in claims:
        await world.store.write(lambda tx, claim=claim: once(tx, world, claim), account=world.account)  # type: ignore[misc]
    world.clock.move_to(world.clock.now_ms() + DAY_MS)
    work = [
        world.store.write(lambda tx, claim=claim: once(tx, world, claim), account=world.account, needs=[])  # type: ignore[misc]
        for claim in claims
    ]
    answers = await asyncio.gather(*work, *[world.store.write(idempotency.purge) for _ in range(5)])
    again = [
        await world.store.write(lambda tx, claim=claim: once(tx, world, claim), account=world.account)  # type: ignore[misc]
        for claim in claims
    ]
    assert again == answers[:30]


async def test_a_start_frees_what_died_under_way_also_where_the_clock_was_set_back(world: World) -> None:
    claim = claim_of(world)
    await world.store.write(lambda tx: idempotency.begin(tx, claim), account=world.account)
    world.clock.frozen_ms -= DAY_MS  # type: ignore[operator]
    await world.store.write(lambda tx: idempotency.drop_abandoned(tx, older_than_ms=600_000))
    with pytest.raises(InProgress):
        await world.store.write(lambda tx: idempotency.look_up(tx, claim), account=world.account)
    await world.store.write(lambda tx: idempotency.drop_abandoned(tx, older_than_ms=None))
    assert await world.store.write(lambda tx: idempotency.begin(tx, claim), account=world.account) is None
