"""Numbers as people type them."""

from ringback.kit.phone import InvalidNumber, normalise
from ringback.sim.errors import BadInput


def any_spelling(field: str, typed: str, region: str = "US") -> str:
    """The number in E.164; `BadInput` naming `field` for what is none."""
    try:
        return normalise(typed, region)
    except InvalidNumber as error:
        raise BadInput(field, str(error)) from None
