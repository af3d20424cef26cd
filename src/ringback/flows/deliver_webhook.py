"""The units of delivering webhooks: begin attempts, and store how each ended."""

from dataclasses import dataclass

from ringback.accounts import subs
from ringback.flows.render_webhook import render
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
VENDORS = Patience()


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt to make. `endpoint` is None when there is none to be made, which `gone` tells in words."""

    work: Claimed
    delivery: Row
    endpoint: Row | None
    gone: str | None = None


def begin(tx: Tx, *, most: int, token: str, lease_until: int, base: str) -> list[Job]:
    """Claim due deliveries. The payload is rendered at the first attempt and kept, so that every attempt is the same.

    `base` is where the server's own media are reached.
    """
    jobs: list[Job] = []
    for work in outbox.claim(tx, KIND, most=most, cap=CAP, token=token, lease_until=lease_until):
        delivery = tx.get(deliveries, work.account_id, work.subject_id)
        assert delivery is not None
        endpoint = _endpoint_of(tx, delivery)
        gone = None
        if endpoint is None:
            gone = f"the {'account' if subs.is_deleted(tx, work.account_id) else 'endpoint'} was deleted"
        elif endpoint["status"] == endpoints.DISABLED:
            endpoint, gone = None, endpoints.SWITCHED_OFF
        elif delivery["payload"] is None:
            delivery = tx.update(deliveries, delivery, payload=render(tx, delivery, endpoint, base))
        jobs.append(Job(work, delivery, endpoint, gone))
    return jobs


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
        if endpoint is not None:
            attempts.judge(tx, endpoint, ok=attempt.ok, patience=patience)
    if due is not None:
        outbox.put_back(tx, work, due_at=due)
        return
    outbox.finish(tx, work, more_in_chain=attempts.ends_chain(tx, endpoint, work))


def let_go(tx: Tx, work: Claimed) -> None:
    """The attempt's process died: it may be made again, since its receiver knows it by its id."""
    outbox.put_back(tx, work, due_at=tx.now, counted=False)
