"""Numbers as they are said in English."""

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_LARGEST = 10**15


def cardinal(number: int) -> str:
    """42 as forty-two. What is beyond the trillions is said digit by digit."""
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number >= _LARGEST:
        return digits(str(number))
    said = []
    for scale, name in _SCALES:
        if number >= scale:
            said.append(f"{_hundreds(number // scale)} {name}")
            number %= scale
    if number or not said:
        said.append(_hundreds(number))
    return " ".join(said)


def _hundreds(number: int) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, one = divmod(number, 10)
        return _TENS[tens] + (f"-{_ONES[one]}" if one else "")
    hundreds, rest = divmod(number, 100)
    return f"{_ONES[hundreds]} hundred" + (f" {_hundreds(rest)}" if rest else "")


def ordinal(number: int) -> str:
    """42 as forty-second."""
    said = cardinal(number)
    head, last = said[: -len(said.replace("-", " ").split()[-1])], said.replace("-", " ").split()[-1]
    if last in _IRREGULAR:
        return head + _IRREGULAR[last]
    return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def digits(text: str) -> str:
    """The digits of a text one by one, its other characters as pauses: 415-555 as four one five, five five five."""
    groups = "".join(mark if mark.isdigit() else " " for mark in text).split()
    return ", ".join(" ".join(_ONES[int(digit)] for digit in group) for group in groups)


def number(text: str) -> str:
    """A number as it is written, such as -1,234.50: the whole part in words, what follows the point digit by digit."""
    sign = "minus " if text.startswith(("-", "\N{MINUS SIGN}")) else ""
    whole, point, part = text.lstrip("+-\N{MINUS SIGN}").replace(",", "").partition(".")
    said = sign + (cardinal(int(whole)) if whole else "zero")
    return f"{said} point {digits(part)}" if point and part else said


def year(number: int) -> str:
    """1999 as nineteen ninety-nine, 2026 as twenty twenty-six, 2005 as two thousand five."""
    century, rest = divmod(number, 100)
    if not 1_000 <= number <= 2_999 or (century % 10 == 0 and rest < 10):
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"
