"""The outbox's table of moves, each row a test, on both stores."""

import asyncio
from typing import Any, ClassVar

import pytest

from ringback.flows.pace_texts import PaceGate
from ringback.live.inprocess import InProcess
from ringback.storage import outbox, schema
from ringback.storage.outbox import CLAIMED, READY, WAITING, Claimed
from ringback.storage.turns import WAIT_MS
from ringback.storage.tx import Tx
from ringback.storage.worker import LaneWorker
from tests.storage.world import LINE, START_MS, World

pytestmark = pytest.mark.unit

ALICE, BOB = "+12125550001", "+12125550002"


async def states(world: World) -> list[str]:
    rows = await world.rows(schema.outbox)
    return [row["state"] for row in sorted(rows, key=lambda row: int(row["position"]))]


async def finish(world: World, work: Claimed, *, more: bool = True) -> bool:
    return await world.store.write(
        lambda tx: outbox.finish(tx, work, more_in_chain=more), account=work.account_id, needs=[]
    )


async def put_back(world: World, work: Claimed, due_at: int, *, counted: bool = True) -> bool:
    return await world.store.write(
        lambda tx: outbox.put_back(tx, work, due_at=due_at, counted=counted),
        account=work.account_id,
        needs=[],
    )


async def lane_counts(world: World, number: int = 0) -> tuple[int, int, Any]:
    lane = await world.lane(number)
    return lane["backlog"], lane["in_flight"], lane["next_at"]


async def test_the_first_of_a_conversation_is_ready_the_rest_wait(world: World) -> None:
    for to in (ALICE, ALICE, BOB, ALICE):
        await world.send(world.text(to))
    assert await states(world) == [READY, WAITING, READY, WAITING]
    assert await lane_counts(world) == (4, 0, START_MS)


async def test_a_claim_marks_the_row_and_counts_the_lane(world: World) -> None:
    message = await world.send(world.text(ALICE))
    (work,) = await world.claim(token="mine", lease_until=77)
    assert (work.subject_id, work.attempt, work.token) == (message["id"], 1, "mine")
    (row,) = await world.rows(schema.outbox)
    assert (row["state"], row["token"], row["lease_until"], row["attempt"]) == (CLAIMED, "mine", 77, 1)
    assert await lane_counts(world) == (1, 1, None)
    assert await world.claim() == []


async def test_a_row_that_is_not_due_is_not_claimed(world: World) -> None:
    await world.send(world.text(ALICE))
    (work,) = await world.claim()
    assert await put_back(world, work, START_MS + 500)
    assert await world.claim() == []
    due = await world.store.read(lambda db: outbox.next_due(db, "text", cap=16, carrier="simulated"))
    assert due == START_MS + 500
    world.clock.move_to(START_MS + 500)
    assert [again.attempt for again in await world.claim()] == [2]


async def test_finishing_promotes_the_next_in_order(world: World) -> None:
    sent = [await world.send(world.text(ALICE, f"{n}")) for n in range(4)]
    for n in range(4):
        (work,) = await world.claim()
        assert work.subject_id == sent[n]["id"]
        assert await finish(world, work)
    assert await states(world) == []
    assert await world.claim() == []
    assert await lane_counts(world) == (0, 0, None)


async def test_finishing_without_more_leaves_the_lane_at_rest(world: World) -> None:
    await world.send(world.text(ALICE))
    (work,) = await world.claim()
    assert await finish(world, work, more=False)
    assert await lane_counts(world) == (0, 0, None)


async def test_finishing_promotes_what_came_in_the_same_breath(world: World) -> None:
    await world.send(world.text(ALICE))
    (work,) = await world.claim()
    done, *_ = await asyncio.gather(
        finish(world, work), *[world.send(world.text(ALICE, f"{n}")) for n in range(3)]
    )
    assert done
    assert await states(world) == [READY, WAITING, WAITING]


async def test_only_the_holder_of_the_token_finishes(world: World) -> None:
    await world.send(world.text(ALICE))
    (first,) = await world.claim(token="first")
    assert await put_back(world, first, START_MS, counted=False)
    (second,) = await world.claim(token="second")
    assert not await finish(world, first)
    assert not await put_back(world, first, START_MS)
    assert await states(world) == [CLAIMED]
    assert await lane_counts(world) == (1, 1, None)
    assert await finish(world, second)
    assert not await finish(world, second)
    assert await lane_counts(world) == (0, 0, START_MS)


async def test_put_back_stays_the_head_of_its_conversation(world: World) -> None:
    sent = [await world.send(world.text(ALICE, f"{n}")) for n in range(2)]
    (work,) = await world.claim()
    assert await put_back(world, work, START_MS + 1)
    world.clock.move_to(START_MS + 10)
    claimed = await world.claim()
    assert [each.subject_id for each in claimed] == [sent[0]["id"]]
    assert await states(world) == [CLAIMED, WAITING]


@pytest.mark.parametrize(("counted", "attempt"), [(True, 2), (False, 1)])
async def test_an_attempt_that_did_not_begin_is_not_counted(
    world: World, counted: bool, attempt: int
) -> None:
    await world.send(world.text(ALICE))
    (work,) = await world.claim()
    await put_back(world, work, START_MS, counted=counted)
    (again,) = await world.claim()
    assert again.attempt == attempt


async def test_a_lease_that_is_over_is_told(world: World) -> None:
    await world.send(world.text(ALICE))
    (work,) = await world.claim(lease_until=1000)
    assert (
        await world.store.read(lambda db: outbox.leases_over(db, "text", carrier="simulated", real_now=999))
        == []
    )
    (over,) = await world.store.read(
        lambda db: outbox.leases_over(db, "text", carrier="simulated", real_now=1000)
    )
    assert (over.id, over.token, over.attempt) == (work.id, work.token, 1)
    others = await world.store.read(lambda db: outbox.leases_over(db, "text", carrier="b", real_now=1000))
    assert others == [], "another carrier's dispatcher knows nothing of it"
    assert await put_back(world, over, START_MS, counted=False)
    assert (
        await world.store.read(
            lambda db: outbox.leases_over(db, "text", carrier="simulated", real_now=1 << 60)
        )
        == []
    )


class Dead(LaneWorker[None]):
    """A worker whose process died with texts under way."""

    kind, carrier_name = "text", "simulated"
    let_go_of: ClassVar[set[str]] = set()

    async def let_go(self, work: Claimed) -> None:
        self.let_go_of.add(work.id)


async def test_all_that_was_under_way_is_let_go_at_a_start(world: World) -> None:
    """Media make it more than the window, and no lease has to be waited for."""
    for n in range(130):
        await world.send(world.text(f"+1212555{n:04d}"))
    claimed = [work.id for _ in range(2) for work in await world.claim(cap=200)]
    assert len(claimed) > 100
    await Dead(world.store, world.clock, InProcess(), in_flight=1).recover()
    assert Dead.let_go_of >= set(claimed)


async def test_a_worker_is_not_idle_while_a_dead_one_holds_work(world: World) -> None:
    await world.send(world.text(ALICE))
    worker = Dead(world.store, world.clock, InProcess(), in_flight=1)
    assert await worker.idle()
    (work,) = await world.claim()
    assert not await worker.idle()
    assert await put_back(world, work, START_MS, counted=False)
    assert await worker.idle()


async def test_a_lane_holds_no_more_than_its_cap(world: World) -> None:
    for n in range(10):
        await world.send(world.text(f"+1212555{n:04d}"))
    first = await world.claim(cap=4)
    assert len(first) == 4
    assert all(work.crowded for work in first)
    assert await world.claim(cap=4) == []
    await finish(world, first[0], more=False)
    assert len(await world.claim(cap=4)) == 1
    assert await lane_counts(world) == (9, 4, START_MS)


async def test_leaving_a_full_lane_wakes_the_worker(world: World) -> None:
    for n in range(3):
        await world.send(world.text(f"+1212555{n:04d}"))
    (full,) = await world.claim(cap=1)
    world.woken.clear()
    await finish(world, full, more=False)
    assert world.woken == ["text"]


async def test_a_claim_takes_no_more_than_asked(world: World) -> None:
    for n in range(10):
        await world.send(world.text(f"+1212555{n:04d}", number=n % 3))
    assert len(await world.claim(most=4)) == 4
    assert len(await world.claim(most=40)) == 6


async def test_the_lane_that_waited_longest_goes_first(world: World) -> None:
    """A long queue in one lane delays no other: lanes take turns by when they became due."""
    for n in range(40):
        await world.send(world.text(f"+1212555{n:04d}", number=0))
    world.clock.move_to(START_MS + 5)
    late = await world.send(world.text(ALICE, number=1))
    first = await world.claim(most=16, cap=8)
    assert len({work.lane_id for work in first}) == 2
    assert late["id"] in {work.subject_id for work in first}


async def test_what_must_wait_stays_and_what_is_behind_it_goes(world: World) -> None:
    """Its lane is looked at again when it is told to, and by itself after some seconds."""
    sent = [await world.send(world.text(f"+1212555{n:04d}")) for n in range(20)]
    ahead = {row["id"] for row in sent[:18]}

    async def claim() -> list[str]:
        gate = PaceGate(
            LINE.paces,
            lambda tx, row: None,
            watches=lambda lane: True,
            must_wait=lambda tx, row: row["subject_id"] in ahead,
        )
        return [work.subject_id for work in await world.claim(gate=gate)]

    assert await claim() == [sent[18]["id"], sent[19]["id"]]
    assert await lane_counts(world) == (20, 2, START_MS + WAIT_MS)
    ahead.remove(sent[5]["id"])
    assert await claim() == []
    lane = await world.lane()
    await world.store.write(
        lambda tx: outbox.look_again(
            tx, lane["kind"], carrier=lane["carrier"], account_id=lane["account_id"], lane_id=lane["id"]
        )
    )
    assert await claim() == [sent[5]["id"]]
    ahead.clear()
    world.clock.move_to(START_MS + WAIT_MS)
    assert await claim() == [row["id"] for row in sent[:5] + sent[6:18]][:13]


async def test_two_workers_never_hold_one_row(world: World) -> None:
    sent = [await world.send(world.text(f"+1212555{n:04d}", number=n % 3)) for n in range(60)]
    claims = await asyncio.gather(*[world.claim(most=8, token=f"worker {n}") for n in range(12)])
    claims += [await world.claim(most=60, token="last", cap=1000)]
    taken = [work.subject_id for claim in claims for work in claim]
    assert sorted(taken) == sorted(row["id"] for row in sent)


async def test_a_lane_adds_up_while_texts_come_and_go(world: World) -> None:
    """Texts are enqueued and finished under their account's lock, claims run without it: no count may be lost."""
    total = 120

    async def enqueue(n: int) -> None:
        await world.send(world.text(f"+1212555{n % 40:04d}", number=n % 3))

    finished = 0

    async def work() -> None:
        nonlocal finished
        while finished < total:
            claimed = await world.claim(most=8, token="w")
            for item in claimed:
                assert await world.store.write(
                    lambda tx, item=item: settle(tx, item),  # type: ignore[misc]
                    account=item.account_id,
                    needs=[(schema.outbox, (item.account_id, item.id))],
                )
                finished += 1
            if not claimed:
                await asyncio.sleep(0.002)

    async with asyncio.timeout(50):
        await asyncio.gather(*[enqueue(n) for n in range(total)], work(), work(), work())
    assert await states(world) == []
    for number in range(3):
        backlog, in_flight, _ = await lane_counts(world, number)
        assert (backlog, in_flight) == (0, 0)
    assert {row["unsent"] for row in await world.rows(schema.conversations)} == {0}


def settle(tx: Tx, work: Claimed) -> bool:
    assert work.chain is not None
    conversation = tx.get(schema.conversations, work.account_id, work.chain)
    assert conversation is not None
    done = outbox.finish(tx, work, more_in_chain=conversation["unsent"] > 1)
    tx.update(schema.conversations, conversation, unsent=conversation["unsent"] - 1)
    return done
