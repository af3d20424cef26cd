"""Deliberate bugs, each of a kind that servers really have: worlds must find every one (docs/worlds.md)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import bindparam, func, select, update

from ringback.carriers.protocol import NoAnswer, OutboundText
from ringback.carriers.simulated.local import SimulatedCarrier
from ringback.compliance import service as compliance
from ringback.compliance.errors import RecipientOptedOut
from ringback.doors.rest.once import Once
from ringback.events import log
from ringback.flows import (
    deliver_webhook,
    receive_text,
    release_number,
    send_text,
    settle_text,
)
from ringback.flows.carrier_events import CarrierEvents
from ringback.kit.faults import Fault
from ringback.messages import service as messages
from ringback.numbers.errors import NumberNotFound
from ringback.storage import idempotency, outbox, schema
from ringback.storage.sqlite import _Writer
from ringback.storage.statements import Statement
from ringback.storage.worker import LaneWorker
from ringback.webhooks import service as webhooks
from ringback.webhooks.jobs import Deliverer

Patch = pytest.MonkeyPatch
Bug = Callable[[Patch], None]


def acknowledged_before_the_commit(patch: Patch) -> None:
    """The answer goes out while the group is still to be committed."""
    real = _Writer.attempt

    def attempt(self: Any, conn: Any, batch: Any) -> Any:
        if conn.in_transaction:
            conn.execute("COMMIT")
        outcomes = real(self, _Hasty(conn), batch)  # type: ignore[arg-type]

        def later() -> None:
            if not self._closed and conn.in_transaction:
                conn.execute("COMMIT")

        asyncio.get_running_loop().call_later(0.004, later)
        return outcomes

    patch.setattr(_Writer, "attempt", attempt)


class _Hasty:
    """A connection on which a COMMIT waits for somebody else's."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    def execute(self, sql: str, *args: Any) -> Any:
        return None if sql == "COMMIT" else self._conn.execute(sql, *args)


def leases_never_looked_at(patch: Patch) -> None:
    """What a dead worker left claimed is left so."""

    async def nothing(self: Any, **which: int) -> None:
        return None

    patch.setattr(LaneWorker, "_let_go_leases", nothing)


def submitted_again_after_no_answer(patch: Patch) -> None:
    """A submit that got no answer is made again, under another name."""
    real = SimulatedCarrier.submit

    async def submit(self: Any, text: OutboundText) -> str:
        try:
            return await real(self, text)
        except NoAnswer:
            return await real(self, replace(text, reference=f"{text.reference}.2"))

    patch.setattr(SimulatedCarrier, "submit", submit)


def next_but_one_promoted(patch: Patch) -> None:
    """The last of a conversation's waiting texts is made ready, not the first."""
    waiting = schema.outbox.alias("waiting_last")
    mine = schema.outbox
    last = (
        select(func.max(waiting.c.position))
        .where(
            waiting.c.account_id == bindparam("of_account"),
            waiting.c.chain == bindparam("of_chain"),
            waiting.c.state == "waiting",
        )
        .scalar_subquery()
    )
    promote = Statement(
        update(mine)
        .where(
            mine.c.account_id == bindparam("of_account"),
            mine.c.chain == bindparam("of_chain"),
            mine.c.state == "waiting",
            mine.c.position == last,
        )
        .values(state="ready")
    )
    patch.setattr(outbox, "_PROMOTE", promote)


def nothing_promoted(patch: Patch) -> None:
    """The next of a conversation is forgotten when its turn comes after one that got no answer."""
    real_end, real_finish = settle_text.unanswered, outbox.finish
    forgets = False

    def unanswered(tx: Any, work: Any) -> None:
        nonlocal forgets
        forgets = True
        try:
            real_end(tx, work)
        finally:
            forgets = False

    def finish(tx: Any, work: Any, *, more_in_chain: bool = True) -> bool:
        return real_finish(tx, work, more_in_chain=more_in_chain and not forgets)

    patch.setattr(settle_text, "unanswered", unanswered)
    patch.setattr(outbox, "finish", finish)


def finished_without_token(patch: Patch) -> None:
    """Whoever comes back from a long submit finishes the row, whosever it is by now."""
    patch.setattr(outbox, "held", lambda tx, work: tx.get(schema.outbox, work.account_id, work.id))


def counted_again_when_repeated(patch: Patch) -> None:
    """A text in that the carrier tells twice is taken in twice."""
    real = messages.seen

    def seen(tx: Any, text: Any) -> bool:
        real(tx, text)
        return False

    patch.setattr(messages, "seen", seen)


def early_receipt_dropped(patch: Patch) -> None:
    """A receipt that comes before its submit's answer finds nothing, and is forgotten."""
    real = settle_text.receipt

    def receipt(tx: Any, told: Any) -> None:
        account_id, message_id = messages.key_of(told.reference)
        message = tx.get(schema.messages, account_id, message_id)
        if message is not None and message["status"] != "queued":
            real(tx, told)

    patch.setattr(settle_text, "receipt", receipt)


def key_kept_after_the_effect(patch: Patch) -> None:
    """The answer of an idempotent request is stored in a unit of its own, after what it did."""
    from ringback.doors.rest import once as module

    async def write(
        self: Any, claim: Any, caller: Any, unit: Callable[[Any], Any], *, needs: Any = None, secret: bool = False,
        status: int = 200,
    ) -> Any:  # fmt: skip
        def act(tx: Any) -> bytes:
            return module.to_bytes(unit(tx))

        if claim is not None:
            found = await self._store.write(lambda tx: idempotency.look_up(tx, claim))
            if found is not None:
                return module._response(self._opened(found, claim))
        body = await self._store.write(act, account=caller.account_id)
        answer = idempotency.Answer(status, body)
        if claim is not None:
            kept = self._closed(answer, claim) if secret else answer
            await self._store.write(lambda tx: idempotency.keep(tx, claim, kept))
        return module._response(answer)

    patch.setattr(Once, "write", write)


def sequence_taken_before_the_gate(patch: Patch) -> None:
    """A refused send uses up a number of the event sequence, as one from a database's own sequence would."""
    real_record, real_check = log.record, compliance.check_send
    used: dict[str, int] = {}

    def check_send(db: Any, number: Any, party: str, outbound_sms: Any) -> None:
        try:
            real_check(db, number, party, outbound_sms)
        except Fault:
            used[number["account_id"]] = used.get(number["account_id"], 0) + 1
            raise

    def record(tx: Any, account_id: str, *args: Any, **data: Any) -> Any:
        skip = used.pop(account_id, 0)
        if skip:
            head = tx.get(schema.accounts, account_id)
            tx.update(schema.accounts, head, event_seq=head["event_seq"] + skip)
        return real_record(tx, account_id, *args, **data)

    patch.setattr(compliance, "check_send", check_send)
    for module in (send_text, settle_text, receive_text):
        patch.setattr(module, "record", record)


def status_goes_back(patch: Patch) -> None:
    """Whatever the carrier says last is the status."""
    real = messages.advance

    def advance(tx: Any, message: Any, status: str, **more: Any) -> Any:
        return real(tx, {**message, "status": "queued"}, status, **more)

    patch.setattr(messages, "advance", advance)


def webhook_given_up_after_a_crash(patch: Patch) -> None:
    """An attempt whose process died counts as the last."""

    def let_go(tx: Any, work: Any) -> None:
        delivery = tx.get(schema.deliveries, work.account_id, work.subject_id)
        tx.update(schema.deliveries, delivery, status="failed", next_retry_at=None)
        outbox.finish(tx, work)

    patch.setattr(deliver_webhook, "let_go", let_go)


def payload_rendered_anew(patch: Patch) -> None:
    """Each attempt tells what is known by then."""
    real = outbox.put_back

    def put_back(tx: Any, work: Any, **more: Any) -> Any:
        if work.lane_id.startswith("hook:"):
            row = tx.get(schema.deliveries, work.account_id, work.subject_id)
            tx.update(schema.deliveries, row, payload=None)
        return real(tx, work, **more)

    patch.setattr(outbox, "put_back", put_back)


def order_of_an_endpoint_forgotten(patch: Patch) -> None:
    """Who wants events in order gets them as they come."""
    real = outbox.enqueue

    def enqueue(tx: Any, **more: Any) -> None:
        if more["lane_id"].startswith("hook:"):
            more |= {"chain": None, "behind": False}
        real(tx, **more)

    patch.setattr(outbox, "enqueue", enqueue)


def called_failed_after_a_crash(patch: Patch) -> None:
    """What a dead server may have handed over is called failed when its validity passes."""
    patch.setattr(settle_text, "_may_be_there", lambda *args: False)


def opt_out_not_asked_at_dispatch(patch: Patch) -> None:
    """Only a send's acceptance asks whether the recipient opted out."""
    patch.setattr(compliance, "is_opted_out", lambda *args: False)
    patch.setattr(
        compliance,
        "check_send",
        lambda db, number, party, outbound_sms: _refuse_if(
            db.get(schema.opt_outs, number["account_id"], number["id"], party) is not None
        ),
    )


def _refuse_if(refused: bool) -> None:
    if refused:
        raise RecipientOptedOut("opted out")


def carrier_told_before_it_is_stored(patch: Patch) -> None:
    """A text in is acknowledged to the carrier first and stored afterwards."""
    real = CarrierEvents._take

    async def take(self: Any, event: Any, owner: Any) -> None:
        tokens = [token for token, given in self._carrier._given.items() if given is event]
        await self._carrier.acknowledge(tokens)
        await real(self, event, owner)

    patch.setattr(CarrierEvents, "_take", take)


def bought_without_an_order(patch: Patch) -> None:
    """Whoever bought a number and died has not bought it, as far as the start knows."""

    async def nothing(*args: Any, **more: Any) -> int:
        return 0

    from ringback.numbers import jobs

    patch.setattr(jobs, "reconcile_orders", nothing)


def released_here_only(patch: Patch) -> None:
    """A release that did not reach the carrier is taken for done."""
    real = release_number.give_back

    async def give_back(store: Any, carrier: Any, order: Any) -> bool:
        done = await real(store, carrier, order)
        if not done:
            from ringback.numbers import service as numbers

            await store.write(lambda tx: numbers.close_order(tx, order["account_id"], order["id"]))
        return done

    patch.setattr(release_number, "give_back", give_back)


def lane_keeps_what_was_put_back(patch: Patch) -> None:
    """What is put back still counts as under way in its lane."""
    real = outbox._leave

    def leave(tx: Any, row: Any, *, done: int, ready_at: int | None) -> None:
        if done:
            real(tx, row, done=done, ready_at=ready_at)

    patch.setattr(outbox, "_leave", leave)


def number_of_another_account_taken(patch: Patch) -> None:
    """A number is looked up without its account."""
    from ringback.numbers import service as numbers

    any_number = Statement(select(schema.numbers).where(schema.numbers.c.id == bindparam("number_id")))

    def get_active(db: Any, account_id: str, number_id: str) -> Any:
        row = db.one(any_number, number_id=number_id)
        if row is None or row["status"] != "active":
            raise NumberNotFound("no such number")
        return row

    patch.setattr(numbers, "get_active", get_active)


def receipt_overrules_a_person(patch: Patch) -> None:
    """A receipt that comes after a text was settled by hand says otherwise, and is believed."""
    real = settle_text.apply_receipt

    def apply_receipt(tx: Any, message: Any, told: Any) -> None:
        real(tx, message, told)
        if messages.get(tx, message["account_id"], message["id"])["status"] != told.status:
            tx.update(schema.messages, message, status=told.status)

    patch.setattr(settle_text, "apply_receipt", apply_receipt)


def replayed_into_one_delivery(patch: Patch) -> None:
    """Of several events that a replay tells again only the first is planned."""
    real = webhooks.plan
    last: list[Any] = []

    def plan(tx: Any, event: Any, **more: Any) -> Any:
        again = more.get("position") is not None and last == [event.account_id]
        last[:] = [event.account_id] if more.get("position") is not None else []
        return None if again else real(tx, event, **more)

    patch.setattr(webhooks, "plan", plan)


def old_secret_signs_on(patch: Patch) -> None:
    """An endpoint's secret is remembered for ever."""
    real = Deliverer._secrets_of

    def secrets_of(self: Any, endpoint: Any) -> Any:
        kept = self.__dict__.setdefault("kept", {})
        return kept.setdefault((endpoint["account_id"], endpoint["scope"]), real(self, endpoint))

    patch.setattr(Deliverer, "_secrets_of", secrets_of)


FOUND: dict[Bug, int] = {
    acknowledged_before_the_commit: 101,
    leases_never_looked_at: 2,
    submitted_again_after_no_answer: 8,
    next_but_one_promoted: 0,
    nothing_promoted: 8,
    finished_without_token: 40,
    counted_again_when_repeated: 2,
    early_receipt_dropped: 2,
    key_kept_after_the_effect: 0,
    sequence_taken_before_the_gate: 7,
    status_goes_back: 4,
    webhook_given_up_after_a_crash: 10,
    payload_rendered_anew: 12,
    order_of_an_endpoint_forgotten: 2,
    called_failed_after_a_crash: 239,
    opt_out_not_asked_at_dispatch: 2,
    carrier_told_before_it_is_stored: 8,
    bought_without_an_order: 13,
    released_here_only: 13,
    lane_keeps_what_was_put_back: 2,
    number_of_another_account_taken: 1,
    receipt_overrules_a_person: 29,
    replayed_into_one_delivery: 11,
    old_secret_signs_on: 12,
}
"""Each bug, and the first seed whose world shows it."""
