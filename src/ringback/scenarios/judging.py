"""Whether a call is what a scenario expects, line by line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import Any

from ringback.scenarios.file import Expect, Match, Turn

_ALIKE = 0.6
"""How many words of two texts must be in both for them to be alike: ears err, and not always in the same way."""
_STRICTEST_FIRST: tuple[Match, ...] = ("same", "contains", "begins", "alike", "any")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to hold: `what` it is of, and what was found."""

    ok: bool
    what: str
    found: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A scenario that was played. `call` and its `transcript` are as `/v1` answers them."""

    call: Mapping[str, Any]
    transcript: Sequence[Mapping[str, Any]]
    checks: Sequence[Check]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return all(check.ok for check in self.checks)

    def report(self) -> str:
        """What holds and what does not, for people: a line each."""
        wide = max((len(check.what) for check in self.checks), default=0)
        lines = [
            f"  {'ok  ' if check.ok else 'FAIL'}  {check.what.ljust(wide)}  {check.found}".rstrip()
            for check in self.checks
        ]
        wrong = sum(not check.ok for check in self.checks)
        told = f"{wrong} of {len(lines)} do not hold" if wrong else f"all {len(lines)} hold"
        return "\n".join([f"{self.call['id']}: {told}", *lines])


def judge(expect: Expect, call: Mapping[str, Any], said: Sequence[Mapping[str, Any]]) -> list[Check]:
    """Hold a call and its transcript against what is expected."""
    story = call["ringback"]
    found = {
        "status": call["status"],
        "reason": call["disconnectionReason"],
        "side": story["endingSide"],
        "brain": story["brain"],
    }
    checks = []
    for name, is_so in found.items():
        wanted = getattr(expect, name)
        if wanted is not None:
            told = str(is_so) if is_so == wanted else f"{is_so}, and not {wanted}"
            if name == "reason" and is_so != wanted and story["endingDetail"]:
                told += f": {story['endingDetail']}"
            checks.append(Check(is_so == wanted, name, told))
    if expect.turns is not None:
        checks += _of_turns(expect.turns, said)
    if expect.replyMs is not None:
        took = [turn["replyMs"] for turn in story["timeline"] if turn["replyMs"] is not None]
        told = f"the slowest took {max(took)} ms" if took else "nothing was answered"
        ok = bool(took) and max(took) <= expect.replyMs
        checks.append(Check(ok, "replies", f"{told}, {expect.replyMs} at most"))
    if expect.seconds is not None:
        lasted = call["durationSeconds"] or 0
        checks.append(Check(lasted <= expect.seconds, "length", f"{lasted} s, {expect.seconds:g} at most"))
    return checks


def _of_turns(turns: Sequence[Turn], said: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    """What one side says in several turns is one: where a pause parts them is chance. The least that is asked of one of
    them holds for all."""
    wanted = [(role, list(group)) for role, group in groupby(turns, key=lambda turn: turn.role)]
    role_of = {"user": "caller", "agent": "agent"}
    found = [
        (role, " ".join(turn["content"] for turn in group))
        for role, group in groupby(said, key=lambda turn: role_of[turn["role"]])
    ]
    for n, (expected, heard) in enumerate(zip_longest(wanted, found), start=1):
        if expected is None:
            assert heard is not None
            yield Check(False, f"{n} {heard[0]}", f"said more than expected: {heard[1]!r}")
            continue
        role, group = expected
        text = " ".join(turn.text for turn in group)
        if heard is None:
            yield Check(False, f"{n} {role}", f"did not say {text!r}")
            continue
        how = max((turn.how for turn in group), key=_STRICTEST_FIRST.index)
        ok = heard[0] == role and is_match(how, text, heard[1])
        told = repr(heard[1]) if ok else f"{heard[0]} said {heard[1]!r}, and not {role} {text!r}"
        yield Check(ok, f"{n} {role}", told)


def is_match(how: Match, wanted: str, found: str) -> bool:
    """Whether `found` is `wanted` as nearly as asked; case and punctuation count for nothing."""
    expected, heard = words(wanted), words(found)
    if how == "any":
        return True
    if how == "same":
        return expected == heard
    if how == "begins":
        least = min(len(expected), len(heard))
        return least > 0 and expected[:least] == heard[:least]
    if how == "contains":
        return f" {' '.join(expected)} " in f" {' '.join(heard)} "
    return SequenceMatcher(None, expected, heard, autojunk=False).ratio() >= _ALIKE


def words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return _WORD.findall(text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
