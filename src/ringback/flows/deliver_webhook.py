"""The units of delivering webhooks: begin attempts, and store how each ended."""

from dataclasses import dataclass

from ringback.accounts import subs
from ringback.events.log import record
from ringback.flows.render_webhook import render_message
from ringback.storage import outbox
from ringback.storage.outbox import Claimed
from ringback.storage.schema import deliveries
from ringback.storage.tx import Row, Tx
from ringback.webhooks import service as webhooks
from ringback.webhooks.service import KIND, Attempt

CAP = 10
"""Attempts in flight to one endpoint."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt to make. `endpoint` is None when it was deleted meanwhile, which `gone` tells in words."""

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
        endpoint = webhooks.get(tx, work.account_id, delivery["scope"])
        if endpoint is not None and endpoint["id"] != delivery["webhook_id"]:
            endpoint = None
        if endpoint is not None and delivery["payload"] is None:
            delivery = tx.update(deliveries, delivery, payload=render_message(tx, delivery, base))
        jobs.append(Job(work, delivery, endpoint, _gone(tx, work.account_id) if endpoint is None else None))
    return jobs


def _gone(tx: Tx, account_id: str) -> str:
    return f"the {'account' if subs.is_deleted(tx, account_id) else 'endpoint'} was deleted"


def end(tx: Tx, work: Claimed, attempt: Attempt, *, give_up: bool = False) -> None:
    """Store how an attempt ended, and plan the next one; nothing when the lease went to somebody else."""
    if outbox.held(tx, work) is None:
        return
    delivery = tx.get(deliveries, work.account_id, work.subject_id)
    assert delivery is not None
    due = webhooks.note_attempt(tx, delivery, attempt, give_up=give_up)
    if due is not None:
        outbox.put_back(tx, work, due_at=due)
        return
    outbox.finish(tx, work)
    became = "delivered" if attempt.ok else "failed"
    record(
        tx,
        work.account_id,
        f"webhook.{became}",
        {f"deliveries_{became}": 1},
        deliveryId=delivery["id"],
        messageId=delivery["message_id"],
    )


def let_go(tx: Tx, work: Claimed) -> None:
    """The attempt's process died: it may be made again, since its receiver knows it by its id."""
    outbox.put_back(tx, work, due_at=tx.now, counted=False)
