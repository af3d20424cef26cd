"""Whose customer a mobile number of the US is: a keyed choice, with the shares that the operators have there."""

from typing import Final

from ringback.kit.chance import chance
from ringback.kit.phone import nanp_area_code
from ringback.sim.areas import areas

SHARES: Final = {"Verizon": 0.36, "T-Mobile": 0.33, "AT&T": 0.28, "UScellular": 0.03}
"""Parts of all subscribers, roughly as the operators reported them for 2024."""


def operator_of(seed: int, e164: str) -> str | None:
    """The operator of a US number; None of any other."""
    area = areas().get(nanp_area_code(e164) or "")
    if area is None or area.country != "US":
        return None
    drawn = chance(seed, "operator", e164)
    upto = 0.0
    for name, share in SHARES.items():
        upto += share
        if drawn < upto:
            return name
    return name
