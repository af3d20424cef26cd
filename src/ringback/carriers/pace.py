"""The paces that US carriers set: by the class of a 10DLC campaign, and for the numbers that need none."""

from ringback.kit.pace import Pace, Scope
from ringback.kit.phone import nanp_area_code

CLASSES: dict[str, Pace] = {
    "sole_proprietor": Pace("campaign", 2.25, segments_a_day=3_000, tmobile_a_day=1_000),
    "low_volume": Pace("campaign", 3.75, segments_a_day=6_000, tmobile_a_day=2_000),
    "high_low_trust": Pace("campaign", 3.75, segments_a_day=6_000, tmobile_a_day=2_000),
    "high_standard": Pace("campaign", 12, segments_a_day=30_000, tmobile_a_day=10_000),
    "high_trust": Pace("campaign", 120, segments_a_day=120_000, tmobile_a_day=40_000),
    "high_highest_trust": Pace("campaign", 225, segments_a_day=600_000, tmobile_a_day=200_000),
}
TOLL_FREE = Pace("number", 3)
SHORT_CODE = Pace("number", 100)
_TOLL_FREE = frozenset(("800", "833", "844", "855", "866", "877", "888"))
_LONGEST_SHORT_CODE = 6


def pace_of(campaign: str | None, e164: str, country: str) -> Pace | None:
    """The pace of a US number of an account whose campaign is of this class; None where nothing is paced."""
    scope = scope_of(e164, country)
    if campaign is None or scope is None:
        return None
    if scope == "campaign":
        return CLASSES[campaign]
    return SHORT_CODE if len(e164) <= _LONGEST_SHORT_CODE else TOLL_FREE


def scope_of(e164: str, country: str) -> Scope | None:
    """Whose pace a number's texts wait for where there is one; None where nothing ever paces it."""
    if country != "US":
        return None
    if len(e164) <= _LONGEST_SHORT_CODE or nanp_area_code(e164) in _TOLL_FREE:
        return "number"
    return "campaign"
