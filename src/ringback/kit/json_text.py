"""Reading JSON that somebody else wrote: what is none, and what is nested deep, is a `ValueError` and nothing else.

Python reads some 900 levels and breaks with a `RecursionError` beyond; what it could just read breaks whoever writes it
again from a deeper place. Nothing that means something has 64.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final

MAX_NESTING: Final = 64
_STEPS = re.compile(r'"((?:[^"\\]|\\.)*+)(?:"|\Z)|[\[\]{}]', re.DOTALL)
_DEEPEST_NAME = 100


class TooDeep(ValueError):
    """Arrays and objects in each other, beyond `MAX_NESTING`. `field` is the outermost object's that holds them."""

    def __init__(self, field: str | None) -> None:
        super().__init__(f"nested deeper than {MAX_NESTING} levels")
        self.field = field


def loads(text: str | bytes, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """The value of a JSON text. Raises `ValueError`, of which `TooDeep` is one."""
    try:
        value = json.loads(text, parse_constant=parse_constant)
    except RecursionError:
        raise TooDeep(_field_of(text)) from None
    brackets = (
        text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    )
    if brackets > MAX_NESTING and nested_beyond(value, MAX_NESTING):
        raise TooDeep(_field_of(text))
    return value


def nested_beyond(value: Any, limit: int) -> bool:
    """Whether arrays and objects are nested deeper than `limit` in a parsed JSON value."""
    level = [value]
    for _ in range(limit + 1):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return True


def _field_of(text: str | bytes) -> str | None:
    """The field of the outermost object in which a text goes too deep; None where it is no object."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    depth, said, field = 0, None, None
    for step in _STEPS.finditer(text):
        mark = step[0][0]
        if mark == '"':
            said = step[1]
        elif mark in "[{":
            if depth == 1:
                field = said
            depth += 1
            if depth > MAX_NESTING:
                break
        else:
            depth -= 1
    inside = text.lstrip("\ufeff \t\r\n").startswith("{")
    return field[:_DEEPEST_NAME] if inside and field else None
