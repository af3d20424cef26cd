"""How attempts end: what is kept of one, when the next is due, and when an endpoint counts as dead."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import bindparam, update

from ringback.events import steps
from ringback.events.log import record
from ringback.kit.chance import chance
from ringback.storage import outbox as lanes_of
from ringback.storage.schema import deliveries, lanes, outbox, webhooks
from ringback.storage.statements import Statement
from ringback.storage.tx import Row, Tx
from ringback.webhooks.service import ACTIVE, DISABLED, KIND, count, tell_end

SCHEDULES = {
    "vendor": (5_000, 30_000, 300_000, 1_800_000, 7_200_000),
    "three-days": (
        5_000,
        30_000,
        300_000,
        1_800_000,
        7_200_000,
        18_000_000,
        *[28_800_000] * 8,
    ),
}
"""The waits before the second and further attempts of a series, before jitter (ms)."""
JITTER = 0.2
LONGEST_RETRY_AFTER_MS = 3_600_000
"""How far an endpoint may move the next attempt away by `Retry-After`."""
DAY_MS = 86_400_000
_NOTED_MS = 3_600_000
"""How often the row of an endpoint that fails is written: a busy one fails a thousand times a second."""
KEPT_ANSWER_BYTES = 4096

_DUE_NOW = Statement(
    update(outbox)
    .where(
        outbox.c.account_id == bindparam("of_account"),
        outbox.c.lane_id == bindparam("of_lane"),
        outbox.c.state == lanes_of.READY,
        outbox.c.due_at > bindparam("at"),
    )
    .values(due_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a delivery is tried (`schedule`, waits in ms), and after what time (ms) of failures an endpoint is
    switched off; None never does it."""

    schedule: tuple[int, ...] = SCHEDULES["vendor"]
    disable_after_ms: int | None = 5 * DAY_MS


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt ended; `http_status` None when no answer came.

    `failure` says in one word why none came, and `waited_ms` how long that took; `retry_after_s` is what the endpoint asked
    for, `side` whose the failure is.
    """

    ok: bool
    http_status: int | None
    error: str | None
    body: str | None
    elapsed_ms: int | None
    failure: str | None = None
    retry_after_s: int | None = None
    side: Literal["you", "endpoint"] = "endpoint"
    waited_ms: int | None = None


def retry_wait_ms(
    schedule: tuple[int, ...], delivery_id: str, attempts: int, *, before: int = 0
) -> int | None:
    """How long to wait after the `attempts`-th failed attempt, `before` of which were of earlier series; None when that
    was the last."""
    in_series = attempts - before
    if in_series > len(schedule):
        return None
    wait = schedule[in_series - 1]
    return int(wait * (1 + JITTER * (2 * chance(0, delivery_id, attempts) - 1)))


def note_attempt(tx: Tx, row: Row, attempt: Attempt, patience: Patience) -> int | None:
    """Store how an attempt ended; answers when (clock) the next is due, None when there is none.

    The payload of a delivery that failed is kept, so that a redelivery is the same to the byte.
    """
    attempts = row["attempts"] + 1
    wait = None
    if not attempt.ok:
        wait = retry_wait_ms(patience.schedule, row["id"], attempts, before=row["attempts_before"])
    if wait is not None and attempt.retry_after_s is not None:
        wait = max(wait, min(attempt.retry_after_s * 1000, LONGEST_RETRY_AFTER_MS))
    due = None if wait is None else tx.now + wait
    status = "delivered" if attempt.ok else "failed" if due is None else "pending"
    row = tx.update(
        deliveries,
        row,
        attempts=attempts,
        status=status,
        http_status=attempt.http_status,
        error_message=attempt.error,
        response_body=attempt.body,
        response_ms=attempt.elapsed_ms,
        last_attempt_at=tx.now,
        next_retry_at=due,
        delivered_at=tx.now if attempt.ok else None,
        payload=None if attempt.ok else row["payload"],
    )
    if due is None:
        _end(tx, row)
    return due


def give_up(tx: Tx, row: Row, why: str) -> None:
    """Nothing was attempted and nothing will be."""
    _end(tx, tx.update(deliveries, row, status="failed", error_message=why, next_retry_at=None))


def _end(tx: Tx, row: Row) -> None:
    count(tx, row, row["status"])
    tell_end(tx, row, row["status"])


def note_step(tx: Tx, row: Row, attempt: Attempt, *, number: int) -> None:
    """Let the story of the delivery's message show an attempt that failed, its `number` counting from 1."""
    code = attempt.failure if attempt.http_status is None else str(attempt.http_status)
    steps.note(
        tx,
        row["account_id"],
        row["id"],
        "attempt-failed",
        attempt=number,
        code=code,
        side=attempt.side,
        detail=attempt.error,
        took_ms=attempt.waited_ms if attempt.elapsed_ms is None else attempt.elapsed_ms,
    )


def judge(tx: Tx, endpoint: Row, *, ok: bool, patience: Patience) -> bool:
    """Follow an endpoint's health; answers whether it is still on.

    One whose every attempt failed for as long as `patience` has is switched off: an event tells of it, and what waits
    for it has its turn now, to fail. A day without an attempt says nothing of the endpoint, so that its time begins anew.
    """
    if endpoint["status"] != ACTIVE:
        return False
    if ok:
        tx.update(webhooks, endpoint, failing_since=None, last_failed_at=None)
        return True
    since, last, longest = endpoint["failing_since"], endpoint["last_failed_at"], patience.disable_after_ms
    if since is None or last is None or tx.now - last > DAY_MS + _NOTED_MS:
        tx.update(webhooks, endpoint, failing_since=tx.now, last_failed_at=tx.now)
        return True
    if tx.now - last >= _NOTED_MS:
        endpoint = tx.update(webhooks, endpoint, last_failed_at=tx.now)
    if longest is None or tx.now - since < longest:
        return True
    tx.update(webhooks, endpoint, status=DISABLED, disabled_at=tx.now)
    account_id, lane_id = endpoint["account_id"], lanes_of.lane_for_endpoint(endpoint["id"])
    record(tx, account_id, "webhook.disabled", webhookId=endpoint["id"], agentId=endpoint["scope"] or None)
    tx.later(_DUE_NOW, outbox, of_account=account_id, of_lane=lane_id, at=tx.now)
    tx.adjust(lanes, id=lane_id, account_id=account_id, kind=KIND, next_at=tx.now)
    tx.wake(KIND)
    return False


def note_test(tx: Tx, endpoint: Row, *, ok: bool) -> Row:
    """An endpoint was tested: the time of its failures is over, or begins if it had not. A test switches nothing off or on,
    and says nothing of an address that was set meanwhile."""
    now = tx.get(webhooks, endpoint["account_id"], endpoint["scope"])
    if now is None or (now["id"], now["url"]) != (endpoint["id"], endpoint["url"]) or now["status"] != ACTIVE:
        return endpoint
    if ok:
        return tx.update(webhooks, now, failing_since=None, last_failed_at=None)
    if now["failing_since"] is not None:
        return now
    return tx.update(webhooks, now, failing_since=tx.now, last_failed_at=tx.now)


def ends_chain(tx: Tx, endpoint: Row | None, work: lanes_of.Claimed) -> bool:
    """Note that one of an ordered endpoint's open deliveries is over; whether others may wait behind it."""
    if work.chain is None:
        return False
    if endpoint is None:
        return True
    left = endpoint["unsent"] - 1
    tx.update(webhooks, endpoint, unsent=left)
    return bool(left > 0)
