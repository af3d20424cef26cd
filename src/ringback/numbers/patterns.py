"""What numbers for sale are searched by: digits in a row, gaps, and words that are typed on a phone's keys."""

from ringback.kit.faults import Invalid

MOST = 10
ONE = "^[ .()-]*([0-9A-Za-z*?][ .()-]*){1,10}$"
"""A regular expression for what `read_pattern` takes."""
_KEYS = {
    letter: str(2 + at)
    for at, letters in enumerate(["abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"])
    for letter in letters
}
"""The keys of a phone (ITU-T E.161)."""
_SPACING = " -.()"
_ANY = "*?"


def read_pattern(text: str) -> str:
    """The pattern as carriers take it, 1 to 10 digits and `*` for any one. Raises `Invalid`."""
    plain = [letter for letter in text.lower() if letter not in _SPACING]
    read = ["*" if letter in _ANY else _KEYS.get(letter, letter) for letter in plain]
    if any(one not in "0123456789*" for one in read):
        raise Invalid(
            "takes digits, letters of a phone's keys, and * for any digit", field="pattern", where="query"
        )
    if not 1 <= len(read) <= MOST:
        raise Invalid(f"takes 1 to {MOST} digits, such as 2266 or PIZZA", field="pattern", where="query")
    return "".join(read)
