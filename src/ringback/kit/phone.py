"""Telephone numbers: any spelling a person types becomes E.164 (ITU-T E.164, E.123, RFC 3966).

A number is refused for its length and shape alone, never for missing from the list of assigned ranges: that
list always lags behind the world. `phonenumbers` costs some 70 ms to import, so it is loaded at first need.
"""

import functools
import re
import unicodedata
from typing import TYPE_CHECKING, Literal, NoReturn

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

LineType = Literal[
    "mobile", "landline", "voip", "toll_free", "premium_rate", "shared_cost", "personal", "pager", "uan", "voicemail"
]  # fmt: skip
"""What a number ends at. `uan` is a company's one number for all of its places."""

MAX_TYPED = 64
"""Characters past which a text is refused as no telephone number before it is looked at."""

_E164_MAX_DIGITS = 15
_NANP = re.compile(r"\+1([2-9]\d\d)[2-9]\d{6}", re.ASCII)
_N11 = re.compile(r"[2-9]11")
_MEXICAN_WITH_MOBILE_PREFIX = re.compile(r"\+521([2-9]\d{9})", re.ASCII)
_TYPED = re.compile(r"\+?[-\d ().\[\]/~]*\d[-\d ().\[\]/~]*", re.ASCII)
_EXTENSION = re.compile(
    r"\d[-\s).]*(?:;\s*ext\s*=|ext|[x#,;pw])[a-z]*[.:=\s#,;]*\d+[#\s]*", re.IGNORECASE | re.ASCII
)
_SHORT_CODE = re.compile(r"[2-9]\d{4,5}", re.ASCII)
_TYPED_SHORT_CODE = re.compile(r"\d+(?:[- ]\d+)?", re.ASCII)
_MARKS = frozenset({"Cf", "Mn", "Me"})
_DASHES = frozenset("\u2212\u30fc")


class InvalidNumber(ValueError):
    """This is no telephone number that can be reached; the message says why, as in "is too short"."""


def fold_spelling(text: str) -> str:
    """The same text with digits of any script, fullwidth forms, spaces and dashes in ASCII and without marks.

    Marks are what a reader doesn't see: zero-width and direction characters, and combining ones (keycaps).
    """
    return text if text.isascii() else "".join(map(_fold, text))


def _fold(ch: str) -> str:
    if ch.isascii():
        return ch
    category = unicodedata.category(ch)
    if category == "Nd":
        return str(unicodedata.decimal(ch))
    if category in _MARKS:
        return ""
    if category == "Zs":
        return " "
    if category == "Pd" or ch in _DASHES:
        return "-"
    return unicodedata.normalize("NFKC", ch) if "\uff01" <= ch <= "\uff5e" else ch


@functools.lru_cache(maxsize=4096)
def normalise(text: str, region: str = "US") -> str:
    """Any spelling of a number as E.164, such as `+14155550104`.

    `region` (ISO 3166 alpha-2) is where a number without a country code is dialled. Numbers that are possible
    but not yet assigned pass. Refused: an extension, because neither a text nor E.164 has one; letters
    (1-800-FLOWERS), because people write more of them than a number has digits; any other parameter of a
    `tel:` URI. Raises `InvalidNumber`.
    """
    if len(text) > MAX_TYPED:
        raise InvalidNumber("is too long for a telephone number")
    if _is_usual_nanp(text):
        return text
    typed = _check_characters(fold_spelling(text))
    number = _parse(typed, region.upper())
    e164 = _format(number)
    if mexican := _MEXICAN_WITH_MOBILE_PREFIX.fullmatch(e164):
        # Dialled before mobiles until 2019, and in address books ever since.
        number = _parse(f"+52{mexican[1]}", region)
        e164 = _format(number)
    _check_length(number, e164)
    if number.country_code == 1:
        _check_nanp(e164)
    elif _format(_parse(e164, region)) != e164:
        raise InvalidNumber("has more than one trunk prefix")
    return e164


@functools.lru_cache(maxsize=4096)
def country_of(e164: str) -> str | None:
    """The ISO 3166 alpha-2 country of an E.164 number; None for satellite, international and unknown codes.

    A number of no assigned range belongs to the main country of its code, +1 861 to US.
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    country = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        number.country_code or 0
    )
    return country if country in phonenumbers.SUPPORTED_REGIONS else None


@functools.lru_cache(maxsize=4096)
def line_type(e164: str) -> LineType | None:
    """What the numbering plan says that an E.164 number ends at; None where it doesn't say, as for +1 415."""
    import phonenumbers

    try:
        kind = phonenumbers.number_type(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return None
    kinds = phonenumbers.PhoneNumberType
    found: dict[int, LineType] = {
        kinds.MOBILE: "mobile",
        kinds.FIXED_LINE: "landline",
        kinds.VOIP: "voip",
        kinds.TOLL_FREE: "toll_free",
        kinds.PREMIUM_RATE: "premium_rate",
        kinds.SHARED_COST: "shared_cost",
        kinds.PERSONAL_NUMBER: "personal",
        kinds.PAGER: "pager",
        kinds.UAN: "uan",
        kinds.VOICEMAIL: "voicemail",
    }
    return found.get(kind)


def nanp_area_code(e164: str) -> str | None:
    """The three digits after +1 of a number of the North American plan, None for any other."""
    found = _NANP.fullmatch(e164)
    return found[1] if found else None


def short_code(text: str) -> str | None:
    """The five or six digits of a US short code as typed (`89203`, `898-211`), or None if it is none.

    Short codes begin with 2 to 9 (CTIA Short Code Registry).
    """
    if len(text) > MAX_TYPED:
        return None
    typed = fold_spelling(text).strip()
    if _TYPED_SHORT_CODE.fullmatch(typed) is None:
        return None
    digits = typed.replace("-", "").replace(" ", "")
    return digits if _SHORT_CODE.fullmatch(digits) else None


def is_known_region(country: str) -> bool:
    """Whether an ISO 3166 alpha-2 code, in either case, names a country with a numbering plan."""
    import phonenumbers

    return country.isascii() and country.upper() in phonenumbers.SUPPORTED_REGIONS


def _is_usual_nanp(text: str) -> bool:
    found = _NANP.fullmatch(text)
    return found is not None and _N11.fullmatch(found[1]) is None


def _check_characters(folded: str) -> str:
    typed = folded.strip(" \t\r\n")
    if typed[:4].lower() == "tel:":
        typed = typed[4:].lstrip()
    typed = re.sub(r"[ \t\r\n]+", " ", typed)
    if _TYPED.fullmatch(typed):
        return typed
    if _EXTENSION.search(typed):
        raise InvalidNumber("has an extension, and a text or a call can't reach one")
    if any(ch.isalpha() for ch in typed) and any(ch.isdigit() for ch in typed):
        raise InvalidNumber("has letters; write it in digits")
    raise InvalidNumber("is not a telephone number")


def _parse(typed: str, region: str) -> "PhoneNumber":
    import phonenumbers

    try:
        return phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException as error:
        match error.error_type:
            case phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
                reason = "has no country code that exists"
            case phonenumbers.NumberParseException.TOO_LONG:
                reason = "is too long for a telephone number"
            case _:
                reason = "is too short for a telephone number"
    raise InvalidNumber(reason)


def _format(number: "PhoneNumber") -> str:
    import phonenumbers

    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _check_length(number: "PhoneNumber", e164: str) -> None:
    import phonenumbers

    kind = phonenumbers.ValidationResult
    outcome = phonenumbers.is_possible_number_with_reason(number)
    if len(e164) > _E164_MAX_DIGITS + 1:
        outcome = kind.TOO_LONG
    if outcome == kind.IS_POSSIBLE:
        return
    if outcome == kind.IS_POSSIBLE_LOCAL_ONLY:
        raise InvalidNumber("lacks its area code")
    faults = {kind.TOO_SHORT: "is too short", kind.TOO_LONG: "is too long"}
    _refuse(faults.get(outcome, "has the wrong length"), number)


def _refuse(fault: str, number: "PhoneNumber") -> NoReturn:
    import phonenumbers

    country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    of = f"a number of {country}" if country in phonenumbers.SUPPORTED_REGIONS else "a telephone number"
    raise InvalidNumber(f"{fault} for {of}")


def _check_nanp(e164: str) -> None:
    found = _NANP.fullmatch(e164)
    if found is None or _N11.fullmatch(found[1]):
        raise InvalidNumber("has an area code or exchange that can't exist in North America")
