"""Webhooks as units on both stores: order, statuses that were asked for, dead endpoints, redelivery, and their counters."""

import json
from typing import Any

import pytest

from ringback.events.jobs import forget
from ringback.flows import deliver_webhook, settle_text
from ringback.flows.deliver_webhook import Job
from ringback.storage import outbox, schema
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx
from ringback.webhooks import redelivery
from ringback.webhooks import service as webhooks
from ringback.webhooks.attempts import Attempt, Patience
from ringback.webhooks.service import FURTHER_EVENTS
from tests.storage.test_counters import ALICE, DELIVERED, REFUSED, Desk
from tests.storage.world import START_MS, World

pytestmark = pytest.mark.unit

HOUR_MS = 3_600_000
QUICK = Patience(schedule=(1_000,), disable_after_ms=None)
STRICT = Patience(disable_after_ms=HOUR_MS)


async def end(
    desk: Desk,
    job: Job,
    attempt: Attempt,
    patience: Patience = QUICK,
    *,
    store: Store | None = None,
) -> None:
    """As the worker does, in a batch of the frequent kinds."""
    gone = job.endpoint is None
    told = Attempt(False, None, job.gone, None, None) if gone else attempt
    await (store or desk.world.store).write(
        lambda tx: deliver_webhook.end(tx, job.work, told, give_up=gone, patience=patience),
        account=desk.account,
        needs=deliver_webhook.needs(job),
    )


async def set_endpoint(desk: Desk, **more: Any) -> Row:
    def unit(tx: Tx) -> Row:
        return webhooks.set_endpoint(
            tx,
            desk.account,
            webhooks.PROJECT,
            url="http://127.0.0.1:9/",
            context_limit=0,
            timeout_s=5,
            secret="s",
            seal=lambda plain, context: plain,
            **more,
        )

    row: Row = await desk.write(unit)
    return row


async def deliveries(desk: Desk) -> list[Row]:
    return await desk.world.rows(schema.deliveries)


async def endpoint(desk: Desk) -> Row:
    [row] = await desk.world.rows(schema.webhooks)
    return row


async def test_one_at_a_time_in_the_order_of_events(world: World) -> None:
    desk = Desk(world)
    hook = await set_endpoint(desk, ordered=True)
    for n in range(6):
        await desk.hear(ALICE, f"text {n}")
    assert (await endpoint(desk))["unsent"] == 6
    told: list[int] = []
    other = await world.another_store()
    for turn in range(8):
        [job] = await desk.begin()
        assert await desk.begin() == [], "nothing goes beside it"
        told.append(job.delivery["event_seq"])
        # The first attempt of the second one fails, and of the third both: it is given up.
        refused = turn in (1, 3, 4)
        await end(desk, job, REFUSED if refused else DELIVERED, store=other if turn % 2 else None)
        world.clock.move_to(world.clock.now_ms() + 2_000)
        if turn == 2:
            await desk.hear(ALICE, "one more")
    await other.stop()
    order = sorted({row["event_seq"] for row in await deliveries(desk)})
    assert told == [order[0], order[1], order[1], order[2], order[2], *order[3:6]]
    [last] = await desk.begin()
    await end(desk, last, DELIVERED)
    assert (await endpoint(desk))["unsent"] == 0
    assert await world.rows(schema.outbox) == []
    [lane] = await world.rows(schema.lanes, id=outbox.lane_for_endpoint(hook["id"]))
    assert (lane["in_flight"], lane["backlog"]) == (0, 0)
    assert [row["status"] for row in await deliveries(desk)].count("failed") == 1
    await desk.note_agents()
    await desk.check()


async def test_statuses_go_to_who_asked(world: World) -> None:
    desk = Desk(world)

    async def send() -> None:
        """A text that the carrier takes, and one that it refuses."""
        await world.send(world.text("+12125550009"))
        await world.send(world.text("+12125550008"))
        accepted, refused = sorted(await world.claim(), key=lambda work: work.subject_id)
        await world.store.write(
            lambda tx: settle_text.accepted(tx, accepted, accepted.subject_id),
            account=desk.account,
            needs=settle_text.needs(accepted),
        )
        await world.store.write(
            lambda tx: settle_text.refused(tx, refused, code="30003", reason="it is off"),
            account=desk.account,
            needs=settle_text.needs(refused),
        )
        world.clock.move_to(world.clock.now_ms() + 5_000)

    await set_endpoint(desk)
    await send()
    assert await deliveries(desk) == []
    await set_endpoint(desk, events=["message.failed", "message.sent"])
    assert webhooks.events_of(await endpoint(desk)) == ["message.sent", "message.failed"]
    await send()
    planned = await deliveries(desk)
    assert [row["event_type"] for row in planned] == ["message.sent", "message.failed"]
    for job in await desk.begin():
        await end(desk, job, DELIVERED)
    await set_endpoint(desk, events=[])
    await send()
    assert len(await deliveries(desk)) == 2
    assert (await world.head())["listening"] == 0
    await set_endpoint(desk, events=FURTHER_EVENTS)
    assert (await world.head())["listening"] == 1
    await desk.write(lambda tx: webhooks.forget_all(tx, desk.account))
    assert (await world.head())["listening"] == 0
    await desk.note_agents()
    await desk.check()


async def test_a_failure_is_told_in_whole_when_its_event_is_forgotten(world: World) -> None:
    desk = Desk(world)
    await set_endpoint(desk, events=["message.failed"])
    await world.send(world.text("+12125550008"))
    [work] = await world.claim()
    await world.store.write(
        lambda tx: settle_text.refused(tx, work, code="30003", reason="it is off"),
        account=desk.account,
        needs=settle_text.needs(work),
    )
    [job] = await desk.begin()
    await end(desk, job, DELIVERED)
    world.clock.move_to(START_MS + 31 * 24 * HOUR_MS)
    await desk.write(lambda tx: forget(tx, desk.account, keep_ms=30 * 24 * HOUR_MS))
    assert await world.rows(schema.events) == []
    await desk.write(lambda tx: redelivery.redeliver(tx, desk.account, job.delivery["id"]))
    [again] = await desk.begin()
    assert again.payload == job.payload
    assert json.loads(again.payload)["data"]["errorCode"] == "30003"


async def test_a_dead_endpoint_lets_all_that_waits_fail(world: World) -> None:
    desk = Desk(world)
    await set_endpoint(desk)
    for n in range(5):
        await desk.hear(ALICE, f"text {n}")
    first, *others = await desk.begin()
    await end(desk, first, REFUSED, STRICT)
    assert (await endpoint(desk))["failing_since"] == START_MS
    world.clock.move_to(START_MS + HOUR_MS)
    for job in others:
        await end(desk, job, REFUSED, STRICT)
    hook = await endpoint(desk)
    assert (hook["status"], hook["disabled_at"]) == ("disabled", START_MS + HOUR_MS)
    assert [row["type"] for row in await world.rows(schema.events)].count("webhook.disabled") == 1
    for job in await desk.begin():
        assert job.endpoint is None
        await end(desk, job, DELIVERED, STRICT)
    for job in await desk.begin():
        await end(desk, job, DELIVERED, STRICT)
    await desk.hear(ALICE, "too late")
    assert {row["status"] for row in await deliveries(desk)} == {"failed"}
    assert await world.rows(schema.outbox) == []
    await desk.note_agents()
    await desk.check()


async def test_redelivery_moves_the_counters_back(world: World) -> None:
    desk = Desk(world)
    await set_endpoint(desk)
    for n in range(4):
        await desk.hear(ALICE, f"text {n}")
        world.clock.move_to(world.clock.now_ms() + HOUR_MS)
    for _ in range(2):
        for n, job in enumerate(await desk.begin()):
            await end(desk, job, DELIVERED if n == 0 else REFUSED)
        world.clock.move_to(world.clock.now_ms() + 2_000)
    before = [row["status"] for row in await deliveries(desk)]
    assert sorted(before) == ["delivered", "delivered", "failed", "failed"]
    bytes_of = {row["id"]: row["payload"] for row in await deliveries(desk) if row["status"] == "failed"}
    done = await desk.write(
        lambda tx: redelivery.redeliver_range(
            tx, desk.account, start=0, end=1 << 60, status="all", agent_id=None
        )
    )
    assert (done.count, done.skipped, done.more_from) == (4, 0, None)
    await desk.note_agents()
    await desk.check()
    jobs = await desk.begin()
    assert {job.work.subject_id: job.payload for job in jobs if job.work.subject_id in bytes_of} == bytes_of
    for job in jobs:
        await end(desk, job, DELIVERED)
    assert {row["status"] for row in await deliveries(desk)} == {"delivered"}
    await desk.check()
    await desk.check_windows()


async def test_a_long_range_is_taken_in_parts_that_miss_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redelivery, "MOST", 4)
    desk = Desk(world)
    await set_endpoint(desk)
    for n in range(9):
        await desk.hear(ALICE, f"text {n}")
        world.clock.move_to(world.clock.now_ms() + (n % 3 == 2))  # three share each time
    for job in await desk.begin():
        await end(desk, job, DELIVERED)
    start, parts = 0, []
    while True:
        done = await desk.write(
            lambda tx, start=start: redelivery.redeliver_range(
                tx, desk.account, start=start, end=1 << 60, status="delivered", agent_id=None
            )
        )
        parts.append(done.count)
        if done.more_from is None:
            break
        start = done.more_from
        for job in await desk.begin():
            await end(desk, job, DELIVERED)
    assert parts == [3, 3, 3]


@pytest.mark.parametrize("skipped", [False, True])
async def test_a_range_of_one_moment_comes_to_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch, skipped: bool
) -> None:
    """More than one request takes, all planned at one time: those done are not met again, nor those left out."""
    monkeypatch.setattr(redelivery, "MOST", 4)
    desk = Desk(world)
    await set_endpoint(desk)
    for n in range(10):
        await desk.hear(ALICE, f"text {n}")
    world.clock.move_to(START_MS + 1)
    for n in range(2):
        await desk.hear(ALICE, f"later {n}")
    while jobs := await desk.begin():
        for job in jobs:
            await end(desk, job, DELIVERED)
    if skipped:
        await desk.write(lambda tx: webhooks.delete_endpoint(tx, desk.account, ""))
    done = redelivery.Redelivered(0, 0, more_from=START_MS)
    parts: list[int] = []
    while done.more_from is not None and len(parts) < 10:
        done = await desk.write(
            lambda tx, at=done: redelivery.redeliver_range(
                tx,
                desk.account,
                start=at.more_from,
                after=at.more_after,
                end=1 << 60,
                status="all",
                agent_id=None,
            )
        )
        parts.append(done.skipped if skipped else done.count)
        for job in [] if skipped else await desk.begin():
            await end(desk, job, DELIVERED)
    assert parts == [4, 4, 4]


async def test_what_is_claimed_ahead_is_what_no_other_endpoint_needs(world: World) -> None:
    desk = Desk(world)
    await set_endpoint(desk)
    for n in range(120):
        await desk.hear(ALICE, f"text {n}")
    lane_id = outbox.lane_for_endpoint((await endpoint(desk))["id"])

    async def claimed(most: int, *quick: str) -> list[Job]:
        jobs: list[Job] = await desk.write(
            lambda tx: deliver_webhook.begin(
                tx, most=most, token="t", lease_until=1 << 60, base="", quick=quick
            )
        )
        return jobs

    assert len(await claimed(5, lane_id)) == 5
    assert len(await claimed(100, "hook:another")) == 5, "it is not quick itself"
    assert await claimed(100, lane_id) == [], "ten are in flight"
    assert not outbox._share([], {lane_id}, spare=100, ahead=90)
    lanes: list[Row] = [{"id": f"lane {n}"} for n in range(4)]
    assert outbox._share(lanes, {"lane 1", "lane 3"}, spare=100 - 40, ahead=90) == 30
    assert outbox._share(lanes, {"lane 1"}, spare=-5, ahead=90) == 0


async def test_a_lane_claimed_ahead_is_claimed_again_when_it_has_come_down(world: World) -> None:
    desk = Desk(world)
    await set_endpoint(desk)
    for n in range(120):
        await desk.hear(ALICE, f"text {n}")
    lane_id = outbox.lane_for_endpoint((await endpoint(desk))["id"])

    async def claimed() -> list[Job]:
        jobs: list[Job] = await desk.write(
            lambda tx: deliver_webhook.begin(
                tx, most=100, token="t", lease_until=1 << 60, base="", quick={lane_id}
            )
        )
        return jobs

    first = await claimed()
    assert len(first) == 100
    assert [job.work.crowded for job in first] == [False] * 90 + [True] * 10
    for job in first[:90]:
        await end(desk, job, DELIVERED)
    assert await claimed() == []
    await end(desk, first[90], DELIVERED)
    assert len(await claimed()) == 20
