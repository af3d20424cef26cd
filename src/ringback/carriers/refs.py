"""The forms in which carriers write one message id.

A submit may be answered with `1A2B` and its receipt speak of `00001a2b`, or of `6699`, which is the same number in
decimal (SMPP 3.4 leaves the form open, and carriers use several). A UUID is the number that it writes, with or without
its dashes. Blanks around an id are padding. An id that is no number has one form only, since in some of them capitals
tell two ids apart.
"""

import re
import string

_PADDING = string.whitespace + "\0"
_UUID = re.compile(r"([0-9a-fA-F]{8})-([0-9a-fA-F]{4})-([0-9a-fA-F]{4})-([0-9a-fA-F]{4})-([0-9a-fA-F]{12})")
_NUMBER = re.compile(r"(?:0[xX])?([0-9a-fA-F]{1,40})")
_LOCAL_DIGITS = 7
"""From here on the end of a telephone number tells it from others."""


def trimmed(ref: str) -> str:
    """The id without what it is padded with."""
    return ref.strip(_PADDING)


def canonical(ref: str) -> str | None:
    """The id in lower case, without padding, `0x`, a UUID's dashes and leading zeros; None for one that is no number."""
    ref = trimmed(ref)
    uuid = _UUID.fullmatch(ref)
    found = _NUMBER.fullmatch("".join(uuid.groups()) if uuid else ref)
    return None if found is None else found[1].lower().lstrip("0") or "0"


def numbers_in(ref: str) -> tuple[str, ...]:
    """The numbers that an id can mean, in decimal: read as hexadecimal and, where it has no letters, as decimal.

    Two ids can be the same in different forms only if they share one of these.
    """
    text = canonical(ref)
    if text is None:
        return ()
    as_hex = str(int(text, 16))
    return (as_hex, text) if text.isdecimal() and text != as_hex else (as_hex,)


def is_same_phone(one: str | None, other: str | None) -> bool:
    """Whether two spellings may be of one telephone number; not told is no contradiction."""
    if one is None or other is None:
        return True
    a, b = _digits(one), _digits(other)
    if min(len(a), len(b)) < _LOCAL_DIGITS:
        return a == b
    return a.endswith(b) or b.endswith(a)


def _digits(spelled: str) -> str:
    return "".join(character for character in spelled if character.isdecimal())
