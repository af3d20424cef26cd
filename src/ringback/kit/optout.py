"""Opt-out words: the STOP, START and HELP that a person texts (47 CFR 64.1200(a)(10), CTIA Messaging Principles)."""

import unicodedata
from typing import Literal

from ringback.kit.blank import is_invisible

Word = Literal["stop", "start", "help"]

MAX_LENGTH = 256
"""Characters, without surrounding white space, past which a body is no opt-out word."""

_WORDS: dict[str, Word] = {
    "stop": "stop",
    "stopall": "stop",
    "unsubscribe": "stop",
    "cancel": "stop",
    "end": "stop",
    "quit": "stop",
    "revoke": "stop",
    "optout": "stop",
    "opt out": "stop",
    "opt-out": "stop",
    "start": "start",
    "unstop": "start",
    "help": "help",
    "info": "help",
}
_LONGEST = max(map(len, _WORDS))
_HYPHENS = str.maketrans(dict.fromkeys("‐‒–—−", "-"))


def opt_out_word(body: str) -> Word | None:
    """Which wish a whole text is, or None for any other text; a word inside a sentence is none.

    Case, surrounding white space, characters at the edges that are neither letters nor digits (punctuation,
    quotes, emoji), zero-width characters and fullwidth forms are ignored. `OPT OUT` and `OPT-OUT` may be
    written with any space and any hyphen.
    """
    text = body.strip()
    if len(text) > MAX_LENGTH:
        return None
    seen = "".join(ch for ch in text if not is_invisible(ch))
    folded = unicodedata.normalize("NFKC", seen).casefold()
    word = " ".join(_without_edges(folded).translate(_HYPHENS).split())
    return _WORDS.get(word) if len(word) <= _LONGEST else None


def _without_edges(text: str) -> str:
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return text[start:end]
