"""The units of delivering webhooks: begin attempts, and store how each ended."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ringback.accounts import subs
from ringback.contacts import service as contacts
from ringback.flows.render_webhook import party_of, render
from ringback.storage import outbox, schema
from ringback.storage.outbox import Claimed
from ringback.storage.schema import deliveries
from ringback.storage.store import Need
from ringback.storage.tx import Reads, Row, Tx
from ringback.webhooks import attempts
from ringback.webhooks import service as endpoints
from ringback.webhooks.attempts import Attempt, Patience
from ringback.webhooks.service import KIND

CAP = 10
"""Attempts in flight to one endpoint."""
AHEAD = 90
"""Deliveries to a quick endpoint that are claimed at once besides, and wait for their turn: a claim costs much."""
VENDORS = Patience()


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt to make. `endpoint` is None when there is none to be made, which `gone` tells in words."""

    work: Claimed
    delivery: Row
    endpoint: Row | None
    payload: str = ""
    gone: str | None = None


def begin(
    tx: Tx, *, most: int, token: str, lease_until: int, base: str, quick: Collection[str] = ()
) -> list[Job]:
    """Claim due deliveries. The payload is rendered at the first attempt and kept, so that every attempt is the same.

    `base` is where the server's own media are reached; of the lanes in `quick` more are claimed than may be in flight.
    """
    claimed = outbox.claim(
        tx, KIND, most=most, cap=CAP, token=token, lease_until=lease_until, quick=quick, ahead=AHEAD
    )
    people = _read_ahead(tx, claimed)
    jobs = [_job(tx, work, base, people.get(work.account_id, {})) for work in claimed]
    # After all is read: a change between would be sent to the database by itself.
    for job in jobs:
        if job.endpoint is not None:
            tx.update(deliveries, job.delivery, payload=job.payload)
    return jobs


def _job(db: Reads, work: Claimed, base: str, people: Mapping[str, Row]) -> Job:
    delivery = db.get(deliveries, work.account_id, work.subject_id)
    assert delivery is not None
    endpoint = _endpoint_of(db, delivery)
    if endpoint is None:
        whose = "account" if subs.is_deleted(db, work.account_id) else "endpoint"
        return Job(work, delivery, None, gone=f"the {whose} was deleted")
    if endpoint["status"] == endpoints.DISABLED:
        return Job(work, delivery, None, gone=endpoints.SWITCHED_OFF)
    return Job(
        work, delivery, endpoint, payload=delivery["payload"] or render(db, delivery, endpoint, base, people)
    )


def _read_ahead(tx: Tx, claimed: list[Claimed]) -> dict[str, dict[str, Row]]:
    """Read what deliveries are rendered from, one statement a table; answers the contacts, by account and number."""
    keys = [(work.account_id, work.subject_id) for work in claimed]
    tx.read_ahead(schema.deliveries, keys)
    told = [row for key in keys if (row := tx.get(schema.deliveries, *key)) and row["payload"] is None]
    keys = [(row["account_id"], row["message_id"]) for row in told if row["message_id"] is not None]
    tx.read_ahead(schema.messages, keys)
    texts = [row for key in keys if (row := tx.get(schema.messages, *key))]
    tx.read_ahead(schema.conversations, [(row["account_id"], row["conversation_id"]) for row in texts])
    people: dict[str, set[str]] = {}
    for row in texts:
        people.setdefault(row["account_id"], set()).add(row["from_e164"])
    keys = [(row["account_id"], row["call_id"]) for row in told if row["call_id"] is not None]
    tx.read_ahead(schema.calls, keys)
    for key in keys:
        if (call := tx.get(schema.calls, *key)) is not None:
            people.setdefault(call["account_id"], set()).add(party_of(call))
    return {account: contacts.of_numbers(tx, account, numbers) for account, numbers in people.items()}


def _endpoint_of(db: Reads, delivery: Row) -> Row | None:
    """The endpoint that a delivery was planned for; None when it was deleted meanwhile, another one set or not."""
    endpoint = endpoints.get(db, delivery["account_id"], delivery["scope"])
    return endpoint if endpoint is not None and endpoint["id"] == delivery["webhook_id"] else None


def needs(job: Job) -> list[Need]:
    """The rows that `end` reads."""
    account_id = job.work.account_id
    return [
        (schema.outbox, (account_id, job.work.id)),
        (schema.deliveries, (account_id, job.delivery["id"])),
        (schema.webhooks, (account_id, job.delivery["scope"])),
    ]


def end(
    tx: Tx, work: Claimed, attempt: Attempt, *, give_up: bool = False, patience: Patience = VENDORS
) -> None:
    """Store how an attempt ended, and plan the next one; nothing when the lease went to somebody else.

    `give_up`: nothing was attempted and nothing will be.
    """
    if outbox.held(tx, work) is None:
        return
    delivery = tx.get(deliveries, work.account_id, work.subject_id)
    assert delivery is not None
    endpoint = _endpoint_of(tx, delivery)
    due = None
    if give_up:
        attempts.give_up(tx, delivery, attempt.error or "")
    else:
        due = attempts.note_attempt(tx, delivery, attempt, patience)
        if not attempt.ok:
            attempts.note_step(tx, delivery, attempt, number=delivery["attempts"] + 1)
        on = endpoint is None or attempts.judge(tx, endpoint, ok=attempt.ok, patience=patience)
        if due is not None and not on:
            due = tx.now
    if due is not None:
        outbox.put_back(tx, work, due_at=due)
        return
    outbox.finish(tx, work, more_in_chain=attempts.ends_chain(tx, endpoint, work))


def let_go(tx: Tx, work: Claimed) -> None:
    """The attempt's process died: it may be made again, since its receiver knows it by its id."""
    outbox.put_back(tx, work, due_at=tx.now, counted=False)
