"""Counters of usage and deliveries, through all that can befall texts and webhooks, on both stores."""

import asyncio
from functools import partial
from typing import Any

import pytest

from ringback.agents import service as agents
from ringback.agents.schemas import CreateAgent
from ringback.carriers.protocol import InboundMessage
from ringback.compliance.errors import RecipientOptedOut
from ringback.flows import attach_number, deliver_webhook, receive_text
from ringback.flows.deliver_webhook import Job
from ringback.storage import schema
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx
from ringback.usage import store as usage
from ringback.webhooks import service as webhooks
from ringback.webhooks import store as statistics
from ringback.webhooks.attempts import Attempt
from tests.storage.recount import TABLES, counted, kept
from tests.storage.world import LINE, START_MS, World

pytestmark = pytest.mark.unit

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
ALICE, BOB, CAROL = "+12125550001", "+12125550002", "+12125550003"
DELIVERED = Attempt(ok=True, http_status=200, error=None, body="", elapsed_ms=1)
REFUSED = Attempt(ok=False, http_status=500, error="the endpoint answered 500", body="", elapsed_ms=1)
GONE = Attempt(ok=False, http_status=None, error="the endpoint was deleted", body=None, elapsed_ms=None)


class Desk:
    """A world with agents and endpoints, which knows whose each text was when it came or went."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.account = world.account
        self.agents: dict[str, str] = {}
        self._refs = 0

    async def write(self, unit: Any) -> Any:
        return await self.world.store.write(unit, account=self.account)

    async def add_agent(self, name: str) -> str:
        row: Row = await self.write(lambda tx: agents.create(tx, self.account, CreateAgent(name=name)))
        return str(row["id"])

    async def attach(self, agent: str, number: int) -> None:
        await self.write(lambda tx: attach_number.attach(tx, self.account, agent, self.world.numbers[number]))

    async def set_endpoint(self, scope: str) -> None:
        def unit(tx: Tx) -> None:
            webhooks.set_endpoint(
                tx,
                self.account,
                scope,
                url="http://127.0.0.1:9/",
                context_limit=0,
                timeout_s=5,
                secret="s",
                seal=lambda plain, context: plain,
            )

        await self.write(unit)

    async def hear(self, from_: str, body: str, number: int = 0, store: Store | None = None) -> None:
        self._refs += 1
        ref = f"in {self._refs}"
        [held] = await self.world.rows(schema.numbers, id=self.world.numbers[number])
        text = InboundMessage("simulated", ref, from_, held["e164"], body)
        owner = {"account_id": self.account, "number_id": held["id"]}
        needs = receive_text.needs(LINE, owner, text)
        for _ in range(2):  # the carrier says it twice
            await (store or self.world.store).write(
                lambda tx: receive_text.receive_text(tx, LINE, self.account, text),
                account=self.account,
                needs=needs,
            )

    async def note_agents(self) -> None:
        """Remember whose the texts are that came or went since the last time."""
        holders = {row["id"]: row["agent_id"] or "" for row in await self.world.rows(schema.numbers)}
        for row in await self.world.rows(schema.messages):
            self.agents.setdefault(row["id"], holders[row["number_id"]])

    async def begin(self) -> list[Job]:
        jobs: list[Job] = await self.world.store.write(
            lambda tx: deliver_webhook.begin(tx, most=1_000, token="t", lease_until=1 << 60, base="")
        )
        return jobs

    async def end(self, job: Job, attempt: Attempt) -> None:
        if job.endpoint is None:
            attempt = GONE
        await self.world.store.write(
            lambda tx: deliver_webhook.end(tx, job.work, attempt, give_up=job.endpoint is None),
            account=self.account,
            needs=[],
        )

    async def check(self) -> None:
        """Every counter is what the rows say."""
        messages = await self.world.rows(schema.messages)
        expected = counted(messages, await self.world.rows(schema.deliveries), self.agents)
        for table in TABLES:
            assert kept(table, await self.world.rows(table)) == expected[table], table.name

    async def check_windows(self) -> None:
        """What came since any moment is what the rows say."""
        messages = await self.world.rows(schema.messages)
        deliveries = await self.world.rows(schema.deliveries)
        marks = {row["at"] for row in messages} | {row["created_at"] for row in deliveries}
        for start in {0} | marks | {mark + 1 for mark in marks}:
            window = await self.world.store.read(partial(usage.since, account_id=self.account, start=start))
            inside = [row["segments"] for row in messages if row["at"] >= start]
            assert window == {"messages": len(inside), "segments": sum(inside), "calls": 0}, start
            rows = await self.world.store.read(
                partial(statistics.by_hour, account_id=self.account, since=start)
            )
            planned = [row["status"] for row in deliveries if row["created_at"] >= start]
            told = [sum(row[name] for row in rows) for name in ("total", "delivered", "failed")]
            assert told == [len(planned), planned.count("delivered"), planned.count("failed")], start
            total = await self.world.store.read(
                partial(statistics.count, account_id=self.account, since=start)
            )
            assert total == len(planned)


async def test_counters_equal_rows_whatever_happens(world: World) -> None:
    desk = Desk(world)
    ann, ben = await desk.add_agent("Ann"), await desk.add_agent("Ben")
    await desk.attach(ann, 0)
    await desk.attach(ben, 1)
    await desk.set_endpoint(webhooks.PROJECT)
    await desk.set_endpoint(ann)
    steps_ms = [7 * MINUTE_MS + 13_000, 5 * HOUR_MS, 26 * HOUR_MS + 1, 1, 40 * DAY_MS, 15 * MINUTE_MS]
    for turn, step_ms in enumerate(steps_ms):
        world.clock.move_to(world.clock.now_ms() + step_ms)
        if turn == 2:
            # Ties are moved on by a millisecond each: over the end of the quarter, and of the day.
            world.clock.move_to((world.clock.now_ms() // DAY_MS + 1) * DAY_MS - 1)
        await asyncio.gather(
            *[
                world.send(world.text(f"+1212555{n % 7:04d}", "é" * (40 * n + 1), number=n % 3))
                for n in range(12)
            ],
            *[desk.hear(BOB, f"{turn} {n}", number=n % 3) for n in range(6)],
            desk.hear(ALICE, "STOP" if turn % 2 == 0 else "START"),
            desk.hear(CAROL, "HELP", number=1),
        )
        if turn % 2 == 0:
            with pytest.raises(RecipientOptedOut):
                await world.send(world.text(ALICE, "still there?"))
        await desk.note_agents()
        for n, job in enumerate(await desk.begin()):
            await desk.end(job, REFUSED if n % 3 else DELIVERED)
            await desk.end(job, DELIVERED)  # a second answer to one claim is nobody's
        await desk.check()
        if turn == 1:
            await desk.attach(ben, 0)
            await desk.write(lambda tx: webhooks.delete_endpoint(tx, desk.account, ann))
        if turn == 3:
            await desk.write(lambda tx: attach_number.delete_agent(tx, desk.account, ben))
    for _ in range(6):
        world.clock.move_to(world.clock.now_ms() + 3 * HOUR_MS)
        while jobs := await desk.begin():
            for job in jobs:
                await desk.end(job, REFUSED)
    await desk.check()
    await desk.check_windows()
    deliveries = await world.rows(schema.deliveries)
    assert {row["status"] for row in deliveries} == {"delivered", "failed"}
    assert {row["error_message"] for row in deliveries} == {None, REFUSED.error, GONE.error}
    assert {row["agent_id"] for row in deliveries} == {ann, ben, None}


async def test_sums_by_agent_from_any_quarter(world: World) -> None:
    """Whole days and the quarters before the first of them make exactly the span, however far it goes."""
    desk = Desk(world)
    ann = await desk.add_agent("Ann")
    await desk.attach(ann, 0)
    begin = START_MS // DAY_MS * DAY_MS + DAY_MS
    times = [
        begin + quarter * 15 * MINUTE_MS for quarter in (-1, 0, 1, 22, 95, 96, 97, 191, 192, 200, 287, 288)
    ]
    for at in times:
        world.clock.move_to(at)
        await world.send(world.text(ALICE, "Hi", number=0))
        await world.send(world.text(ALICE, "Hi", number=1))
    for quarter in (-40, 0, 1, 22, 96, 97, 191, 192, 288, 300):
        start = begin + quarter * 15 * MINUTE_MS
        rows = await world.store.read(partial(usage.by_agent, account_id=world.account, start=start))
        inside = sum(start <= at for at in times)
        found = {row["agent_id"]: (row["messages"], row["segments"]) for row in rows}
        assert found == ({ann: (inside, inside), "": (inside, inside)} if inside else {}), start
