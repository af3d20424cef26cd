"""What a call that is over is measured and traced as: after the commit, by the process that ended it."""

import contextlib
from collections.abc import Iterator, Sequence

from ringback.calls import service as calls
from ringback.calls import store as call_store
from ringback.kit import measures, trace
from ringback.kit.clock import real_ms
from ringback.kit.faults import Fault
from ringback.storage.store import Store
from ringback.storage.tx import Row

_PARTS = (
    ("hear", "speech_end", "transcript"),
    ("think", "transcript", "brain_first"),
    ("speak", "brain_first", "audio_first"),
)
"""The parts of a reply: what each is called, and between which steps of a turn's timeline it lies."""
_STEPS = ("speech_end", "transcript", "brain_first", "audio_first")


async def note_end(store: Store, account_id: str, call_id: str) -> None:
    """Count and trace a call that has just ended, once. A store that can't be read now costs the figures, no more."""
    with contextlib.suppress(Fault):
        call = await store.read(lambda db: calls.get(db, account_id, call_id))
        times = await store.read(lambda db: call_store.times(db, call))
        _measure(call, times)
        if trace.tracer is not None:
            _trace(call, times)


def _measure(call: Row, times: Sequence[Row]) -> None:
    measures.CALLS_ENDED.add(call["direction"], call["status"], call["reason"], call["side"])
    measures.CALL_LENGTHS.add(float(call["duration_s"]), call["direction"])
    for turn in times:
        if turn["speech_end"] is not None and turn["audio_first"] is not None:
            measures.CALL_REPLIES.add(_seconds(turn["speech_end"], turn["audio_first"]), call["brain"])
        for part, begun, ended in _parts_of(turn):
            measures.CALL_REPLY_PARTS.add(_seconds(begun, ended), call["brain"], part)


def _seconds(begun_ms: int, ended_ms: int) -> float:
    return max(0, ended_ms - begun_ms) / 1000


def _parts_of(turn: Row) -> Iterator[tuple[str, int, int]]:
    for part, begun, ended in _PARTS:
        if turn[begun] is not None and turn[ended] is not None:
            yield part, turn[begun], turn[ended]


def _trace(call: Row, times: Sequence[Row]) -> None:
    """A span of the call from its answer to its end, in it one of each turn, and in these the parts of the reply."""
    answered = call["answered_real"]
    ended = real_ms()
    work = call["request_id"] or call["id"]
    trace.past(
        "call",
        "server",
        work,
        ended if answered is None else answered,
        ended,
        name_of=call["id"],
        failed=call["reason"] if call["status"] == "failed" else None,
        ringback__call_id=call["id"],
        ringback__direction=call["direction"],
        ringback__carrier=call["carrier"],
        ringback__brain=call["brain"],
        ringback__status=call["status"],
        ringback__reason=call["reason"],
        ringback__side=call["side"],
        ringback__resumed=call["resumed"],
    )
    if answered is None:
        return
    for turn in times:
        reached = [turn[step] for step in _STEPS if turn[step] is not None]
        if not reached:
            continue
        turn_id = f"{call['id']}/{turn['turn_id']}"
        cut = {} if turn["interrupted"] is None else {"ringback__interrupted_ms": turn["interrupted"]}
        begun, last = answered + min(reached), answered + max(reached)
        trace.past("turn", "server", work, begun, last, name_of=turn_id, under=call["id"], **cut)
        for part, from_ms, to_ms in _parts_of(turn):
            trace.past(part, "server", work, answered + from_ms, answered + to_ms, under=turn_id)
