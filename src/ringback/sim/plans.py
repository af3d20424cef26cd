"""Numbers that could exist: candidates of a country's plan, the n-th of a seed always the same.

North American numbers follow the table in `areas` (area code, exchange, line; ATIS-0300119): no N11 and no 555
exchange is sold. Others are cut from the example number that `phonenumbers` gives for the country's mobile (else
fixed) plan, with its last digits drawn anew until the plan accepts them. `phonenumbers` is loaded only for those.
"""

import functools
import re

from ringback.kit.chance import chance
from ringback.sim.areas import areas

_NANP = re.compile(r"\+1([2-9]\d\d)([2-9]\d\d)(\d{4})", re.ASCII)
_TRIES = 40


def area_of(e164: str) -> str | None:
    """The geographic US or Canadian area code of a number, None for any other number."""
    found = _NANP.fullmatch(e164)
    return found[1] if found and found[1] in areas() else None


def country_of(e164: str) -> str | None:
    """The ISO 3166 country of a number, None where no country has it."""
    code = area_of(e164)
    if code is not None:
        return areas()[code].country
    from ringback.kit import phone

    return phone.country_of(e164)


def is_assignable(e164: str) -> bool:
    """Whether the plan lets somebody have this number."""
    found = _NANP.fullmatch(e164)
    if found and found[1] in areas():
        return found[2] != "555" and found[2][1:] != "11"
    import phonenumbers

    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return False
    kind = phonenumbers.number_type(number)
    wanted = phonenumbers.PhoneNumberType
    return phonenumbers.is_valid_number(number) and kind in (
        wanted.MOBILE,
        wanted.FIXED_LINE,
        wanted.FIXED_LINE_OR_MOBILE,
    )


def nanp_candidate(seed: int, use: str, area_code: str, index: int) -> str:
    """The `index`-th number of an area code, such as +14152370199."""
    drawn = int(chance(seed, use, area_code, index) * 8_000_000)
    exchange, line = 200 + drawn // 10_000, drawn % 10_000
    if exchange % 100 == 11:
        exchange += 1
    if exchange == 555:
        exchange = 556
    return f"+1{area_code}{exchange}{line:04d}"


def has_plan(country: str) -> bool:
    """Whether numbers of this country can be made."""
    return country in ("US", "CA") or _example(country) is not None


@functools.cache
def _example(country: str) -> str | None:
    import phonenumbers

    kinds = phonenumbers.PhoneNumberType
    if country not in phonenumbers.SUPPORTED_REGIONS:
        return None
    for kind in (kinds.MOBILE, kinds.FIXED_LINE):
        number = phonenumbers.example_number_for_type(country, kind)
        if number is not None:
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def foreign_candidate(seed: int, use: str, country: str, index: int) -> str | None:
    """The `index`-th number of another country's plan; None when that draw gave none."""
    import phonenumbers

    example = _example(country)
    if example is None:
        return None
    prefix = len(str(phonenumbers.country_code_for_region(country))) + 1
    for attempt in range(_TRIES):
        drawn_digits = max(2, min(6, len(example) - prefix - 1) - attempt // 10)
        drawn = int(chance(seed, use, country, index, attempt) * 10**drawn_digits)
        e164 = f"{example[:-drawn_digits]}{drawn:0{drawn_digits}d}"
        if phonenumbers.is_valid_number_for_region(phonenumbers.parse(e164), country):
            return e164
    return None
