"""Variables in prompts and greetings: `{{name}}`."""

import re
from collections.abc import Mapping
from typing import Final

from ringback.kit.faults import Invalid

LONGEST_GREETING: Final = 4_000
LONGEST_PROMPT: Final = 100_000
"""Characters, also once the variables are in."""
_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_.-]{1,100})\s*\}\}")


def fill_in(text: str, variables: Mapping[str, str | None], *, most: int) -> str:
    """`text` with `{{name}}` replaced, `most` characters of it; a null is nothing, and a name that is not given stays as it
    stands."""
    made: list[str] = []
    length = at = 0
    for found in _PLACE.finditer(text):
        name = found[1]
        value = (variables[name] or "") if name in variables else found[0]
        made += text[at : found.start()], value
        length += found.start() - at + len(value)
        at = found.end()
        if length >= most:
            break
    made.append(text[at : at + most])
    return "".join(made)[:most]


def check_filled(variables: Mapping[str, str | None], *, greeting: str | None, prompt: str | None) -> None:
    """Raises `Invalid` where a greeting or a prompt is longer than it may be once the variables are in."""
    for what, text, most in (("greeting", greeting, LONGEST_GREETING), ("prompt", prompt, LONGEST_PROMPT)):
        if text and variables and len(fill_in(text, variables, most=most + 1)) > most:
            raise Invalid(
                f"with these in it the {what} has more than the {most:,} characters that it may have",
                field="variables",
            )
