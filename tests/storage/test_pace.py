"""Claims at a carrier's pace, on both stores: what goes now, what waits until when, whose turn it is. Counts, not speed."""

import asyncio
import random
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from ringback.carriers.pace import pace_of, scope_of
from ringback.flows.expire_texts import expire_text
from ringback.flows.pace_texts import Paces, estimated_at
from ringback.flows.send_text import KIND, Line, SendText
from ringback.flows.settle_text import EXPIRED, EXPIRED_WHY
from ringback.kit.pace import day_of
from ringback.storage import expiry, outbox, repacing, schema
from ringback.storage.outbox import Claimed
from ringback.storage.tx import Row, Tx
from tests.storage.world import LINE, START_MS, World

pytestmark = pytest.mark.unit

ALICE, BOB = "+12125550002", "+12125550004"
TMOBILE = "+12125550001"
"""Odd numbers are T-Mobile's customers here."""
CARRIER = "simulated"
PACIFIC = ZoneInfo("America/Los_Angeles")


def line(campaign: str | None) -> Line:
    def operator_of(e164: str) -> str:
        return "T-Mobile" if int(e164[-1]) % 2 else "Verizon"

    return Line(
        LINE.outbound_sms,
        LINE.hash_key,
        Paces(CARRIER, lambda e164, country: pace_of(campaign, e164, country), scope_of, operator_of),
    )


SOLE, STANDARD = line("sole_proprietor"), line("high_standard")


async def finish(world: World, work: Claimed) -> None:
    def unit(tx: Tx) -> None:
        conversation = tx.get(schema.conversations, work.account_id, work.chain or "")
        assert conversation is not None
        assert outbox.finish(tx, work, more_in_chain=conversation["unsent"] > 1)
        tx.update(schema.conversations, conversation, unsent=conversation["unsent"] - 1)

    await world.store.write(unit, account=work.account_id, needs=[])


async def run(world: World, until_ms: int, told: Line = SOLE) -> list[tuple[int, Claimed]]:
    """Claim whenever something is due, until the clock stands at `until_ms`; when each text went, and its claim."""
    gone: list[tuple[int, Claimed]] = []
    turn = 0
    while True:
        turn += 1
        for work in await world.claim(line=told, lease_until=(1 << 50) + turn):
            gone.append((world.clock.now_ms() - START_MS, work))
            await finish(world, work)
        due = await world.store.read(lambda db: outbox.next_due(db, KIND, cap=16, carrier=CARRIER))
        if due is None or due > until_ms:
            return gone
        world.clock.move_to(due)


async def pace_row(world: World) -> Row:
    (row,) = await world.rows(schema.paces)
    return row


async def queue(world: World) -> tuple[int, int, int]:
    (row,) = await world.rows(schema.pace_queues)
    return row["texts"], row["segments"], row["tmobile"]


async def test_one_number_keeps_its_pace(world: World) -> None:
    sent = [await world.send(world.text(ALICE if n % 2 else BOB, f"{n}"), line=SOLE) for n in range(40)]
    gone = await run(world, START_MS + 10_000)
    assert len(gone) == 23, "2.25 a second for ten seconds, and the first at once"
    assert [work.subject_id for _, work in gone] == [row["id"] for row in sent[:23]], "in their order"
    assert [at for at, _ in gone[:4]] == [0, 445, 889, 1334]
    assert await queue(world) == (17, 17, 0)


async def test_what_is_not_paced_is_not_held(world: World) -> None:
    for n in range(12):
        await world.send(world.text(f"+1212555{n:04d}"))
    assert len(await world.claim()) == 12
    assert await world.rows(schema.paces) == []
    assert await world.rows(schema.pace_queues) == []


async def test_numbers_of_a_campaign_share_its_pace_and_take_turns(world: World) -> None:
    """However many texts wait at one number, another's first one is next."""
    for n in range(30):
        await world.send(world.text(f"+1212555{n:04d}", number=0), line=SOLE)
    await run(world, START_MS)
    for number in (1, 2):
        for n in range(5):
            await world.send(world.text(f"+1212555{n:04d}", number=number), line=SOLE)
    gone = await run(world, START_MS + 6_200)
    order = [world.numbers.index(outbox.number_of_lane(work.lane_id)) for _, work in gone]
    assert order == [1, 2, 0] * 4 + [1]


@pytest.mark.parametrize("told", [SOLE, line(None)], ids=["paced", "not paced"])
async def test_a_hundred_thousand_texts_delay_nobody_elses(world: World, told: Line) -> None:
    """Queued by one account, on ten numbers: another account's single text goes with the very next claim."""
    busy, numbers = await world.add_account("busy", 10, first=100)
    await fill(world, busy, numbers, each=10_000)
    waiting = await world.store.read(lambda db: outbox.next_due(db, KIND, cap=16, carrier=CARRIER))
    assert waiting == START_MS
    for n in range(3):
        await world.claim(most=64, lease_until=n, line=told)
    world.clock.move_to(START_MS + 3)
    single = await world.send(world.text(ALICE), line=told)
    claimed = await world.claim(most=64, lease_until=10, line=told)
    assert single["id"] in {work.subject_id for work in claimed}
    queued = sum(row["backlog"] for row in await world.rows(schema.lanes, account_id=busy))
    assert queued == 100_000


async def fill(world: World, account: str, numbers: list[str], *, each: int) -> None:
    """Texts of many conversations, as `enqueue` leaves them."""

    def unit(tx: Tx, number_id: str) -> None:
        for n in range(each):
            tx.insert(
                schema.outbox,
                account_id=account,
                id=tx.new_id("out"),
                lane_id=outbox.lane_for_texts(number_id),
                kind=KIND,
                subject_id=f"msg_{n}",
                chain=f"conv_{number_id}_{n}",
                position=n,
                state=outbox.READY,
                due_at=START_MS,
                expires_at=START_MS + 86_400_000,
                pace_id=f"{CARRIER}:campaign",
                segments=1,
            )
        tx.insert(
            schema.lanes,
            id=outbox.lane_for_texts(number_id),
            account_id=account,
            kind=KIND,
            carrier=CARRIER,
            next_at=START_MS,
            backlog=each,
        )

    for number_id in numbers:
        await world.store.write(lambda tx, number_id=number_id: unit(tx, number_id), account=account)  # type: ignore[misc]


async def test_a_full_day_goes_on_at_midnight_in_los_angeles(world: World) -> None:
    """A sole proprietor's day holds 3,000 segments."""
    midnight = day_of(START_MS)[1]
    assert datetime.fromtimestamp(midnight // 1000, PACIFIC).strftime("%H:%M") == "00:00"
    for n in range(6):
        await world.send(world.text(ALICE if n % 2 else BOB, "€" * 700), line=SOLE)  # ten segments each
    await put_spent(world, segments=3_000 - 25)
    gone = await run(world, midnight - 1)
    assert len(gone) == 2
    assert (await pace_row(world))["day_segments"] == 3_000 - 5
    assert (await world.lane())["next_at"] == midnight
    world.clock.move_to(midnight)
    assert len(await run(world, midnight + 60_000)) == 4
    assert ((await pace_row(world))["day"], (await pace_row(world))["day_segments"]) == (midnight, 40)


async def put_spent(world: World, *, segments: int = 0, tmobile: int = 0) -> None:
    await world.store.write(
        lambda tx: tx.insert(
            schema.paces,
            account_id=world.account,
            id=f"{CARRIER}:campaign",
            day=day_of(START_MS)[0],
            day_segments=segments,
            day_tmobile=tmobile,
        )
    )


async def test_only_texts_to_tmobile_wait_for_its_next_day(world: World) -> None:
    """They are not attempted, stay the first of their conversation, and hold nobody else up."""
    bodies = {}
    for n, to in enumerate([TMOBILE, TMOBILE, TMOBILE, ALICE, TMOBILE, BOB]):
        row = await world.send(world.text(to, f"{n}"), line=SOLE)
        bodies[row["id"]] = f"{n}"
    await put_spent(world, segments=999, tmobile=999)
    midnight = day_of(START_MS)[1]
    gone = await run(world, midnight - 1)
    assert [bodies[work.subject_id] for _, work in gone] == ["0", "3", "5"]
    (head,) = await world.rows(schema.outbox, state=outbox.READY)
    assert (head["attempt"], head["due_at"], bodies[head["subject_id"]]) == (0, midnight, "1")
    assert (await world.lane())["next_at"] == midnight
    world.clock.move_to(midnight)
    gone = await run(world, midnight + 60_000)
    assert [(bodies[work.subject_id], work.attempt) for _, work in gone] == [("1", 1), ("2", 1), ("4", 1)]
    row = await pace_row(world)
    assert (row["day_segments"], row["day_tmobile"]) == (3, 3)
    assert await queue(world) == (0, 0, 0)


async def told_of(world: World, row: Row) -> int:
    """When a text that was just accepted is expected to go, from the start of the test (ms)."""
    told = await world.store.read(lambda db: estimated_at(db, SOLE.paces, row, world.clock.now_ms()))
    assert told is not None
    return told - START_MS


async def test_who_waits_for_tmobiles_next_day_makes_nobody_else_late(world: World) -> None:
    await put_spent(world, segments=2_900, tmobile=998)
    told = {}
    for n, to in enumerate([TMOBILE] * 40 + [ALICE, BOB] * 35):
        row = await world.send(world.text(to, f"{n}"), line=SOLE)
        told[row["id"]] = await told_of(world, row)
    midnight = day_of(START_MS)[1]
    gone = {work.subject_id: at for at, work in await run(world, midnight + 60_000)}
    assert len(gone) == len(told)
    assert [text for text, at in gone.items() if abs(at - told[text]) > 1_000] == []


async def test_what_is_told_never_goes_back(world: World) -> None:
    """However long the texts are, and however full the days."""
    draw = random.Random(7)
    await put_spent(world, segments=2_400, tmobile=900)
    last = dict.fromkeys((True, False), 0)
    for n in range(160):
        to = f"+1212556{draw.randrange(10_000):04d}"
        body = f"{n} " + "a" * draw.choice([1, 200, 1_400])
        told = await told_of(world, await world.send(world.text(to, body), line=SOLE))
        to_tmobile = bool(int(to[-1]) % 2)
        assert told >= last[to_tmobile], n
        last[to_tmobile] = told
    midnight = day_of(START_MS)[1] - START_MS
    assert last[True] > midnight
    gone = [(at, work) for at, work in await run(world, START_MS + midnight + 600_000)]
    assert (len(gone), (await queue(world))) == (160, (0, 0, 0))


async def test_what_was_not_attempted_gives_its_segments_back(world: World) -> None:
    await world.send(world.text(TMOBILE, "a" * 200), line=SOLE)
    (work,) = await world.claim(line=SOLE)
    row = await pace_row(world)
    assert (row["day_segments"], row["day_tmobile"]) == (2, 2)
    await world.store.write(
        lambda tx: outbox.put_back(tx, work, due_at=tx.now, counted=False), account=world.account, needs=[]
    )
    row = await pace_row(world)
    assert (row["day_segments"], row["day_tmobile"]) == (0, 0)
    assert await queue(world) == (1, 2, 2), "it waits still"


async def test_racing_claims_take_no_more_than_the_pace(world: World) -> None:
    """Six workers on three lanes of one campaign, again and again: each turn is given once, and none is lost."""
    for n in range(60):
        await world.send(world.text(f"+1212555{n:04d}", number=n % 3), line=STANDARD)
    gone: list[Claimed] = []
    for _ in range(25):
        claims = await asyncio.gather(*[world.claim(token=f"w{n}", line=STANDARD) for n in range(6)])
        taken = [work for claim in claims for work in claim]
        assert len(taken) <= 2
        gone += taken
        for work in taken:
            await finish(world, work)
        world.clock.move_to(world.clock.now_ms() + 84)
    assert len({work.subject_id for work in gone}) == len(gone) >= 24
    row = await pace_row(world)
    assert row["day_segments"] == len(gone)


async def test_accepting_and_claiming_do_not_wait_for_each_other(world: World) -> None:
    """Both touch lanes and paces; neither locks them in the other's way round."""

    async def claims() -> int:
        count = 0
        for _ in range(40):
            for work in await world.claim(line=STANDARD):
                await finish(world, work)
                count += 1
            world.clock.move_to(world.clock.now_ms() + 90)
        return count

    async with asyncio.timeout(60):
        claiming = asyncio.create_task(claims())
        await asyncio.gather(
            *[world.send(world.text(f"+1212555{n:04d}", number=n % 3), line=STANDARD) for n in range(120)]
        )
        count = await claiming
    left = len(await world.rows(schema.outbox))
    assert count + left == 120
    assert (await queue(world))[:2] == (left, left)


async def test_a_new_pace_is_heeded_at_once(world: World) -> None:
    for n in range(5):
        await world.send(world.text(f"+1212555{n:04d}"), line=SOLE)
    await put_spent(world, segments=3_000)
    assert await run(world, START_MS + 1) == []
    await world.store.write(lambda tx: repacing.release_held(tx, KIND, CARRIER, None))
    assert len(await world.claim(line=line(None))) == 5


@pytest.mark.parametrize("before", [line(None), line("high_standard")], ids=["no class", "another class"])
async def test_what_is_queued_before_a_class_is_named_counts(world: World, before: Line) -> None:
    """Its depth, T-Mobile's part of the day and what is told of it are those of the class that the number has now."""
    for n in range(8):
        await world.send(world.text(TMOBILE if n < 6 else f"+121255510{n}2", f"{n}"), line=before)
    assert await queue(world) == (8, 8, 6)
    await put_spent(world, segments=996, tmobile=996)
    last = await world.send(world.text(TMOBILE, "last"), line=SOLE)
    midnight = day_of(START_MS)[1]
    assert await told_of(world, last) > midnight - START_MS
    gone = await run(world, midnight - 1)
    assert len(gone) == 6, "four of the six to T-Mobile, and the two to others"
    assert ((await pace_row(world))["day_tmobile"], await queue(world)) == (1_000, (3, 3, 3))


async def test_a_class_that_is_taken_back_and_named_again_counts_the_same(world: World) -> None:
    for n in range(3):
        await world.send(world.text(f"+1212555{n:03d}1", "a" * 200), line=SOLE)
    await world.send(world.text(ALICE), line=line(None))
    assert await queue(world) == (4, 7, 6)
    gone = await run(world, START_MS, line(None))
    assert (len(gone), await queue(world), await world.rows(schema.paces)) == (4, (0, 0, 0), [])


async def test_a_larger_class_lets_go_what_waits_for_tmobiles_next_day(world: World) -> None:
    for n in range(1_100):
        await world.send(world.text(f"+1212{n:06d}1", number=n % 2), line=SOLE)
    await put_spent(world, segments=1_000, tmobile=1_000)
    midnight = day_of(START_MS)[1]
    await run(world, START_MS + 60_000)
    assert {row["due_at"] for row in await world.rows(schema.outbox)} == {midnight}
    after: str | None = ""
    rounds = 0
    while after is not None:
        after = await world.store.write(
            partial(repacing.bring_forward, kind=KIND, carrier=CARRIER, after=after)
        )
        rounds += 1
    assert rounds == 3, "in pages"
    await world.store.write(lambda tx: repacing.release_held(tx, KIND, CARRIER, "high_highest_trust"))
    await run(world, world.clock.now_ms() + 10_000, line("high_highest_trust"))
    assert await queue(world) == (0, 0, 0)


async def test_a_restart_keeps_the_turn_unless_the_class_is_another(world: World) -> None:
    for n in range(3):
        await world.send(world.text(f"+1212555{n:04d}"), line=SOLE)
    await world.store.write(lambda tx: repacing.release_held(tx, KIND, CARRIER, "sole_proprietor"))
    await run(world, START_MS)
    turn = (await pace_row(world))["next_ns"]
    await world.store.write(lambda tx: repacing.release_held(tx, KIND, CARRIER, "sole_proprietor"))
    assert (await pace_row(world))["next_ns"] == turn > START_MS * 1_000_000
    await world.store.write(lambda tx: repacing.release_held(tx, KIND, CARRIER, "low_volume"))
    assert (await pace_row(world))["next_ns"] == 0


# Validity


async def expire(world: World) -> list[bool]:
    rows = await world.store.read(lambda db: expiry.expired(db, KIND, now=world.clock.now_ms()))
    return await asyncio.gather(
        *[
            world.store.write(lambda tx, row=row: expire_text(tx, row, SOLE.paces), account=row["account_id"])  # type: ignore[misc]
            for row in rows
        ]
    )


async def test_a_text_fails_when_its_validity_passes_although_its_lane_is_held(world: World) -> None:
    """Also from the middle of a conversation, whose others keep their order."""
    await put_spent(world, segments=3_000)
    sent = [
        await world.send(
            SendText(world.account, ALICE, f"{n}", number_id=world.numbers[0], validity_ms=validity),
            line=SOLE,
        )
        for n, validity in enumerate([5_000, 200_000_000, 5_000, 200_000_000, 9_000])
    ]
    assert await run(world, START_MS + 4_999) == []
    assert await world.store.read(lambda db: expiry.next_expiry(db, KIND)) == START_MS + 5_000
    assert await expire(world) == []
    world.clock.move_to(START_MS + 5_000)
    assert await expire(world) == [True, True]
    messages = {row["body"]: row for row in await world.rows(schema.messages)}
    failed = [
        (row["error_code"], row["failure_reason"]) for row in messages.values() if row["status"] == "failed"
    ]
    assert failed == [(EXPIRED, EXPIRED_WHY)] * 2
    assert {body for body, row in messages.items() if row["status"] == "queued"} == {"1", "3", "4"}
    states = {row["subject_id"]: row["state"] for row in await world.rows(schema.outbox)}
    assert states == {
        sent[1]["id"]: outbox.READY,
        sent[3]["id"]: outbox.WAITING,
        sent[4]["id"]: outbox.WAITING,
    }
    assert await queue(world) == (3, 3, 0)
    lane = await world.lane()
    assert (lane["backlog"], lane["in_flight"]) == (3, 0)
    gone = await run(world, day_of(START_MS)[1] + 60_000)
    assert [work.subject_id for _, work in gone] == [sent[n]["id"] for n in (1, 3, 4)]


async def test_a_text_that_was_begun_does_not_expire(world: World) -> None:
    asked = SendText(world.account, ALICE, "Hi", number_id=world.numbers[0], validity_ms=1_000)
    await world.send(asked)
    await world.claim()
    world.clock.move_to(START_MS + 2_000)
    assert await expire(world) == []


async def test_one_text_is_either_claimed_or_expired(world: World) -> None:
    for n in range(40):
        asked = SendText(
            world.account, f"+1212555{n:04d}", "Hi", number_id=world.numbers[n % 3], validity_ms=1_000
        )
        await world.send(asked)
    world.clock.move_to(START_MS + 1_000)
    expiring = [asyncio.create_task(expire(world)) for _ in range(3)]
    claims = await asyncio.gather(*[world.claim(most=8, token=f"w{n}") for n in range(4)])
    await asyncio.gather(*expiring)
    claimed = {work.subject_id for claim in claims for work in claim}
    failed = {row["id"] for row in await world.rows(schema.messages, status="failed")}
    assert claimed | failed == {row["id"] for row in await world.rows(schema.messages)}
    assert claimed & failed == set()
    for number in range(3):
        lane = await world.lane(number)
        assert lane["in_flight"] == sum(
            1 for row in await world.rows(schema.outbox, lane_id=lane["id"]) if row["state"] == outbox.CLAIMED
        )
