"""The whole story of a message: what happened to it and to its webhooks, when, and whose side a failure was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ringback.carriers.codes import meaning_of
from ringback.events.steps import Kind, steps_of
from ringback.messages import service as messages
from ringback.storage.tx import Reads, Row
from ringback.webhooks import store as webhooks

MOST_DELIVERIES = 50
_ENDS = ("refused", "expired", "failed")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, at `at` (clock ms); `delivery_id` where it is of a webhook that tells of the message."""

    kind: Kind
    at: int
    attempt: int | None = None
    code: str | None = None
    side: str | None = None
    detail: str | None = None
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message failed: whose side it was, the carrier's code, and a sentence."""

    side: str
    code: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Story:
    """A message with its steps in the order in which they happened."""

    message: Row
    steps: Sequence[Step]
    failure: Failure | None


def story_of(db: Reads, account_id: str, message_id: str) -> Story:
    """The story of a message of this account. Raises `MessageNotFound`."""
    message = messages.get(db, account_id, message_id)
    kept = [_kept(row) for row in steps_of(db, account_id, message_id)]
    told = [*_later(message, kept), *kept]
    for delivery in webhooks.of_message(db, account_id, message_id, limit=MOST_DELIVERIES):
        told += _of_delivery(delivery, steps_of(db, account_id, delivery["id"]))
    told.sort(key=lambda step: step.at)
    # A number's messages have times of their own, which may be some milliseconds ahead of the clock.
    began = min(message["at"], *[step.at for step in told]) if told else message["at"]
    first = Step("received" if message["direction"] == "inbound" else "queued", began)
    return Story(message, [first, *told], _failure(message, kept))


def _kept(row: Row, delivery_id: str | None = None) -> Step:
    return Step(row["kind"], row["at"], row["attempt"], row["code"], row["side"], row["detail"], delivery_id)


def _later(message: Row, kept: Sequence[Step]) -> Iterator[Step]:
    """What the message itself tells of its way."""
    if message["sent_at"] is not None:
        retries = sum(step.kind == "retry" for step in kept)
        yield Step("sent", message["sent_at"], attempt=retries + 1)
    by_hand = any(step.kind == "settled" for step in kept)
    if message["delivered_at"] is not None and not by_hand:
        yield Step("delivered", message["delivered_at"])


def _of_delivery(delivery: Row, kept: Sequence[Row]) -> Iterator[Step]:
    """What became of one webhook: planned, what the steps of its attempts say, and its end."""
    delivery_id, attempts = delivery["id"], delivery["attempts"]
    yield Step(
        "webhook-planned", delivery["created_at"], detail=delivery["event_type"], delivery_id=delivery_id
    )
    yield from [_kept(row, delivery_id) for row in kept]
    code = None if delivery["http_status"] is None else str(delivery["http_status"])
    if delivery["status"] == "delivered":
        yield Step("webhook-delivered", delivery["delivered_at"], attempts, code, delivery_id=delivery_id)
    elif delivery["status"] == "failed":
        at = delivery["last_attempt_at"] or delivery["created_at"]
        why = delivery["error_message"]
        yield Step("webhook-failed", at, attempts, code, "endpoint", why, delivery_id)


def _failure(message: Row, kept: Sequence[Step]) -> Failure | None:
    if message["status"] != "failed":
        return None
    code, meaning = message["error_code"], meaning_of(message["error_code"])
    sides = [step.side for step in kept if step.kind in _ENDS and step.side is not None]
    return Failure(sides[-1] if sides else meaning.side, code, message["failure_reason"] or meaning.why)
