"""What media children tell of their calls, applied once and only forward."""

from collections.abc import Callable, Mapping
from typing import Any

from ringback.accounts import subs
from ringback.calls import service as calls
from ringback.calls import store as call_store
from ringback.calls.endings import ENDINGS, IN_PROGRESS, RINGING
from ringback.events.log import record
from ringback.flows.voice_facts import endpoint_that_is_on
from ringback.kit.ids import is_id
from ringback.storage.tx import Row, Tx
from ringback.usage import service as usage
from ringback.webhooks import service as webhooks
from ringback.webhooks import turns

CALL_ENDED, TURN = "agent.call_ended", "agent.message"
VOICE = "voice"


def apply(tx: Tx, account_id: str, event: Mapping[str, Any], *, child: str | None = None) -> bool:
    """Apply one event of a child (`{call, n, type, at, ...}`); whether it changed anything.

    An event that was applied before, one of a call that is over, and one of a `child` that does not hold the call any
    more change nothing, and may be acknowledged like any other. Raises `CallNotFound`.
    """
    call = calls.get(tx, account_id, event["call"])
    if calls.is_over(call) or event["n"] <= call["last_n"]:
        return False
    if child is not None and call["child"] not in (None, child):
        return False
    # What follows from a call is told under the request that caused it.
    tx.request_id = tx.request_id or call["request_id"]
    call = calls.heard(tx, call, event["n"])
    step = _STEPS.get(event["type"])
    if step is not None:
        step(tx, call, event)
        tx.wake(calls.topic(call["id"]))
    return True


def finish(
    tx: Tx, call: Row, reason: str, *, side: str | None, detail: str | None, real_at: int | None
) -> Row | None:
    """End a living call, count it, and plan what its endpoint is told, once; None where it is over already."""
    ended = calls.end(tx, call, reason, side=side, detail=detail, real_at=real_at)
    if ended is None:
        return None
    usage.count_call_seconds(tx, ended)
    if subs.is_deleted(tx, ended["account_id"]):
        # What was recorded after the account was deleted, whose call could not end at once.
        call_store.erase_recordings(tx, ended["account_id"])
    event = record(
        tx,
        ended["account_id"],
        "call.ended",
        about_agent=ended["agent_id"],
        callId=ended["id"],
        status=ended["status"],
        reason=ended["reason"],
        side=ended["side"],
        durationSeconds=ended["duration_s"],
    )
    planned = webhooks.plan(
        tx,
        event,
        event_type=CALL_ENDED,
        channel=VOICE,
        agent_id=ended["agent_id"],
        message_id=None,
        call_id=ended["id"],
    )
    if planned is not None:
        usage.count_call_webhook(tx, ended)
    tx.wake(calls.topic(ended["id"]))
    return ended


def _ringing(tx: Tx, call: Row, event: Mapping[str, Any]) -> None:
    moved = calls.advance(tx, call, RINGING, ringing_at=tx.now)
    if moved is not None:
        record(
            tx,
            call["account_id"],
            "call.ringing",
            about_agent=call["agent_id"],
            callId=call["id"],
            numberId=call["number_id"],
            direction=call["direction"],
        )


def _answered(tx: Tx, call: Row, event: Mapping[str, Any]) -> None:
    moved = calls.advance(tx, call, IN_PROGRESS, answered_at=tx.now, answered_real=event["at"])
    if moved is not None:
        record(tx, call["account_id"], "call.answered", about_agent=call["agent_id"], callId=call["id"])


def _turn(tx: Tx, call: Row, event: Mapping[str, Any]) -> None:
    added = calls.add_turn(
        tx,
        call,
        turn_id=event["turn_id"],
        role=event["role"],
        text=event["text"],
        confidence=event.get("confidence"),
        started_ms=event.get("started_ms"),
        ended_ms=event.get("ended_ms"),
    )
    if added is not None:
        call, turn = added
        record(
            tx,
            call["account_id"],
            "call.turn",
            about_agent=call["agent_id"],
            callId=call["id"],
            turnId=turn["id"],
            role=turn["role"],
        )


def _timeline(tx: Tx, call: Row, event: Mapping[str, Any]) -> None:
    calls.note_times(tx, call, event["turn_id"], dict(event))


def _hook(tx: Tx, call: Row, event: Mapping[str, Any]) -> None:
    """A turn that was posted: listed with the other deliveries, and over already."""
    status, error = event.get("http_status"), event.get("error")
    well = status is not None and 200 <= status < 300 and error is None
    named = event.get("delivery_id")
    turns.note(
        tx,
        call,
        endpoint_that_is_on(tx, call["account_id"], call["agent_id"]),
        delivery_id=named if isinstance(named, str) and is_id(named, "whd") else tx.new_id("whd"),
        event_type=TURN,
        ok=bool(event.get("ok", well)),
        http_status=status,
        error=error,
        answer=event.get("answer"),
        elapsed_ms=event.get("ms"),
    )
    usage.count_call_webhook(tx, call)


def _recording(tx: Tx, call: Row, event: Mapping[str, Any]) -> None:
    if calls.note_recording(tx, call, ms=event["ms"]):
        record(tx, call["account_id"], "recording.available", about_agent=call["agent_id"], callId=call["id"])


def _ended(tx: Tx, call: Row, event: Mapping[str, Any]) -> None:
    reason = event["reason"] if event["reason"] in ENDINGS else "worker_lost"
    detail = event.get("detail")
    if reason != event["reason"]:
        detail = f"its worker told an unknown reason, {event['reason']!r:.60}"
    finish(tx, call, reason, side=event.get("side"), detail=detail, real_at=event["at"])


_STEPS: dict[str, Callable[[Tx, Row, Mapping[str, Any]], None]] = {
    "ringing": _ringing,
    "answered": _answered,
    "turn": _turn,
    "timeline": _timeline,
    "hook": _hook,
    "recording": _recording,
    "ended": _ended,
}
