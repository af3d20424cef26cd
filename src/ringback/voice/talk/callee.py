"""Who has answered a call that the agent made: a person, an answering machine, or a service that asks who calls.

Words decide. A machine's beep after a long greeting decides too; the length of what was said alone never does, as people
who answer for a company say long sentences. Somebody who has answered the agent twice is a person.
"""

import re

from ringback.voice.talk.reply import OPENING, Reply

WINDOW_MS = 45_000
"""How long after the answer a machine may still be found out."""
PICK_UP_WORDS = 6
"""More words than these are no "Hello?"."""
_GREETING_MS = 2_500
"""So long a greeting before a beep is a machine's, whatever was understood of it."""
_HEARD_MS = 700
"""Somebody who began to speak before they had heard so much of the agent does not speak about it."""
_FRESH_MS = 3_000
_REPLIES = 2
_MOST_NAMES = 2
"""How often the agent says who calls."""

_MACHINE = re.compile(
    r"\b(?:after|at|following) the (?:beep|tone|signal)\b"
    r"|(?<!like to )(?<!want to )(?<!care to )(?<!wish to )\bleave (?:me |us )?(?:an?|your|the)\b[^?]{0,40}?\b(?:message|name|voice ?mail)\b"
    r"|\brecord your (?:message|name after)\b|\bvoice ?mail(?:box)?\b|\bmail ?box\b|\banswering machine\b"
)
_MAYBE_MACHINE = (
    re.compile(r"\byou(?: have|'ve|ve)? reached\b"),
    re.compile(r"\b(?:(?:is|am|are|'m|'re|currently) (?:not available|unavailable)|not available)\b"),
    re.compile(r"\b(?:can ?not|can't|cant|unable to) (?:come to|take|answer|get to)\b"),
    re.compile(r"\b(?:call you back|return your call|get back to you)\b"),
)
"""Each of these a person may say; two of them they don't."""
_WHO = re.compile(
    r"\b(?:say|state|tell (?:me|us)|give (?:me|us)|record) your name\b|\byour name,? please\b"
    r"|\bwho(?:'s| is|s)? (?:this|calling|speaking)\b|\b(?:may|can) i ask who\b"
    r"|\bwhy (?:you are|you're|are you) calling\b|\b(?:reason|purpose) (?:for|of) (?:your|the|this) call\b"
    r"|\bwhat (?:is this|it is|it's|this is) (?:about|regarding)\b|\bscreening (?:service|your call|calls)\b"
)
_WAIT = re.compile(
    r"\b(?:one|a|just a) (?:moment|second|minute)\b|\bhold (?:on|the line|please)\b|\bplease (?:hold|wait|stay)\b"
    r"|\bstay on the line\b|\b(?:connecting|transferring|putting) you\b|\bif (?:they|he|she|this person)\b.*\bavailable\b"
)


def is_machine(text: str) -> bool:
    """Whether an answering machine says this."""
    plain = _plain(text)
    return bool(_MACHINE.search(plain)) or sum(bool(sign.search(plain)) for sign in _MAYBE_MACHINE) >= 2


def asks_who_calls(text: str) -> bool:
    """Whether somebody, or something, wants to know who calls and why."""
    return bool(_WHO.search(_plain(text)))


def asks_to_wait(text: str) -> bool:
    """Whether the one who answered fetches another."""
    return bool(_WAIT.search(_plain(text)))


def introduction(identity: str | None, purpose: str | None) -> str | None:
    """What the agent answers to who asks who calls; None if nothing is set."""
    who = f"This is {identity.strip().rstrip('.')}." if identity else ""
    why = f"I am calling for this reason: {purpose.strip().rstrip('.')}." if purpose else ""
    return " ".join(filter(None, (who, why))) or None


class Callee:
    """The one who was called, until it is clear who that is. Times are ms since the answer."""

    def __init__(self, introduction: str | None, greeting: str | None) -> None:
        self._introduction, self._greeting = introduction, greeting
        self._replies = 0
        self._names = 0
        self._picked_up = self._screened = False
        self.is_machine = False
        self.said = ""
        self.sign = ""
        """What gave it away."""
        self.voice_ms = 0
        """How long it has made a sound like a voice."""
        self.beep_ms: int | None = None
        """When the last beep was over."""

    def is_settled(self, now_ms: int) -> bool:
        """Whether nobody needs to wonder any more."""
        return self._replies >= _REPLIES or now_ms > WINDOW_MS

    def replied(self) -> None:
        """An answer to the callee was spoken to its end."""
        self._replies += 1

    def says(self, text: str, now_ms: int) -> bool:
        """What was said in the turn so far, or is known of what was said before a beep; whether it gives a machine away."""
        self.said = text
        if self.is_settled(now_ms) or asks_who_calls(text):
            return False
        if is_machine(text):
            self.sign = f"it said: {text.strip()}"
            return True
        beeped = self.beep_ms is not None and now_ms - self.beep_ms < _FRESH_MS
        self.sign = "it beeped after a long greeting"
        return beeped and not self._replies and self.voice_ms >= _GREETING_MS

    def picks_up(self, text: str, began_ms: int, reply: Reply | None) -> bool:
        """Whether `text`, said while the agent says its first words (`reply`), is only what one says into a telephone: it can't be about
        what nobody has heard yet."""
        if reply is None or reply.turn_id != OPENING or self._picked_up:
            return False
        if asks_who_calls(text) or len(text.split()) > PICK_UP_WORDS:
            return False
        self._picked_up = reply.started_ms is None or began_ms < reply.started_ms + _HEARD_MS
        return self._picked_up

    def answer(self, text: str) -> str | None:
        """What the agent says to this turn without a thought, "" for nothing at all; None if it has to think."""
        if asks_who_calls(text) and self._introduction and self._names < _MOST_NAMES:
            self._names += 1
            self._screened = True
            return self._introduction
        if not self._screened:
            return None
        if asks_to_wait(text):
            return ""
        self._screened = False
        # The one who was fetched has not heard the greeting.
        return self._greeting if len(text.split()) <= PICK_UP_WORDS else None


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("\u2019", "'").split())
