"""Telephone numbers in a query string."""

import re

from ringback.kit import phone

_LOST_PLUS = re.compile(r" \d+", re.ASCII)


def queried_number(typed: str) -> str:
    """The number in E.164. Raises `phone.InvalidNumber`.

    A `+` that a client did not encode arrives as a space, which is how forms write one.
    """
    if _LOST_PLUS.fullmatch(typed):
        try:
            return phone.normalise(f"+{typed[1:]}")
        except phone.InvalidNumber:
            pass
    return phone.normalise(typed)
