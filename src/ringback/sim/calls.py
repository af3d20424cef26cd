"""Calls as handsets see them: who called whom, what became of it, and the words of both sides."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ringback.kit.times import to_iso
from ringback.sim import faults, handsets, inventory, plans
from ringback.sim.errors import (
    BadInput,
    CallNotFound,
    CallState,
    HandsetInCall,
    HandsetOffline,
    HandsetWithoutVoice,
)
from ringback.sim.handsets import Handset
from ringback.sim.unit import Unit, to_json

LIVING = ("dialing", "ringing", "in-progress")
_ACTS = {
    "answer": ("ringing",),
    "decline": ("ringing",),
    "dtmf": ("in-progress",),
    "talk": LIVING,
}
_COLUMNS = "*, id IN (SELECT call_id FROM held_calls) AS live"
UNREACHABLE = {"kind": "fail", "reason": "unreachable", "code": 404}
OUT = {"kind": "fail", "reason": "carrier_error", "code": 503}


@dataclass(frozen=True, slots=True)
class Word:
    """What one side said, in ms since the answer. `who` is `handset` or `other`."""

    who: str
    text: str
    start_ms: int
    end_ms: int
    confidence: float | None


@dataclass(frozen=True, slots=True)
class HandsetCall:
    """One call of one handset. `live` while a person holds it; `trouble` is what kept it from speaking or hearing."""

    id: str
    handset_id: str
    direction: str
    sender: str
    recipient: str
    status: str
    reason: str | None
    script: list[dict[str, Any]]
    record: bool
    has_audio: bool
    started_ms: int
    answered_ms: int | None
    ended_ms: int | None
    duration_ms: int | None
    words: list[Word]
    digits: str
    trouble: str | None
    live: bool

    @property
    def is_over(self) -> bool:
        return self.ended_ms is not None


def place(
    unit: Unit,
    handset_id: str,
    to: str,
    script: Sequence[dict[str, Any]],
    record: bool,
    *,
    live: bool = False,
    somebody_listens: bool,
) -> tuple[HandsetCall, HandsetCall | None, dict[str, Any]]:
    """A handset calls `to` (E.164), `live` for a person: its call, that of the handset at the other end, and who that end is.

    A script may have its handset in several calls. A person is in one: until that is over the phone makes no other.
    """
    handset = handsets.find(unit, handset_id)
    if not handset.online:
        raise HandsetOffline("The handset is offline and can't call")
    if "voice" not in handset.capabilities:
        raise HandsetWithoutVoice("the handset has no capability voice and can't call")
    if to == handset.e164:
        raise BadInput("to", "is the handset's own number")
    _check_free(unit, handset_id)
    call = _add(unit, handset, "out", handset.e164, to, script, record)
    if live:
        call = hold(unit, call.id)
    other, callee = route(unit, handset.e164, to, somebody_listens=somebody_listens, ref=call.id)
    return call, other, callee


def route(
    unit: Unit, sender: str, to: str, *, somebody_listens: bool, ref: str | None = None
) -> tuple[HandsetCall | None, dict[str, Any]]:
    """Who has the number `to`, in the exchange's words: a handset, a server (under `ref` or a new one), or nobody."""
    if faults.is_out(unit):
        return None, OUT
    state = inventory.line_state(unit, to)
    if state == "held":
        if not somebody_listens:
            return None, UNREACHABLE
        return None, {"kind": "ours", "ref": ref or unit.ids.new("nc")}
    handset = handsets.by_number(unit, to)
    if handset is None:
        country = plans.country_of(to)
        if state is not None or unit.handsets == "strict" or country is None:
            return None, UNREACHABLE
        handset = handsets.create(unit, e164=to, country=country)
    if not handset.online or "voice" not in handset.capabilities:
        return None, UNREACHABLE
    call = _add(unit, handset, "in", sender, to, (), True)
    return call, {
        "kind": "handset",
        "call": call.id,
        "name": handset.name,
        "manner": handset.call_personality if _held(unit, handset.id) is None else "busy",
    }


def find(unit: Unit, call_id: str) -> HandsetCall:
    """One call; `CallNotFound`."""
    row = unit.one(f"SELECT {_COLUMNS} FROM calls WHERE id = ?", call_id)
    if row is None:
        raise CallNotFound("No such call")
    return _call(row)


def page(
    unit: Unit, handset_id: str, limit: int, offset: int, status: str | None = None
) -> tuple[list[HandsetCall], int]:
    """A handset's calls, newest first, and how many there are; with `status` those that are so now, `living` all not over."""
    handsets.find(unit, handset_id)
    where, values = "handset_id = ?", [handset_id]
    if status == "living":
        where = f"{where} AND ended_ms IS NULL"
    elif status is not None:
        where, values = f"{where} AND status = ?", [handset_id, status]
    rows = unit.all(
        f"SELECT {_COLUMNS} FROM calls WHERE {where} ORDER BY seq DESC LIMIT ? OFFSET ?",
        *values,
        limit,
        offset,
    )
    total = unit.one(f"SELECT count(*) AS n FROM calls WHERE {where}", *values)
    return [_call(row) for row in rows], int(total["n"]) if total else 0


def check_act(unit: Unit, call_id: str, what: str) -> HandsetCall:
    """The call, if its handset can do this now; else `CallState`, or `HandsetInCall` where a person is in another call.

    To hang up is right at any time: both ends may.
    """
    call = find(unit, call_id)
    if what == "hangup":
        return call
    if call.status not in _ACTS[what] or (what in ("answer", "decline") and call.direction == "out"):
        raise CallState(f"The call is {call.status}, so the handset can't {what}")
    if what in ("answer", "talk"):
        _check_free(unit, call.handset_id, call_id)
    return call


def hold(unit: Unit, call_id: str) -> HandsetCall:
    """A person has the handset in this call from now on. Raises what `check_act` does."""
    call = check_act(unit, call_id, "talk")
    unit.run("INSERT OR IGNORE INTO held_calls (call_id, handset_id) VALUES (?, ?)", call_id, call.handset_id)
    return find(unit, call_id)


def _held(unit: Unit, handset_id: str) -> str | None:
    """The call in which a person has this handset."""
    row = unit.one("SELECT call_id FROM held_calls WHERE handset_id = ?", handset_id)
    return str(row["call_id"]) if row else None


def _check_free(unit: Unit, handset_id: str, call_id: str | None = None) -> None:
    """`HandsetInCall` if a person has the handset in a call other than this."""
    held = _held(unit, handset_id)
    if held not in (None, call_id):
        raise HandsetInCall(f"A person is on this phone, in call {held}: hang that up first")


def apply(unit: Unit, events: Sequence[dict[str, Any]]) -> None:
    """Store what the exchange tells of calls; what is stored already changes nothing."""
    for event in events:
        row = unit.one(
            "UPDATE calls SET last_n = ? WHERE id = ? AND last_n < ? AND ended_ms IS NULL RETURNING *",
            event["n"],
            event["call"],
            event["n"],
        )
        if row is not None:
            _APPLY[event["type"]](unit, row, event["data"])
            unit.log_woken = True


def lose(unit: Unit, living: Collection[str] = ()) -> int:
    """End the calls that no exchange carries any more: all that live but those in `living`."""
    rows = [row for row in unit.all("SELECT * FROM calls WHERE ended_ms IS NULL") if row["id"] not in living]
    for row in rows:
        _ended(unit, row, {"status": "failed", "reason": "lost", "durationMs": None, "hasAudio": False})
    return len(rows)


def _add(
    unit: Unit,
    handset: Handset,
    direction: str,
    sender: str,
    recipient: str,
    script: Sequence[dict[str, Any]],
    record: bool,
) -> HandsetCall:
    call_id = unit.ids.new("hsc")
    unit.run(
        "INSERT INTO calls (id, handset_id, direction, sender, recipient, status, script, record, started_ms)"
        " VALUES (?, ?, ?, ?, ?, 'dialing', ?, ?, ?)",
        call_id,
        handset.id,
        direction,
        sender,
        recipient,
        to_json(list(script)),
        int(record),
        unit.now,
    )
    call = find(unit, call_id)
    if direction == "out":
        _log(unit, call)
    return call


def _set(unit: Unit, row: dict[str, Any], **changes: Any) -> None:
    columns = ", ".join(f"{name} = ?" for name in changes)
    unit.run(f"UPDATE calls SET {columns} WHERE id = ?", *changes.values(), row["id"])
    if "status" in changes:
        _log(unit, find(unit, row["id"]))


def _ringing(unit: Unit, row: dict[str, Any], data: dict[str, Any]) -> None:
    if row["status"] == "dialing":
        _set(unit, row, status="ringing")


def _answered(unit: Unit, row: dict[str, Any], data: dict[str, Any]) -> None:
    _set(unit, row, status="in-progress", answered_ms=unit.now)


def _word(unit: Unit, row: dict[str, Any], data: dict[str, Any]) -> None:
    unit.run(
        "UPDATE calls SET words = json_insert(words, '$[#]', json(?)) WHERE id = ?", to_json(data), row["id"]
    )
    _log(unit, find(unit, row["id"]), word=data)


def _digit(unit: Unit, row: dict[str, Any], data: dict[str, Any]) -> None:
    unit.run("UPDATE calls SET digits = digits || ? WHERE id = ?", data["key"], row["id"])


def _trouble(unit: Unit, row: dict[str, Any], data: dict[str, Any]) -> None:
    _set(unit, row, trouble=data["text"][:1000])


def _ended(unit: Unit, row: dict[str, Any], data: dict[str, Any]) -> None:
    unit.run("DELETE FROM held_calls WHERE call_id = ?", row["id"])
    _set(
        unit,
        row,
        status=data["status"],
        reason=data["reason"],
        ended_ms=unit.now,
        duration_ms=data["durationMs"] if row["answered_ms"] is not None else None,
        has_audio=int(data["hasAudio"]),
    )


_APPLY = {
    "ringing": _ringing,
    "answered": _answered,
    "word": _word,
    "digit": _digit,
    "trouble": _trouble,
    "ended": _ended,
}


def _log(unit: Unit, call: HandsetCall, **more: Any) -> None:
    told: dict[str, Any] = {
        "callId": call.id,
        "direction": call.direction,
        "from": call.sender,
        "to": call.recipient,
        "status": call.status,
        "at": to_iso(unit.now),
    }
    unit.log(call.handset_id, "call", "", told | ({"reason": call.reason} if call.reason else {}) | more)


def _call(row: dict[str, Any]) -> HandsetCall:
    words = [
        Word(one["who"], one["text"], one["startMs"], one["endMs"], one["confidence"])
        for one in json.loads(row["words"])
    ]
    return HandsetCall(
        row["id"],
        row["handset_id"],
        row["direction"],
        row["sender"],
        row["recipient"],
        row["status"],
        row["reason"],
        json.loads(row["script"]),
        bool(row["record"]),
        bool(row["has_audio"]),
        row["started_ms"],
        row["answered_ms"],
        row["ended_ms"],
        row["duration_ms"],
        sorted(words, key=lambda word: (word.start_ms, word.end_ms)),
        row["digits"],
        row["trouble"],
        bool(row["live"]),
    )
