"""How calls end: every reason, the status that it makes, and whose doing it is (contract: behaviour, "Ends of calls")."""

from dataclasses import dataclass
from typing import Literal, get_args

Status = Literal[
    "queued", "ringing", "in-progress", "completed", "failed", "busy", "no-answer", "canceled", "voicemail"
]
Side = Literal["caller", "agent", "webhook", "llm", "speech", "carrier", "ringback"]
"""Whose doing an ending is; `caller` is the person at the other end, whoever dialled."""
STATUSES: tuple[Status, ...] = get_args(Status)
SIDES: tuple[Side, ...] = get_args(Side)
QUEUED, RINGING, IN_PROGRESS = "queued", "ringing", "in-progress"
RANK: dict[str, int] = {QUEUED: 0, RINGING: 1, IN_PROGRESS: 2}
"""A status is only followed by one of a higher rank; those of calls that are over have the highest."""
OVER = 3


@dataclass(frozen=True, slots=True)
class Ending:
    """What a reason makes of a call that was answered, and of one that was not; and the side where none is told."""

    answered: Status
    unanswered: Status
    side: Side


def _always(status: Status, side: Side) -> Ending:
    return Ending(status, status, side)


ENDINGS: dict[str, Ending] = {
    "user_hangup": Ending("completed", "canceled", "caller"),
    "agent_hangup": Ending("completed", "canceled", "agent"),
    "call_transfer": _always("completed", "agent"),
    "voicemail_reached": _always("voicemail", "caller"),
    "inactivity": _always("completed", "caller"),
    "max_duration_reached": _always("completed", "ringback"),
    "no_answer": _always("no-answer", "caller"),
    "busy": _always("busy", "caller"),
    "declined": _always("failed", "caller"),
    "invalid_destination": _always("failed", "carrier"),
    "carrier_error": _always("failed", "carrier"),
    "webhook_error": _always("failed", "webhook"),
    "llm_error": _always("failed", "llm"),
    "speech_error": _always("failed", "speech"),
    "worker_lost": _always("failed", "ringback"),
    "api_end": Ending("completed", "canceled", "agent"),
}


def status_of(reason: str, *, answered: bool) -> Status:
    """The status of a call that ended for `reason`."""
    ending = ENDINGS[reason]
    return ending.answered if answered else ending.unanswered
