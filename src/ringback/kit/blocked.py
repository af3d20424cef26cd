"""Numbers that are never dialled or texted: emergency numbers, N11 services and crisis lines, in any spelling."""

import re
import unicodedata
from functools import lru_cache

from ringback.kit.phone import MAX_TYPED, InvalidNumber, fold_spelling, normalise

EMERGENCY = "is an emergency number"
SERVICE = "is a service number of three digits"
CRISIS = "is a crisis line"

_EMERGENCY = frozenset(
    {"911", "933", "000", *(f"1{n:02}" for n in range(20)), *(str(n) for n in range(990, 1000))}
)
"""911, its test line 933 and what the rest of the world dials in its place, wherever it is dialled from."""

_N11 = re.compile(r"[2-8]11")

_SHORT_CRISIS = frozenset(
    {
        "988",  # Suicide and Crisis Lifeline, US and Canada
        "741741",  # Crisis Text Line, US
        "686868",  # Kids Help Phone, Canada
        "838255",  # Veterans Crisis Line, US
        "678678",  # The Trevor Project, US
        "88788",  # National Domestic Violence Hotline, US
        "233733",  # National Human Trafficking Hotline, US
        "116000",  # missing children, EU
        "116006",  # victims of crime, EU
        "116111",  # children, EU
        "116123",  # emotional support, EU and UK
    }
)

_LONG_CRISIS = frozenset(
    {
        "+18002738255",  # Suicide and Crisis Lifeline, US
        "+18007842433",  # National Hopeline, US
        "+18664887386",  # The Trevor Project, US
        "+18775658860",  # Trans Lifeline, US and Canada
        "+18007997233",  # National Domestic Violence Hotline, US
        "+18006564673",  # National Sexual Assault Hotline, US
        "+18004224453",  # Childhelp, US
        "+18007862929",  # National Runaway Safeline, US
        "+18883737888",  # National Human Trafficking Hotline, US
        "+18009855990",  # Disaster Distress Helpline, US
        "+18338526262",  # National Maternal Mental Health Hotline, US
        "+18002221222",  # Poison Help, US
        "+18334564566",  # Suicide Crisis Helpline, Canada
        "+18006686868",  # Kids Help Phone, Canada
        "+18552423310",  # Hope for Wellness, Canada
        "+448001111",  # Childline, UK
        "+61131114",  # Lifeline, Australia
        "+611800551800",  # Kids Helpline, Australia
        "+498001110111",  # TelefonSeelsorge, Germany
        "+498001110222",  # TelefonSeelsorge, Germany
    }
)

_N11_AREA = re.compile(r"1*([2-9]11)\d{7}")
_SCHEME = re.compile(r"(tel|sips?|sms|callto):(?://)?", re.IGNORECASE)
_CALLER_ID_CODE = re.compile(r"[*#]\d\d[*#]?")
_AFTER_NUMBER = re.compile(r"ext|[*#,;pwx]", re.IGNORECASE)
_LONGEST_SHORT = 6
_LONGEST_PREFIX = 6
"""Digits that are dialled before a number, with some to spare: 011 and 1."""
_LONGEST_COUNTRY_CODE = 3


@lru_cache(4_096)
def blocked_reason(text: str, region: str = "US") -> str | None:
    """Why a number, as typed or in E.164, is never dialled or texted (`is an emergency number`), or None.

    `region` (ISO 3166 alpha-2) is where a number without a country code is dialled; its own emergency numbers
    count besides those known everywhere. Prefixes (0, 1, 00, 011, +1, *67), separators, marks and what follows
    the number don't hide it. Text that names no number, an email for instance, or that is longer than
    `normalise` takes is not blocked here: nothing can be dialled from it.
    """
    if len(text) > MAX_TYPED:
        return None
    folded = fold_spelling(unicodedata.normalize("NFKC", text)).strip()
    for dialled in _dialled(folded):
        digits = re.sub(r"\D", "", dialled, flags=re.ASCII)
        reason = _reason(digits, "+" in dialled, region.upper())
        if reason is not None:
            return reason
    return None


def _dialled(folded: str) -> list[str]:
    """What a switch would dial: the part before any extension, with and without a caller id code such as *67."""
    scheme = _SCHEME.match(folded)
    number = folded[scheme.end() :] if scheme else folded
    if scheme:
        number = number.partition("@")[0]
    starts = dict.fromkeys((number.lstrip("*# "), _CALLER_ID_CODE.sub("", number, count=1)))
    heads = [_AFTER_NUMBER.split(start, maxsplit=1)[0] for start in starts]
    return [head for head in heads if "@" not in head and not any(map(str.isalpha, head))]


def _reason(digits: str, international: bool, region: str) -> str | None:
    bare = digits.lstrip("01")
    for start in range(min(len(digits) - len(bare), _LONGEST_PREFIX) + 1):
        reason = _short_reason(digits[start:], region)
        if reason is not None:
            return reason
    if international or digits.startswith(("00", "011")):
        reason = _foreign_reason(bare if not international else digits)
        if reason is not None:
            return reason
    return _long_reason(digits, international, region)


def _short_reason(digits: str, region: str) -> str | None:
    if digits in _EMERGENCY:
        return EMERGENCY
    if digits in _SHORT_CRISIS:
        return CRISIS
    if _N11.fullmatch(digits):
        return SERVICE
    if len(digits) <= _LONGEST_SHORT and region != "US" and _is_emergency_in(digits, region):
        return EMERGENCY
    return None


def _foreign_reason(digits: str) -> str | None:
    """The same for digits that begin with a country code, such as the 999 of +44 999."""
    if len(digits) > _LONGEST_COUNTRY_CODE + _LONGEST_SHORT:
        return None
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    for length in range(1, _LONGEST_COUNTRY_CODE + 1):
        code, rest = digits[:length], digits[length:]
        if not code or not rest:
            continue
        for region in COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())[:1]:
            reason = _short_reason(rest, region) or _short_reason(rest.lstrip("01"), region)
            if reason is not None:
                return reason
    return None


def _is_emergency_in(digits: str, region: str) -> bool:
    from phonenumbers import is_emergency_number

    return bool(digits) and is_emergency_number(digits, region)


def _long_reason(digits: str, international: bool, region: str) -> str | None:
    """Full-length crisis lines, and three digits disguised as an area code that North America doesn't have."""
    try:
        number = normalise(f"+{digits}" if international else digits, region)
    except InvalidNumber:
        disguised = _N11_AREA.fullmatch(digits)
        north_american = digits.startswith("1") if international else _is_north_american(region)
        return _short_reason(disguised[1], "US") if disguised and north_american else None
    return CRISIS if number in _LONG_CRISIS or number.startswith("+1988") else None


def _is_north_american(region: str) -> bool:
    if region == "US":
        return True
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    return region in COUNTRY_CODE_TO_REGION_CODE[1]
