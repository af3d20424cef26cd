"""Beginning to hand texts over: the gate once more, since a person may have opted out while a text was queued."""

from collections.abc import Sequence
from dataclasses import dataclass

from ringback.compliance import service as compliance
from ringback.flows.media_room import MediaRoom, Sender, sender_of_media
from ringback.flows.pace_texts import PaceGate, Paces
from ringback.flows.send_text import KIND
from ringback.messages import service as messages
from ringback.numbers import service as numbers
from ringback.storage import outbox, schema
from ringback.storage.outbox import Claimed
from ringback.storage.tx import Reads, Row, Tx


@dataclass(frozen=True, slots=True)
class Job:
    """One text to hand over, or why it must not be: a code and a reason. `media`: who sends media with it."""

    work: Claimed
    message: Row
    refusal: tuple[str, str] | None = None
    media: Sender | None = None


def begin(
    tx: Tx,
    *,
    carrier: str,
    told: Paces,
    room: MediaRoom,
    most: int,
    cap: int,
    token: str,
    lease_until: int,
    late_ns: int,
) -> tuple[list[Job], list[Sender]]:
    """Claim due texts of one carrier, as its paces and the room for media allow; and tell who has to wait for room.

    See `paces.Gate` of `late_ns`.
    """
    refusals: dict[str, tuple[str, str] | None] = {}
    plan = room.plan()
    waiting: dict[str, Sender] = {}

    def refuses(tx: Tx, row: Row) -> tuple[str, str] | None:
        if row["id"] not in refusals:
            message = messages.get(tx, row["account_id"], row["subject_id"])
            refusals[row["id"]] = _refusal(tx, message)
        return refusals[row["id"]]

    def must_wait(tx: Tx, row: Row) -> bool:
        message = messages.get(tx, row["account_id"], row["subject_id"])
        sender = sender_of_media(tx, row["lane_id"], message)
        if sender is None or plan.enter(sender):
            return False
        waiting[sender.lane_id] = sender
        return True

    def look_at(tx: Tx, rows: Sequence[Row]) -> None:
        _read_ahead(tx, [(row["account_id"], row["subject_id"]) for row in rows])

    claimed = outbox.claim(
        tx,
        KIND,
        carrier=carrier,
        most=most,
        cap=cap,
        token=token,
        lease_until=lease_until,
        gate=PaceGate(
            told,
            refuses,
            look_at=look_at,
            watches=lambda lane: plan.watches(lane["account_id"]),
            must_wait=must_wait,
            late_ns=late_ns,
        ),
    )
    _read_ahead(tx, [(work.account_id, work.subject_id) for work in claimed])
    jobs: list[Job] = []
    for work in claimed:
        message = messages.get(tx, work.account_id, work.subject_id)
        refusal = refusals[work.id] if work.id in refusals else _refusal(tx, message)
        media = None if refusal else sender_of_media(tx, work.lane_id, message)
        jobs.append(Job(work, message, refusal, media))
    return jobs, list(waiting.values())


def _read_ahead(tx: Tx, keys: Sequence[tuple[str, str]]) -> None:
    """Read texts (by account and id), and what the gate asks about them, in three trips however many they are."""
    tx.read_ahead(schema.messages, keys)
    texts = [message for key in keys if (message := tx.get(schema.messages, *key)) is not None]
    tx.read_ahead(schema.numbers, [(text["account_id"], text["number_id"]) for text in texts])
    tx.read_ahead(
        schema.opt_outs, [(text["account_id"], text["number_id"], text["to_e164"]) for text in texts]
    )


def _refusal(db: Reads, message: Row) -> tuple[str, str] | None:
    number = numbers.get(db, message["account_id"], message["number_id"])
    if number["status"] != "active":
        return "PHONE_NUMBER_RELEASED", "the number was released while the text was queued"
    opted_out = compliance.is_opted_out(db, number["account_id"], number["id"], message["to_e164"])
    if opted_out and not message["despite_opt_out"]:
        return "RECIPIENT_OPTED_OUT", "the recipient opted out while the text was queued"
    return None
