"""A call as its page tells it: turns with what the caller waited for, and what happened, in plain words."""

from dataclasses import dataclass
from statistics import median
from typing import Any

from ringback.doors.console import view
from ringback.doors.console.words import ending_words, side_words

SLOW_MS = 1_200
_FULL_MS = 2_000
"""What fills a latency bar."""
_NEAR_MS = 1_500


@dataclass(slots=True)
class Turn:
    """`at_ms` since the answer. `bar` are the shares of 100 for hearing, thinking and speaking; None where nobody waited."""

    role: str
    text: str
    at_ms: int | None
    reply_ms: int | None = None
    bar: tuple[float, float, float] | None = None
    slow: bool = False


@dataclass(slots=True)
class Story:
    turns: list[Turn]
    happened: list[tuple[str, str]]
    """When (as it is shown) and what."""
    verdict: str
    state: str
    advice: str
    median_ms: int | None
    slowest_ms: int | None


def story_of(call: dict[str, Any], transcript: dict[str, Any]) -> Story:
    """From `GET /v1/calls/{id}` and its transcript."""
    times = call["ringback"]["timeline"]
    turns = [
        Turn(said["role"], said["content"], said["ringback"]["startMs"]) for said in transcript["transcript"]
    ]
    for turn in turns:
        if turn.role == "agent" and turn.at_ms is not None:
            _time(turn, times)
    replies = [entry["replyMs"] for entry in times if entry["replyMs"] is not None]
    slowest = max(replies, default=None)
    state, verdict = _verdict(call)
    return Story(
        turns,
        _happened(call, times, turns),
        verdict,
        state,
        _advice(call, times, slowest),
        round(median(replies)) if replies else None,
        slowest,
    )


def _time(turn: Turn, times: list[dict[str, Any]]) -> None:
    at = turn.at_ms or 0
    near = [entry for entry in times if entry["audioFirstMs"] is not None and entry["replyMs"] is not None]
    found = min(near, key=lambda entry: abs(entry["audioFirstMs"] - at), default=None)
    if found is None or abs(found["audioFirstMs"] - at) > _NEAR_MS:
        return
    turn.reply_ms = found["replyMs"]
    turn.slow = found["replyMs"] > SLOW_MS
    ended, begun = found["speechEndMs"], found["audioFirstMs"]
    heard = found["transcriptMs"] if found["transcriptMs"] is not None else ended
    thought = found["brainFirstMs"] if found["brainFirstMs"] is not None else begun
    steps = (heard - ended, thought - heard, begun - thought)
    hearing, thinking, speaking = (round(max(0, min(_FULL_MS, step)) / _FULL_MS * 100, 1) for step in steps)
    turn.bar = (hearing, thinking, speaking)


def _happened(call: dict[str, Any], times: list[dict[str, Any]], turns: list[Turn]) -> list[tuple[str, str]]:
    started = view.millis(call["startedAt"])
    answered = call["ringback"]["answeredAt"]
    offset = view.millis(answered) - started if answered else 0
    came = {"inbound": "Call reached Ringback", "outbound": "Call was made", "web": "A page opened the call"}
    found: list[tuple[int, str]] = [(0, came[call["direction"]])]
    if answered:
        found.append(
            (offset, "Agent picked up" if call["direction"] != "outbound" else "The person answered")
        )
    spoke = [turn.at_ms for turn in turns if turn.role == "agent" and turn.at_ms is not None]
    if spoke:
        found.append((offset + min(spoke), "First word of the agent"))
    for entry in times:
        if entry["interruptedMs"] is not None:
            found.append((offset + entry["interruptedMs"], "The person interrupted, and the agent stopped"))
        if entry["replyMs"] is not None and entry["replyMs"] > SLOW_MS:
            found.append((offset + entry["audioFirstMs"], f"A reply took {view.seconds(entry['replyMs'])}"))
    if call["ringback"]["resumed"]:
        found.append((offset, f"Its worker died and another took over ({call['ringback']['resumed']})"))
    if call["endedAt"]:
        found.append((view.millis(call["endedAt"]) - started, ending_words(call["disconnectionReason"])))
    return [(f"{at / 1000:,.3f} s", what) for at, what in sorted(found)]


def _verdict(call: dict[str, Any]) -> tuple[str, str]:
    if not call["endedAt"]:
        return "good", "Going on"
    if call["status"] in ("completed", "voicemail"):
        return "good", "Ended normally"
    if call["status"] in ("busy", "no-answer", "canceled"):
        return "warn", ending_words(call["disconnectionReason"])
    return "bad", side_words(call["ringback"]["endingSide"])


def _advice(call: dict[str, Any], times: list[dict[str, Any]], slowest: int | None) -> str:
    if call["ringback"]["endingDetail"]:
        return str(call["ringback"]["endingDetail"])
    if slowest is None or slowest <= SLOW_MS:
        return ""
    worst = max(
        (entry for entry in times if entry["replyMs"] is not None), key=lambda entry: entry["replyMs"]
    )
    heard, thought = worst["transcriptMs"], worst["brainFirstMs"]
    slow = sum(entry["replyMs"] is not None and entry["replyMs"] > SLOW_MS for entry in times)
    said = "One slow reply" if slow == 1 else f"{slow} slow replies"
    if heard is None or thought is None:
        return f"{said}."
    whose = {"webhook": "your webhook", "hosted": "the language model"}.get(
        call["ringback"]["brain"], "the brain"
    )
    if thought - heard >= (worst["replyMs"] / 2):
        return f"{said}. In the worst, {whose} took {view.seconds(thought - heard)}; aim for under 500 ms."
    return f"{said}. In the worst, hearing and speaking took {view.seconds(worst['replyMs'] - (thought - heard))}."
