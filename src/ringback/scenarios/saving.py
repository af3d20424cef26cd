"""From a call that is over to a scenario: what its phone did, and what came of it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import ceil
from typing import Any

from ringback.scenarios.file import VERSION, Expect, Match, Phone, Scenario, ScenarioError, Turn
from ringback.scenarios.judging import words

_REACTION_MS = 300
"""How long a phone takes from the answer to its first step, whatever its script says."""
_SHORTEST_SILENCE_MS, _LONGEST_SILENCE_MS = 400, 5_000
_HANGS_UP_AFTER_MS = 1_000
_BREATH_MS = 500
"""A caller who is silent for less draws breath: what comes then is said in one go."""
_REPEATS = 3
"""So many words in a row that the caller said before are an agent's own no more."""
_SLOWER, _SLOWER_MS = 1.5, 300
"""How much slower than it was an answer may be: another machine, another day."""
_KEYS = re.compile(r"[0-9*#A-D]{1,100}", re.ASCII)
_UNANSWERED: dict[str, Phone] = {
    "busy": "busy",
    "declined": "declines",
    "no_answer": "no-answer",
    "invalid_destination": "unreachable",
}
"""What a phone does whose call ends for these reasons."""


def scenario_of(call: Mapping[str, Any], transcript: Mapping[str, Any]) -> Scenario:
    """The scenario of a call and its transcript, as `/v1` answers them. Raises `ScenarioError`."""
    if call["endedAt"] is None:
        raise ScenarioError(f"the call {call['id']} is not over: save it when it is")
    if call["direction"] == "web":
        raise ScenarioError("a call from a browser can't be played again: no phone made it")
    inbound = call["direction"] == "inbound"
    story = call["ringback"]
    said = list(_in_one_go(transcript["transcript"]))
    answers: Phone = "manual"
    if story["answeredAt"] is None:
        if inbound or call["disconnectionReason"] not in _UNANSWERED:
            raise ScenarioError(
                f"the call {call['id']} was never answered ({call['disconnectionReason']}): nothing to play"
            )
        answers = _UNANSWERED[call["disconnectionReason"]]
    return Scenario(
        version=VERSION,
        call=call["id"],
        direction="inbound" if inbound else "outbound",
        agent=call["agentId"],
        number=call["phoneNumber"],
        phone=call["fromNumber"] if inbound else call["toNumber"],
        answers=answers,
        steps=_steps(said, call["disconnectionReason"]),
        expect=Expect(
            status=call["status"],
            reason=call["disconnectionReason"],
            side=story["endingSide"],
            brain=story["brain"],
            seconds=round((call["durationSeconds"] or 0) * _SLOWER + 5),
            replyMs=_slowest(story["timeline"]),
            turns=_turns(said, story["brain"]),
        ),
    )


def _in_one_go(said: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What was said, with the pieces in one that a caller spoke with a breath between them."""
    before: Mapping[str, Any] | None = None
    for turn in said:
        if before is not None and _goes_on(before, turn):
            content = f"{before['content']} {turn['content']}"
            times = {**before["ringback"], "endMs": turn["ringback"]["endMs"]}
            before = {**before, "content": content, "ringback": times}
            continue
        if before is not None:
            yield before
        before = turn
    if before is not None:
        yield before


def _goes_on(before: Mapping[str, Any], turn: Mapping[str, Any]) -> bool:
    ended, begun = before["ringback"]["endMs"], turn["ringback"]["startMs"]
    return (
        before["role"] == turn["role"] == "user"
        and not any(_KEYS.fullmatch(one["content"]) for one in (before, turn))
        and ended is not None
        and begun is not None
        and begun - ended < _BREATH_MS
    )


def _steps(said: Sequence[Mapping[str, Any]], reason: str) -> list[dict[str, Any]]:
    """What the phone did: it spoke when it had been silent for so long, or into what the agent said."""
    steps: list[dict[str, Any]] = []
    for before, turn in pairwise([None, *said]):
        if turn is None or turn["role"] != "user":
            continue
        wait, spoken = _before(before, turn), turn["content"]
        if _KEYS.fullmatch(spoken):
            steps += [wait, {"dtmf": spoken}]
        elif "interruptAfterMs" in wait:
            steps.append({**wait, "say": spoken})
        else:
            steps += [wait, {"say": spoken}]
    if reason == "user_hangup":
        last_is_agent = bool(said) and said[-1]["role"] == "agent"
        wait_for = "waitForSilenceMs" if last_is_agent else "pauseMs"
        steps += [{wait_for: _HANGS_UP_AFTER_MS}, {"hangup": True}]
    return steps


def _before(before: Mapping[str, Any] | None, turn: Mapping[str, Any]) -> dict[str, Any]:
    begun = turn["ringback"]["startMs"] or 0
    if before is None:
        return {"pauseMs": max(0, begun - _REACTION_MS)}
    start, end = before["ringback"]["startMs"] or 0, before["ringback"]["endMs"] or 0
    if before["role"] == "user":
        return {"pauseMs": max(0, begun - end)}
    if begun < end:
        return {"interruptAfterMs": max(0, begun - start)}
    return {"waitForSilenceMs": min(max(begun - end, _SHORTEST_SILENCE_MS), _LONGEST_SILENCE_MS)}


def _turns(said: Sequence[Mapping[str, Any]], brain: str) -> list[Turn]:
    """What is to be said. A model says it in other words each time, and what was cut off is cut off elsewhere; what repeats
    the caller is as near to it as it was heard."""
    turns = []
    heard: list[str] = []
    for turn, after in pairwise([*said, None]):
        assert turn is not None
        match: Match | None = None
        is_agent = turn["role"] == "agent"
        times = turn["ringback"]
        if not is_agent:
            heard.append(turn["content"])
        elif brain == "hosted":
            match = "any"
        else:
            was_cut = after is not None and after["role"] == "user" and _cut(times, after["ringback"])
            repeats = bool(heard) if brain == "demo" else _repeats(turn["content"], heard)
            match = _MATCH[repeats, was_cut]
        turns.append(
            Turn(
                agent=turn["content"] if is_agent else None,
                caller=None if is_agent else turn["content"],
                match=match,
                startMs=times["startMs"],
                endMs=times["endMs"],
            )
        )
    return turns


_MATCH: dict[tuple[bool, bool], Match | None] = {
    (False, False): None,
    (False, True): "begins",
    (True, False): "alike",
    (True, True): "any",
}
"""How near an agent's turn must be, by whether it repeats the caller, and whether it was cut off."""


def _repeats(text: str, heard: Sequence[str]) -> bool:
    """Whether it has words in a row that the caller said before: so many, or all that was said in one go."""
    found = words(text)
    for one in map(words, heard):
        size = min(_REPEATS, len(one))
        runs = {tuple(one[at : at + size]) for at in range(len(one) - size + 1)} if size else set()
        if any(tuple(found[at : at + size]) in runs for at in range(len(found) - size + 1)):
            return True
    return False


def _cut(times: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return times["endMs"] is not None and after["startMs"] is not None and after["startMs"] < times["endMs"]


def _slowest(timeline: Sequence[Mapping[str, Any]]) -> int | None:
    """The most that a reply may take, from how long the slowest took."""
    took = [turn["replyMs"] for turn in timeline if turn["replyMs"] is not None]
    return ceil((max(took) * _SLOWER + _SLOWER_MS) / 100) * 100 if took else None
