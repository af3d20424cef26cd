"""What an account's queue of texts looks like: how deep, how old, and when it is expected to be empty."""

from collections.abc import Iterable

from ringback.flows.pace_texts import Paces, all_gone_at
from ringback.kit.pace import Pace, day_of
from ringback.kit.times import to_iso
from ringback.storage import paces
from ringback.storage.tx import Reads, Row
from ringback.usage import store
from ringback.usage.schemas import CampaignQueue, NumberQueue, QueueUsage


def queue_of(db: Reads, told: Paces, account_id: str, now: int) -> QueueUsage:
    """The queue of this moment. Only numbers whose texts wait are in it."""
    lanes = store.queues(db, account_id)
    numbers = [_number(db, told, lane, now) for lane in lanes]
    return QueueUsage(
        depth=sum(number.depth for number in numbers),
        oldest_age_seconds=max(
            (number.oldest_age_seconds for number in numbers if number.oldest_age_seconds is not None),
            default=None,
        ),
        expected_end_at=max(
            (number.expected_end_at for number in numbers if number.expected_end_at), default=None
        ),
        campaign=_campaign(db, told, lanes, now),
        numbers=numbers,
    )


def _number(db: Reads, told: Paces, lane: Row, now: int) -> NumberQueue:
    paced = told.of_number(lane)
    oldest = store.oldest_queued(db, lane["account_id"], lane["lane_id"])
    return NumberQueue(
        number_id=lane["id"],
        phone_number=lane["e164"],
        depth=lane["backlog"],
        oldest_age_seconds=None if oldest is None else max(0, now - oldest) // 1000,
        expected_end_at=None if paced is None else _end(db, lane["account_id"], *paced, now),
    )


def _end(db: Reads, account_id: str, pace_id: str, pace: Pace, now: int) -> str | None:
    at = all_gone_at(db, account_id, pace_id, pace, now)
    return None if at is None else to_iso(at)


def _campaign(db: Reads, told: Paces, lanes: Iterable[Row], now: int) -> CampaignQueue | None:
    """The pace that numbers share, if one holds texts of theirs."""
    for lane in lanes:
        paced = told.of_number(lane)
        if paced is not None and paced[1].scope == "campaign":
            pace_id, pace = paced
            waiting = paces.waiting_for(db, lane["account_id"], pace_id)
            spent = paces.spent_of(db, lane["account_id"], pace_id).on(day_of(now)[0])
            return CampaignQueue(
                depth=waiting.texts,
                segments=waiting.segments,
                messages_per_second=pace.messages_per_second,
                segments_a_day=pace.segments_a_day,
                segments_today=spent.segments,
                tmobile_a_day=pace.tmobile_a_day,
                tmobile_today=spent.tmobile,
                expected_end_at=_end(db, lane["account_id"], pace_id, pace, now),
            )
    return None
