"""How money, times, dates, telephone numbers, measures and sums are read aloud in English.

Each reading is a pattern and what is said for it, tried in the order of `READINGS`: what is longer or surer comes first.
"""

import re
from collections.abc import Callable

from ringback.speech.number_words import cardinal, digits, number, ordinal, year

Match = re.Match[str]
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_MONTH = (
    "(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    "|Nov(?:ember)?|Dec(?:ember)?)\\.?"
)
_DAYS = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Tues": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Thur": "Thursday",
    "Thurs": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}
_DAY = "(" + "|".join(sorted(_DAYS, key=len, reverse=True)) + ")"
_DASH = "[-\u2013\u2014]"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_COINS = {
    "$": ("dollar", "cent", "cents"),
    "\u20ac": ("euro", "cent", "cents"),
    "\u00a3": ("pound", "penny", "pence"),
    "\u00a5": ("yen", "", ""),
}
_CODES = {"USD": "$", "EUR": "\u20ac", "GBP": "\u00a3", "JPY": "\u00a5"}
_LARGE = {"k": "thousand", "m": "million", "mm": "million", "bn": "billion", "b": "billion", "t": "trillion"}
_UNITS = {
    "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "mi": "mile", "ft": "foot", "yd": "yard",
    "kg": "kilogram", "g": "gram", "mg": "milligram", "lb": "pound", "lbs": "pound", "oz": "ounce",
    "l": "liter", "L": "liter", "ml": "milliliter", "mL": "milliliter",
    "h": "hour", "hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute", "sec": "second", "secs": "second",
    "s": "second", "ms": "millisecond",
    "km/h": "kilometer per hour", "kph": "kilometer per hour", "mph": "mile per hour", "m/s": "meter per second",
    "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
    "Mbps": "megabit per second", "Mbit/s": "megabit per second", "Gbps": "gigabit per second",
    "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz",
    "W": "watt", "kW": "kilowatt", "kWh": "kilowatt hour", "V": "volt", "px": "pixel",
    "m\u00b2": "square meter", "m2": "square meter", "sqft": "square foot",
}  # fmt: skip
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_WORDS = {
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus", "vs": "versus",
    "approx.": "approximately", "w/o": "without", "w/": "with", "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz",
    "Dr.": "Doctor", "Prof.": "Professor", "Inc.": "Incorporated", "Ltd.": "Limited", "Ave.": "Avenue",
    "Blvd.": "Boulevard", "Rd.": "Road", "Apt.": "Apartment", "ext.": "extension", "tel.": "telephone",
    "Tel.": "telephone", "a.m.": "A M", "p.m.": "P M", "ASAP": "as soon as possible", "N/A": "not available",
    "C++": "C plus plus", "C#": "C sharp",
    "and/or": "and or", "24/7": "twenty-four seven",
}  # fmt: skip
_ABBREVIATION = "|".join(re.escape(word) for word in sorted(_WORDS, key=len, reverse=True))
_FRACTIONS = {
    "1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters",
    "50/50": "fifty-fifty",
}  # fmt: skip
_SINGLE = {"\u00b2": " squared", "\u00b3": " cubed"} | {
    "\u00bd": " one half",
    "\u00bc": " one quarter",
    "\u00be": " three quarters",
}
_SIGNS = {"+": "plus", "*": "times", "\u00d7": "times", "x": "times", "/": "divided by", "\u00f7": "divided by"} | {
    "-": "minus", "\u2212": "minus", "\u2013": "minus", "=": "equals", "<": "is less than", ">": "is greater than",
    "\u2264": "is at most", "\u2265": "is at least", "\u2248": "is about", "\u2260": "is not",
}  # fmt: skip


def _abbreviation(found: Match) -> str:
    said = _WORDS[found[1]]
    ends = found[1] in ("etc.", "a.m.", "p.m.", "Inc.", "Ltd.") and re.match(
        r"\s+[A-Z]|\s*$", found.string[found.end() :]
    )
    return f"{said}." if ends else said


def _phone(found: Match) -> str:
    text = found[0].strip()
    if text.startswith("+"):
        import phonenumbers

        try:
            parsed = phonenumbers.parse(text)
            text = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        except phonenumbers.NumberParseException:
            pass
        return f"plus {digits(text)}"
    return digits(text)


def _money(found: Match) -> str:
    coin, amount, scale = (
        found["coin"] or _CODES[found["code"]],
        found["amount"].replace(",", ""),
        found["scale"],
    )
    return _amount(coin, amount, scale)


def _money_behind(found: Match) -> str:
    coin = found["sign"] or _CODES[found["code"]]
    return _amount(coin, found["amount"].replace(",", ""), None)


def _amount(coin: str, amount: str, scale: str | None) -> str:
    whole, _, part = amount.partition(".")
    one, cent, cents = _COINS[coin]
    plural = "" if one == "yen" else "s"
    if scale:
        return f"{number(amount)} {_LARGE.get(scale.lower(), scale)} {one}{plural}"
    if part and (len(part) != 2 or not cent):
        return f"{number(amount)} {one}{plural}"
    pieces = []
    if int(whole or 0) or not int(part or 0):
        pieces.append(f"{cardinal(int(whole or 0))} {one}{'' if int(whole or 0) == 1 else plural}")
    if int(part or 0):
        pieces.append(f"{cardinal(int(part))} {cent if int(part) == 1 else cents}")
    return " and ".join(pieces)


def _time(found: Match) -> str:
    hour, minute, half = int(found["hour"]), int(found["minute"] or 0), (found["half"] or "").lower()
    if hour > 23 or minute > 59 or (half and not 1 <= hour <= 12):
        return found[0]
    noon = f" {half[0].upper()} M" if half else ""
    if not half and (hour > 12 or hour == 0):
        noon, hour = (" P M", hour - 12) if hour > 12 else (" A M", 12)
    if minute == 0:
        return cardinal(hour) + (noon or " o'clock")
    return f"{cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}{noon}"


def _month_of(name: str) -> str:
    return next(month for month in _MONTHS if month.startswith(name[:3].title()))


def _date(month: str, day: int, year_: int | None) -> str:
    return f"{month} {ordinal(day)}" + (f", {year(year_)}" if year_ else "")


def _iso_date(found: Match) -> str:
    return _numeric(found, int(found[1]), int(found[2]), int(found[3]))


def _us_date(found: Match) -> str:
    first, second = int(found[1]), int(found[2])
    return _numeric(found, int(found[3]), *((first, second) if first <= 12 else (second, first)))


def _gb_date(found: Match) -> str:
    first, second = int(found[1]), int(found[2])
    return _numeric(found, int(found[3]), *((second, first) if second <= 12 else (first, second)))


def _numeric(found: Match, year_: int, month: int, day: int) -> str:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found[0]
    return _date(_MONTHS[month - 1], day, year_ + 2_000 if year_ < 100 else year_)


def _month_day(found: Match) -> str:
    day = int(found[2])
    return (
        _date(_month_of(found[1]), day, int(found[3]) if found[3] else None) if 1 <= day <= 31 else found[0]
    )


def _day_month(found: Match) -> str:
    day = int(found[1])
    if not 1 <= day <= 31:
        return found[0]
    said = f"the {ordinal(day)} of {_month_of(found[2])}"
    return f"{said}, {year(int(found[3]))}" if found[3] else said


def _unit(found: Match) -> str:
    name = _UNITS[found[2]]
    if found[1] not in ("1", "1.0") and not name.endswith("hertz"):
        head, per, rest = name.partition(" per ")
        name = (head.replace("foot", "feet") if head.endswith("foot") else f"{head}s") + per + rest
    return f"{number(found[1])} {name}"


def _degrees(found: Match) -> str:
    scale = {"C": " Celsius", "F": " Fahrenheit"}.get(found[2] or "", "")
    return f"{number(found[1])} degree{'' if found[1].lstrip('-') == '1' else 's'}{scale}"


def _fraction(found: Match) -> str:
    above, below = found[1], found[2]
    between = "out of" if int(above) <= int(below) else "over"
    return _FRACTIONS.get(found[0]) or f"{cardinal(int(above))} {between} {cardinal(int(below))}"


def _code(found: Match) -> str:
    return " ".join(
        cardinal(int(mark)) if mark.isdigit() else mark.upper() for mark in found[0] if mark.isalnum()
    )


def _plain(found: Match) -> str:
    text = found[0]
    whole = text.lstrip("-\u2212").partition(".")[0]
    if "," not in whole and len(whole) > 1 and (whole.startswith("0") or len(whole) >= 7):
        return digits(text)
    return number(text)


def _sum(found: Match) -> str:
    return f" {_SIGNS[found[1]]} "


def _dotted(found: Match) -> str:
    """A version, or an address of the Internet."""
    return " point ".join(cardinal(int(part)) for part in found[0].split("."))


def _keyed(found: Match) -> str:
    return f"{found[1]}{digits(found[2])}"


def _days(found: Match) -> str:
    return f"{_DAYS[found[1]]} to {_DAYS[found[2]]}"


_MONEY = rf"(?:\b(?:US|CA|AU)(?=[$]))?(?:(?P<coin>[$\u20ac\u00a3\u00a5])|\b(?P<code>USD|EUR|GBP|JPY)\s)\s?(?P<amount>{_NUMBER})"
_SCALE = r"(?:\s?(?P<scale>[kKMB]|mm|bn|thousand|million|billion|trillion)\b)?"
_KEYED = r"\b(?:code|pin|passcode|password|zip|postcode|order|account|reference|confirmation|ticket|invoice|room|ending in)"
_TIME = r"\b(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::\d{2})?)"
_HALF = r"\s?(?P<half>[AaPp])\.?[Mm](?:\.(?=\s*[a-z,;)\u2013-])|\b)"
Reading = tuple[re.Pattern[str], Callable[[Match], str]]
_FIRST: list[Reading] = [
    (re.compile(rf"(?<!\w)({_ABBREVIATION})(?!\w)"), _abbreviation),
    (re.compile(r"[\u00bd\u00bc\u00be\u00b2\u00b3](?<![mM]\u00b2)"), lambda found: _SINGLE[found[0]]),
    (re.compile(r"(?<!\w)\+\d(?:[\s().-]{0,2}\d){6,14}(?!\w)"), _phone),
    (re.compile(r"(?<![\w.])(?:1[\s.-])?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}(?![\w-])"), _phone),
    (re.compile(r"(?<![\w.,-])\d{3}-\d{4}(?![\w-])"), _phone),
    (re.compile(r"(?<![\w.])\d{1,4}(?:\.\d{1,4}){2,}(?![\w]|\.\d)"), _dotted),
    (
        re.compile(rf"(?i)({_KEYED}(?:\s(?:is|number|no\.)){{0,2}}\s?[:#]?\s?)#?(\d{{3,12}})\b(?![,.]\d|%)"),
        _keyed,
    ),
    (re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b(?:T(?=\d\d:))?"), _iso_date),
    (re.compile(rf"\b{_DAY}\.?\s?{_DASH}\s?{_DAY}\b\.?"), _days),
    (re.compile(rf"\b{_DAY}\b\.?(?=,?\s(?:\d|{_MONTH}\s\d))"), lambda found: _DAYS[found[1]]),
]
_SUMS: list[Reading] = [
    (re.compile(r"(?<=[\d)])\s*([*\u00d7\u00f7+])\s*(?=[\d(])"), _sum),
    (re.compile(r"(?<=\d)\s(x|/)\s(?=\d)"), _sum),
    (re.compile(r"(?<=\d)(x)(?=\d)"), _sum),
    (re.compile(r"(?<=[\d)])\s([-\u2212\u2013])\s(?=\d[\d.,]*\s*(?:[-+*/\u00d7]\s*\d[\d.,]*\s*)*=)"), _sum),
    (re.compile(r"(?<=[\w)%])\s*([=\u2264\u2265\u2248\u2260])\s*(?=[\w(-])"), _sum),
    (re.compile(r"(?<=[\d)])\s*([<>])\s*(?=\d)"), _sum),
    (re.compile(rf"(?<=[\d%mMkKC])\s?{_DASH}\s?(?=[$\u20ac\u00a3]?\d)"), lambda found: " to "),
    (re.compile(r"[~\u2248]\s?(?=[$\u20ac\u00a3]?\d)"), lambda found: "about "),
    (re.compile(r"\u00b1\s?"), lambda found: "plus or minus "),
]
_US_DATE: Reading = (re.compile(r"(?<![\w/])(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?![\w/])"), _us_date)
_GB_DATE: Reading = (_US_DATE[0], _gb_date)
_REST: list[Reading] = [
    (re.compile(_MONEY + _SCALE), _money),
    (
        re.compile(
            rf"\b(?P<amount>{_NUMBER})\s?(?:(?P<sign>[\u20ac\u00a3\u00a5])|(?P<code>USD|EUR|GBP|JPY)\b)"
        ),
        _money_behind,
    ),
    (re.compile(rf"{_TIME}(?:{_HALF})?(?![\d:])"), _time),
    (re.compile(rf"\b(?P<hour>\d{{1,2}})(?P<minute>){_HALF}"), _time),
    (
        re.compile(rf"\b{_MONTH}\s(\d{{1,2}})(?:st|nd|rd|th)?\b(?![:.]\d)(?:,?\s((?:19|20)\d\d)\b)?"),
        _month_day,
    ),
    (
        re.compile(
            rf"\b(?:the\s)?(\d{{1,2}})(?:st|nd|rd|th)?(?:\sof)?\s{_MONTH}(?!\w)(?:,?\s((?:19|20)\d\d)\b)?"
        ),
        _day_month,
    ),
    (re.compile(rf"(-?(?:{_NUMBER}))\s?\u00b0\s?([CF]\b)?"), _degrees),
    (re.compile(rf"(?<![\w.])({_NUMBER})\s?({_UNIT})(?![\w/])"), _unit),
    (re.compile(rf"(-?(?:{_NUMBER}))\s?%"), lambda found: f"{number(found[1])} percent"),
    (re.compile(r"\b(\d+)(?:st|nd|rd|th)\b"), lambda found: ordinal(int(found[1]))),
    (
        re.compile(rf"(?<!\w)({_NUMBER})([KMk])\b"),
        lambda found: f"{number(found[1])} {_LARGE[found[2].lower()]}",
    ),
    (re.compile(r"(?<![\w/.])(\d{1,2})/(\d{1,2})(?![\w/])"), _fraction),
    (re.compile(r"\b(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z\d]{4,}\b"), _code),
    (
        re.compile(r"\b((?:[Ii]n|[Ss]ince|[Uu]ntil|of|year) )((?:19|20)\d\d)\b"),
        lambda found: found[1] + year(int(found[2])),
    ),
    (re.compile(r"(?:#|\b[Nn]o\.)\s?(?=\d)"), lambda found: "number "),
    (re.compile(rf"(?<![\w.])[-\u2212]?(?:{_NUMBER})(?!\w)"), _plain),
    (re.compile(r"\d+"), lambda found: f" {_plain(found)} "),
]
_SLASHES: list[Reading] = [
    (
        re.compile(r"(?<=\w)/(?=(?:month|mo|year|yr|week|day|hour|hr|person|night|minute|min|user)\b)"),
        lambda found: " per ",
    ),
    (
        re.compile(r"(?<=per )(mo|yr|hr|min)\b"),
        lambda found: {"mo": "month", "yr": "year", "hr": "hour", "min": "minute"}[found[1]],
    ),
    (re.compile(r"(?<=[A-Za-z])\s?/\s?(?=[A-Za-z])"), lambda found: " or "),
    (re.compile(r"\s*&\s*"), lambda found: " and "),
    (re.compile(r"(?<=\s)@(?=\s)"), lambda found: "at"),
    (re.compile(r"(?<=\w)%"), lambda found: " percent"),
]


def read_aloud(text: str, *, month_first: bool = True) -> str:
    """`text` with its figures and abbreviations in words."""
    date = _US_DATE if month_first else _GB_DATE
    for pattern, said in (*_FIRST, date, *_SUMS, *_REST, *_SLASHES):
        text = pattern.sub(said, text)
    return text
