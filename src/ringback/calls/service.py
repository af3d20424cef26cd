"""The rules of calls: what is stored, and that a status never goes back."""

import json
from typing import Any

from ringback.calls.endings import ENDINGS, OVER, RANK, SIDES, status_of
from ringback.calls.errors import CallNotFound
from ringback.kit.blank import is_blank
from ringback.kit.wire import made_storable
from ringback.storage.schema import call_timelines, call_turns, calls
from ringback.storage.tx import Reads, Row, Tx

SNIPPET_CHARACTERS = 100
DETAIL_CHARACTERS = 500
LONGEST_TURN = 20_000
_TIMES = ("speech_end", "transcript", "brain_first", "audio_first", "interrupted")


def topic(call_id: str) -> str:
    """What wakes those who follow a call."""
    return f"call:{call_id}"


WAITING = "calls"
"""The topic that wakes voice hosts: a call is queued, or its end is asked for."""


def get(db: Reads, account_id: str, call_id: str) -> Row:
    """A call of this account. Raises `CallNotFound`."""
    row = db.get(calls, account_id, call_id)
    if row is None:
        raise CallNotFound(f"there is no call {call_id[:64]}")
    return row


def is_over(call: Row) -> bool:
    return call["ended_at"] is not None


def asked_of(call: Row) -> dict[str, Any]:
    """What was set for this call alone."""
    found: dict[str, Any] = json.loads(call["asked"])
    return found


def add(
    tx: Tx,
    account_id: str,
    *,
    direction: str,
    status: str,
    agent_id: str | None,
    number: Row | None,
    from_: str,
    to: str,
    brain: str,
    record: bool,
    asked: dict[str, Any] | None = None,
    **more: Any,
) -> Row:
    """A new call. `number` is ours, if there is one; `more` are further columns."""
    return tx.insert(
        calls,
        account_id=account_id,
        id=tx.new_id("call"),
        direction=direction,
        status=status,
        agent_id=agent_id,
        number_id=number and number["id"],
        number_e164=number and number["e164"],
        from_e164=from_,
        to_e164=to,
        brain=brain,
        record=int(record),
        asked=json.dumps({name: value for name, value in (asked or {}).items() if value is not None}),
        carrier=number["carrier"] if number else "web",
        created_at=tx.now,
        request_id=tx.request_id,
        **more,
    )


def advance(tx: Tx, call: Row, status: str, **more: Any) -> Row | None:
    """Move a living call on to `status`; None where it is there already, or further."""
    if is_over(call) or RANK[status] <= RANK[call["status"]]:
        return None
    return tx.update(calls, call, status=status, **more)


def end(
    tx: Tx, call: Row, reason: str, *, side: str | None, detail: str | None, real_at: int | None
) -> Row | None:
    """End a living call; None where it is over already.

    The status follows from the reason and whether the call was answered. `real_at` is when, in real time (ms).
    """
    if is_over(call):
        return None
    begun = call["answered_real"]
    talked_ms = 0 if begun is None or real_at is None else max(0, real_at - begun)
    return tx.update(
        calls,
        call,
        status=status_of(reason, answered=begun is not None),
        reason=reason,
        side=side if side in SIDES else ENDINGS[reason].side,
        detail=None if detail is None else made_storable(detail)[:DETAIL_CHARACTERS],
        ended_at=tx.now,
        duration_s=-(-talked_ms // 1000),
    )


def add_turn(
    tx: Tx,
    call: Row,
    *,
    turn_id: str,
    role: str,
    text: str,
    confidence: float | None,
    started_ms: int | None,
    ended_ms: int | None,
) -> tuple[Row, Row] | None:
    """Something was said; answers the call and the turn, or None where nothing was."""
    text = made_storable(text)[:LONGEST_TURN]
    if is_blank(text):
        return None
    n = call["turns"] + 1
    turn = tx.insert(
        call_turns,
        account_id=call["account_id"],
        call_id=call["id"],
        n=n,
        id=tx.new_id("turn"),
        turn_id=turn_id,
        role=role,
        text=text,
        confidence_e4=None if confidence is None else round(min(1.0, max(0.0, confidence)) * 10_000),
        started_ms=started_ms,
        ended_ms=ended_ms,
        created_at=tx.now,
    )
    return tx.update(calls, call, turns=n, last_snippet=text[:SNIPPET_CHARACTERS]), turn


def heard(tx: Tx, call: Row, n: int) -> Row:
    """Event `n` of its child is applied."""
    return tx.update(calls, call, last_n=n)


def note_recording(tx: Tx, call: Row, *, ms: int) -> bool:
    """The recording of a call is there; False where there was to be none, or it is known already."""
    if not call["record"] or call["recording"] is not None:
        return False
    tx.update(calls, call, recording="available", recording_ms=ms)
    return True


def note_times(tx: Tx, call: Row, turn_id: str, times: dict[str, Any]) -> None:
    """Keep when the steps of a turn were reached (ms since the answer); what is not given stays."""
    given = {name: int(times[name]) for name in _TIMES if times.get(name) is not None}
    row = tx.get(call_timelines, call["account_id"], call["id"], turn_id)
    if row is None:
        tx.insert(call_timelines, account_id=call["account_id"], call_id=call["id"], turn_id=turn_id, **given)
    else:
        tx.update(call_timelines, row, **given)


def rank(call: Row) -> int:
    """How far a call is."""
    return OVER if is_over(call) else RANK[call["status"]]
