"""What to do about a refusal, as the table of docs/errors.md has it."""

import functools
import re

from ringback.doors.docs.shelf import text_of

_ROW = re.compile(r"^\| \d{3} \| (?P<codes>[^|]+) \| [^|]* \| (?P<advice>[^|]*) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")


def advice_on(code: str) -> str | None:
    """One short sentence, or None where there is nothing to do."""
    return _table().get(code) or None


@functools.cache
def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for row in _ROW.finditer(text_of("errors") or ""):
        advice = _LINK.sub(r"\1", row["advice"]).replace("`", "").strip()
        for code in re.findall(r"`([A-Z_]+)`", row["codes"]):
            table.setdefault(code, advice)
    return table
