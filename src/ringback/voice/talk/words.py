"""What words tell about turns: sentences, backchannels, and how much of a sentence was heard."""

import re
from collections.abc import Iterator

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|\n+")
_SHORTEST = 12
"""Characters that a piece has at least before it is cut: `Dr. Smith` stays in one."""
_WORD = re.compile(r"\S+")
_LETTERS = re.compile(r"[^a-z' ]+")
_BACKCHANNELS = {
    "ah", "aha", "alright", "exactly", "good", "got it", "great", "hm", "hmm", "i see", "interesting", "m", "mhm", "mm",
    "mm hm", "mm hmm", "mmm", "nice", "of course", "oh", "oh i see", "oh okay", "oh ok", "ok", "okay", "okay okay", "right",
    "right right", "sure", "true", "uh", "uh huh", "uh-huh", "uhuh", "uhhuh", "um", "wow", "yeah", "yeah yeah", "yep", "yes", "yup",
}  # fmt: skip
"""What a listener says to be heard listening, in lower case and without punctuation."""

_HUMMED = frozenset("hmn ")
"""What recognisers write of a hum: `mm`, and `M. H. N.` as well."""
_MISREAD = {"amen", "fight", "man", "mama", "mum", "um um"}
"""Words that Moonshine reads in hums and in a "Right.", and that nobody says to interrupt."""


def sentences(text: str) -> Iterator[str]:
    """`text` in pieces to be spoken one after another; joined they are `text`, white space and all."""
    start = at = 0
    for found in _SENTENCE_END.finditer(text):
        if found.end() - start >= _SHORTEST and text[start : found.end()].strip():
            at = found.end()
            yield text[start:at]
            start = at
    if start < len(text):
        yield text[start:]


def is_backchannel(text: str) -> bool:
    """Whether somebody who says this while another speaks only shows that they listen."""
    plain = " ".join(_LETTERS.sub(" ", text.lower().replace("-", " ")).split())
    return not plain or plain in _BACKCHANNELS | _MISREAD or set(plain) <= _HUMMED


def count_words(text: str) -> int:
    """How many words `text` has."""
    return len(text.split())


def heard_part(text: str, share: float) -> str:
    """The words of `text` that were heard whole when `share` (0 to 1) of its sound was."""
    if share >= 1:
        return text
    reach = len(text.rstrip()) * share
    end = 0
    for word in _WORD.finditer(text):
        if word.end() > reach:
            break
        end = word.end()
    return text[:end]
