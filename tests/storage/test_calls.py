"""Calls on both kinds of store: every event of a child counts once, a status never goes back, races lose nothing."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ringback.accounts import subs
from ringback.agents import service as agents
from ringback.agents.errors import AgentNotFound
from ringback.agents.schemas import CreateAgent
from ringback.calls import service as calls
from ringback.calls import store as call_store
from ringback.calls.endings import ENDINGS
from ringback.calls.errors import BadToken, NumberOfAnotherAgent, WebhookNeeded
from ringback.carriers.protocol import InboundCall
from ringback.flows import attach_number, hold_calls, receive_call, web_call
from ringback.flows.delete_sub_account import delete_sub_account
from ringback.flows.end_call import end_call
from ringback.flows.follow_call import apply
from ringback.flows.place_call import PlaceCall, place_call
from ringback.flows.plan_call import plan_call
from ringback.flows.receive_call import Rejected
from ringback.flows.voice_facts import VoiceFacts
from ringback.kit.clock import real_ms
from ringback.kit.faults import Invalid
from ringback.kit.machine import entropy
from ringback.storage import schema
from ringback.storage.sealing import Sealer
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx
from ringback.webhooks import service as webhooks
from tests.storage.world import START_MS, World

pytestmark = pytest.mark.unit

ANN = "+14155550114"
SECRET = "whsec_of_the_tests"
TRUNK = {"kind": "line", "host": "127.0.0.1", "port": 1, "key": "k"}


class Phones:
    """An agent with the first of the world's numbers, and calls."""

    def __init__(self, world: World, facts: VoiceFacts, agent_id: str) -> None:
        self.world, self.facts, self.agent_id = world, facts, agent_id

    async def write(self, unit: Any, store: Store | None = None) -> Any:
        return await (store or self.world.store).write(unit, account=self.world.account)

    async def set_webhook(self) -> Row:
        def unit(tx: Tx) -> Row:
            return webhooks.set_endpoint(
                tx,
                self.world.account,
                webhooks.PROJECT,
                url="http://127.0.0.1:9/hook",
                context_limit=10,
                timeout_s=30,
                secret=SECRET,
                seal=lambda secret, context: self.facts.sealer.seal(secret, context=context),
            )

        row: Row = await self.write(unit)
        return row

    async def place(self, **more: Any) -> Row:
        asked = PlaceCall(self.world.account, self.agent_id, ANN, **more)
        row: Row = await self.write(lambda tx: place_call(tx, self.facts, asked))
        return row

    async def taken(self, **more: Any) -> Row:
        """A placed call that the host `h` and its child `c` hold."""
        call = await self.place(system_prompt="Be kind.", **more)
        row = await self.take(call, "h", "c")
        assert row is not None
        return row

    async def take(self, call: Row, host: str, child: str | None, *, now: int = 1_000) -> Row | None:
        row: Row | None = await self.write(
            lambda tx: hold_calls.take(
                tx, self.world.account, call["id"], host=host, child=child, real_now=now
            )
        )
        return row

    async def tell(
        self,
        call: Row,
        n: int,
        type_: str,
        *,
        at: int = 0,
        child: str = "c",
        store: Store | None = None,
        **more: Any,
    ) -> bool:
        event = {"call": call["id"], "n": n, "type": type_, "at": at, **more}
        done: bool = await self.write(lambda tx: apply(tx, self.world.account, event, child=child), store)
        return done

    async def receive(self, ref: str = "r1", number: int = 0) -> Any:
        def to(rows: list[Row]) -> str:
            e164: str = next(row["e164"] for row in rows if row["id"] == self.world.numbers[number])
            return e164

        call = InboundCall("simulated", ref, ANN, to(await self.world.rows(schema.numbers)))
        return await receive_call.decide(self.world.store, self.facts, call, host="h", trunk=TRUNK)

    async def plan(self, call: Row, **more: Any) -> dict[str, Any]:
        return await self.world.store.read(
            lambda db: plan_call(
                db, self.facts, self.world.account, call["id"], leg={"kind": "line"}, now=START_MS, **more
            )
        )

    async def call(self, call: Row) -> Row:
        [row] = await self.world.rows(schema.calls, id=call["id"])
        return row

    async def types(self) -> list[str]:
        rows = await self.world.rows(schema.events)
        return [row["type"] for row in rows if row["type"].startswith(("call.", "recording."))]


@pytest.fixture
async def phones(world: World, tmp_path: Path) -> Phones:
    def unit(tx: Tx) -> str:
        asked = CreateAgent(name="Desk", begin_message="Hello {{name}}!")
        agent = agents.create(tx, world.account, asked)
        attach_number.attach(tx, world.account, agent["id"], world.numbers[0])
        agent_id: str = agent["id"]
        return agent_id

    agent_id = await world.store.write(unit, account=world.account)
    return Phones(world, VoiceFacts(b"k" * 32, Sealer([entropy(32)]), tmp_path / "recordings"), agent_id)


async def test_a_call_from_its_beginning_to_its_end(phones: Phones) -> None:
    await phones.set_webhook()
    call = await phones.taken(variables={"name": "Ann"})
    assert (call["status"], call["brain"], call["direction"], call["to_e164"]) == (
        "queued",
        "demo",
        "outbound",
        ANN,
    )
    assert await phones.tell(call, 1, "ringing")
    assert await phones.tell(call, 2, "answered", at=10_000)
    assert await phones.tell(
        call,
        3,
        "turn",
        turn_id="t1",
        role="user",
        text="Hi\x00 there",
        confidence=0.91237,
        started_ms=1,
        ended_ms=2,
    )
    assert await phones.tell(call, 4, "turn", turn_id="t1", role="agent", text="Hello \ud800 Ann")
    assert await phones.tell(call, 5, "timeline", turn_id="t1", speech_end=2_000, transcript=2_200.4)
    assert await phones.tell(call, 6, "timeline", turn_id="t1", audio_first=2_500)
    assert await phones.tell(call, 7, "recording", ms=5_100, path="/etc/passwd")
    assert await phones.tell(
        call, 8, "ended", at=15_001, status="completed", reason="user_hangup", side="caller"
    )
    row = await phones.call(call)
    assert (row["status"], row["reason"], row["side"], row["duration_s"]) == (
        "completed",
        "user_hangup",
        "caller",
        6,
    )
    assert (row["recording"], row["recording_ms"], row["last_snippet"]) == ("available", 5_100, "Hello ? Ann")
    turns = await phones.world.rows(schema.call_turns)
    assert [(turn["role"], turn["text"], turn["confidence_e4"]) for turn in turns] == [
        ("user", "Hi there", 9_124),
        ("agent", "Hello ? Ann", None),
    ]
    [times] = await phones.world.rows(schema.call_timelines)
    assert (times["speech_end"], times["transcript"], times["audio_first"]) == (2_000, 2_200, 2_500)
    assert await phones.types() == [
        "call.queued",
        "call.ringing",
        "call.answered",
        "call.turn",
        "call.turn",
        "recording.available",
        "call.ended",
    ]
    [delivery] = await phones.world.rows(schema.deliveries)
    assert (delivery["event_type"], delivery["channel"], delivery["call_id"]) == (
        "agent.call_ended",
        "voice",
        call["id"],
    )
    [day] = await phones.world.rows(schema.usage_days)
    assert (day["calls"], day["call_seconds"], day["webhooks"]) == (1, 6, 1)
    assert (await phones.world.head())["call_count"] == 1


async def test_an_event_that_comes_again_changes_nothing(phones: Phones) -> None:
    await phones.set_webhook()
    call = await phones.taken()
    story: list[tuple[str, dict[str, Any]]] = [
        ("ringing", {}),
        ("answered", {}),
        ("turn", {"turn_id": "t1", "role": "user", "text": "Hi"}),
        ("hook", {"turn_id": "t1", "http_status": 200, "error": None, "ms": 5}),
        ("recording", {"ms": 1}),
        ("ended", {"status": "completed", "reason": "agent_hangup"}),
    ]
    for n, (type_, more) in enumerate(story, 1):
        assert await phones.tell(call, n, type_, **more)
        seen = [await phones.world.rows(table) for table in (schema.calls, schema.call_turns, schema.events)]
        for earlier, (again, its) in enumerate(story[:n], 1):
            assert not await phones.tell(call, earlier, again, **its)
        assert [
            await phones.world.rows(table) for table in (schema.calls, schema.call_turns, schema.events)
        ] == seen
    ended = [
        row for row in await phones.world.rows(schema.deliveries) if row["event_type"] == "agent.call_ended"
    ]
    assert len(ended) == 1


async def test_a_status_never_goes_back(phones: Phones) -> None:
    call = await phones.taken()
    await phones.tell(call, 1, "answered", at=1_000)
    await phones.tell(call, 2, "ringing")
    assert (await phones.call(call))["status"] == "in-progress"
    assert await phones.types() == ["call.queued", "call.answered"]
    await phones.tell(call, 3, "ended", at=2_000, status="completed", reason="api_end")
    for n, type_ in enumerate(("ringing", "answered", "ended"), 4):
        assert not await phones.tell(call, n, type_, reason="busy")
    row = await phones.call(call)
    assert (row["status"], row["reason"], row["last_n"]) == ("completed", "api_end", 3)


async def test_the_status_of_an_end_follows_from_its_reason(phones: Phones) -> None:
    """Whatever the child says of the status: the contract has one for each reason."""
    whose = ("api_end", "user_hangup", "agent_hangup")
    for answered in (False, True):
        expected = {
            "busy": "busy",
            "no_answer": "no-answer",
            "voicemail_reached": "voicemail",
            **dict.fromkeys(("call_transfer", "inactivity", "max_duration_reached"), "completed"),
            **dict.fromkeys(whose, "completed" if answered else "canceled"),
        }
        for reason in ENDINGS:
            call = await phones.taken()
            if answered:
                await phones.tell(call, 1, "answered", at=0)
            await phones.tell(call, 2, "ended", at=1_000, status="nonsense", reason=reason, side="nonsense")
            row = await phones.call(call)
            assert (row["status"], row["reason"]) == (expected.get(reason, "failed"), reason)
            assert (row["side"], row["duration_s"]) == (ENDINGS[reason].side, int(answered))


async def test_an_unknown_reason_is_a_lost_worker(phones: Phones) -> None:
    call = await phones.taken()
    await phones.tell(call, 1, "ended", reason="because")
    row = await phones.call(call)
    assert (row["status"], row["reason"]) == ("failed", "worker_lost")
    assert "because" in row["detail"]


async def test_two_processes_that_apply_one_event_apply_it_once(world: World, phones: Phones) -> None:
    """As when a child resends to a new host what the old one was about to commit."""
    call = await phones.taken()
    other = await world.another_store() if world.settings.database_url else world.store
    try:
        for n in range(1, 9):
            done = await asyncio.gather(
                *[
                    phones.tell(call, n, "turn", turn_id=f"t{n}", role="user", text=f"{n}", store=store)
                    for store in (world.store, other, world.store, other)
                ]
            )
            assert sorted(done) == [False, False, False, True]
        ends = await asyncio.gather(
            *[
                phones.tell(call, n, "ended", reason=reason, store=store)
                for n, (reason, store) in enumerate((("busy", world.store), ("api_end", other)), 9)
            ],
            phones.write(lambda tx: hold_calls.lose(tx, world.account, call["id"], detail="d", real_at=None)),
        )
        assert sum(bool(end) for end in ends) == 1
    finally:
        if other is not world.store:
            await other.stop()
    assert [row["text"] for row in await world.rows(schema.call_turns)] == [f"{n}" for n in range(1, 9)]
    assert (await phones.types()).count("call.ended") == 1
    [day] = await world.rows(schema.usage_days)
    assert day["calls"] == 1


async def test_who_may_hold_a_call(phones: Phones) -> None:
    call = await phones.place(system_prompt="x")
    assert [row["id"] for row in await phones.world.store.read(call_store.waiting)] == [call["id"]]
    for n in range(4):
        await phones.write(lambda tx, n=n: hold_calls.say_alive(tx, f"h{n}", until=2_000))
    done = await asyncio.gather(*[phones.take(call, f"h{n}", f"c{n}") for n in range(4)])
    [holder] = [row for row in done if row is not None]
    assert await phones.world.store.read(call_store.waiting) == []
    assert (await phones.call(call))["host"] == holder["host"]
    # A host without a sign of life is dead; one that said so is not, until then.
    await phones.write(lambda tx: hold_calls.say_alive(tx, holder["host"], until=5_000))
    assert await phones.take(call, "new", "c9", now=5_000) is None
    lost = await phones.world.store.read(lambda db: call_store.lost(db, real_now=5_000))
    assert lost == []
    [row] = await phones.world.store.read(lambda db: call_store.lost(db, real_now=5_001))
    assert row["id"] == call["id"]
    taken = await phones.take(call, "new", "c9", now=5_001)
    assert taken is not None
    assert (taken["host"], taken["child"], taken["resumed"]) == ("new", "c9", 1)
    assert not await phones.tell(call, 1, "answered", child=holder["child"]), "it holds the call no more"
    assert await phones.tell(call, 1, "answered", child="c9")
    assert await phones.types() == ["call.queued", "call.resumed", "call.answered"]


async def test_a_call_whose_worker_is_lost_ends_with_the_truth(phones: Phones) -> None:
    call = await phones.taken()
    await phones.tell(call, 1, "answered", at=1_000)

    def lose(tx: Tx) -> Row | None:
        return hold_calls.lose(
            tx, phones.world.account, call["id"], detail="its worker died", real_at=4_000, recorded_ms=2_500
        )

    assert await phones.write(lose) is not None
    assert await phones.write(lose) is None
    row = await phones.call(call)
    assert (row["status"], row["reason"], row["side"]) == ("failed", "worker_lost", "ringback")
    assert (row["duration_s"], row["recording_ms"]) == (3, 2_500)
    assert not await phones.tell(call, 2, "ended", reason="user_hangup")


async def test_ending_a_call_by_the_api(phones: Phones) -> None:
    free = await phones.place(system_prompt="x")
    ended = await phones.write(lambda tx: end_call(tx, phones.world.account, free["id"]))
    assert (ended["status"], ended["reason"]) == ("canceled", "api_end")
    assert await phones.take(free, "h", "c") is None, "it is over"
    held = await phones.taken()
    asked = await phones.write(lambda tx: end_call(tx, phones.world.account, held["id"]))
    assert (asked["status"], asked["end_asked"]) == ("queued", "api_end")
    again = await phones.write(lambda tx: end_call(tx, phones.world.account, free["id"]))
    assert again == ended


async def test_a_sub_account_that_is_deleted_ends_its_calls(phones: Phones) -> None:
    parent = phones.world.account

    def furnished(tx: Tx) -> str:
        sub = subs.create(tx, parent, "Branch")
        agent = agents.create(tx, sub["id"], CreateAgent(name="Desk"))
        for n in range(2):
            call = web_call.open_web_call(
                tx, phones.facts, sub["id"], agent["id"], token=f"t{n}", variables={}, metadata=None
            )
        hold_calls.take(tx, sub["id"], call["id"], host="h", child="c", real_now=1)
        return str(sub["id"])

    sub_id = await phones.write(furnished)
    await phones.write(lambda tx: delete_sub_account(tx, parent, sub_id))
    free, held = await phones.world.rows(schema.calls)
    assert (free["status"], held["status"], held["end_asked"]) == ("canceled", "queued", "api_end")


async def test_who_decides_what_is_said(phones: Phones) -> None:
    with pytest.raises(WebhookNeeded):
        await phones.place()
    assert await phones.world.rows(schema.calls) == []
    assert (await phones.place(system_prompt="x"))["brain"] == "demo", "there is no model"
    phones.facts = VoiceFacts(
        phones.facts.hash_key, phones.facts.sealer, phones.facts.recordings, model=lambda tier: {"name": tier}
    )
    hosted = await phones.place(
        system_prompt="Call {{name}} {{x}}.", model_tier="max", variables={"name": "Ann"}
    )
    plan = await phones.plan(hosted)
    assert (plan["brain"]["kind"], plan["brain"]["model"]) == ("hosted", {"name": "max"})
    assert (plan["brain"]["prompt"], plan["greeting"]) == ("Call Ann {{x}}.", "Hello Ann!")
    await phones.set_webhook()
    call = await phones.place(greeting="Good day", voice="v1", record=False)
    plan = await phones.plan(call)
    assert (plan["brain"]["kind"], plan["brain"]["secret"], plan["brain"]["timeout_s"]) == (
        "webhook",
        SECRET,
        30,
    )
    assert plan["brain"]["payload"]["data"] == {
        "callId": call["id"],
        "numberId": phones.world.numbers[0],
        "from": call["from_e164"],
        "to": ANN,
        "status": "in-progress",
        "direction": "outbound",
    }
    assert (plan["greeting"], plan["agent"]["voice"]) == ("Good day", "v1")
    assert (plan["record"], plan["recording_path"]) == (False, None)
    assert json.loads(json.dumps(plan)) == plan, "a plan is plain JSON"


async def test_the_number_that_an_agent_calls_from(phones: Phones) -> None:
    await phones.set_webhook()
    call = await phones.place(from_number_id=phones.world.numbers[0])
    assert call["number_id"] == phones.world.numbers[0]
    with pytest.raises(NumberOfAnotherAgent):
        await phones.place(from_number_id=phones.world.numbers[1])
    own = PlaceCall(phones.world.account, phones.agent_id, call["from_e164"])
    with pytest.raises(Invalid, match="can't call itself"):
        await phones.write(lambda tx: place_call(tx, phones.facts, own))


async def test_a_call_that_comes_in(phones: Phones) -> None:
    assert await phones.receive(number=1) == Rejected(480), "no agent has this number"
    unknown = InboundCall("simulated", "r", ANN, "+14155559999")
    assert await receive_call.decide(
        phones.world.store, phones.facts, unknown, host="h", trunk=TRUNK
    ) == Rejected(404)
    assert await phones.world.rows(schema.calls) == []
    plan = await phones.receive()
    assert plan["brain"]["kind"] == "notice", "its webhook is missing"
    assert plan["leg"] == {**TRUNK, "op": "take", "ref": "r1", "ring_s": 60}
    assert await phones.receive() == plan, "the same call again"
    await phones.set_webhook()
    assert (await phones.receive("r2"))["brain"]["kind"] == "webhook"
    assert len(await phones.world.rows(schema.calls)) == 2
    assert await phones.types() == ["call.ringing", "call.ringing"]


async def test_a_resumed_call_knows_what_was_said(phones: Phones) -> None:
    call = await phones.taken()
    assert (await phones.plan(call))["talked_ms"] == 0
    await phones.tell(call, 1, "answered", at=real_ms() - 70_000)
    await phones.tell(call, 2, "turn", turn_id="t1", role="user", text="Hi")
    plan = await phones.plan(call, resumed=True)
    assert (plan["resumed"], plan["last_n"]) == (True, 2)
    assert 70_000 <= plan["talked_ms"] < 80_000
    assert plan["history"] == [{"turn_id": "t1", "role": "user", "text": "Hi"}]


async def test_turns_posted_to_a_webhook_are_deliveries(phones: Phones) -> None:
    endpoint = await phones.set_webhook()
    call = await phones.taken()
    named = phones.world.ids.new("whd")
    await phones.tell(call, 1, "hook", turn_id="t1", delivery_id=named, http_status=200, error=None, ms=40)
    await phones.tell(call, 2, "hook", turn_id="t2", http_status=None, error="no answer in 30 s", ms=30_000)
    first, second = sorted(await phones.world.rows(schema.deliveries), key=lambda row: row["status"])
    assert (first["id"], first["status"], first["http_status"], first["response_ms"]) == (
        named,
        "delivered",
        200,
        40,
    )
    assert (second["status"], second["error_message"], second["attempts"]) == (
        "failed",
        "no answer in 30 s",
        1,
    )
    assert {first["webhook_id"], second["webhook_id"]} == {endpoint["id"]}
    assert (await phones.world.rows(schema.outbox)) == [], "nobody retries them"
    head = await phones.world.head()
    assert (head["delivery_count"], head["deliveries_delivered"], head["deliveries_failed"]) == (2, 1, 1)
    [hour] = await phones.world.rows(schema.delivery_hours)
    assert (hour["event_type"], hour["total"], hour["delivered"], hour["failed"]) == (
        "agent.message",
        2,
        1,
        1,
    )


async def test_a_token_opens_its_call_once_and_soon(phones: Phones) -> None:
    def opened(token: str) -> Any:
        return phones.write(
            lambda tx: web_call.open_web_call(
                tx,
                phones.facts,
                phones.world.account,
                phones.agent_id,
                token=token,
                variables={},
                metadata=None,
            )
        )

    call = await opened("web_1")
    done = await asyncio.gather(
        *[phones.world.store.write(lambda tx: web_call.redeem(tx, "web_1")) for _ in range(4)],
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["BadToken"] * 3 + ["dict"]
    late = await opened("web_2")
    assert phones.world.clock.frozen_ms is not None
    phones.world.clock.frozen_ms += web_call.VALID_MS
    with pytest.raises(BadToken):
        await phones.world.store.write(lambda tx: web_call.redeem(tx, "web_2"))
    for token in await phones.world.store.read(
        lambda db: call_store.unused_tokens(db, now=START_MS + 30_000)
    ):
        await phones.write(lambda tx, token=token: web_call.drop_unused(tx, token))
    row = await phones.call(late)
    assert (row["status"], row["reason"]) == ("canceled", "user_hangup")
    assert (await phones.call(call))["status"] == "queued"
    assert await phones.world.rows(schema.web_tokens) == []


async def test_an_agent_that_is_deleted_leaves_its_calls(phones: Phones) -> None:
    call = await phones.taken()
    await phones.write(lambda tx: attach_number.delete_agent(tx, phones.world.account, phones.agent_id))
    assert (await phones.call(call))["agent_id"] is None
    with pytest.raises(AgentNotFound):
        await phones.plan(call)
    assert calls.is_over(call) is False
