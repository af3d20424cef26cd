"""Numbers of US and Canada whose digits fit a pattern, made rather than looked for: of seven digits one in ten million has them."""

from collections.abc import Iterator, Sequence

from ringback.kit.chance import chance

LENGTH = 10
"""Digits of a number without the country's."""
ANY = "*"
_TRIES = 12
"""At each place of the pattern and each area code."""
_CODES = 12
"""Area codes that are tried at a place where the pattern leaves them open."""


def numbers(seed: int, pattern: str, codes: Sequence[str], *, start: int = 0) -> Iterator[str]:
    """Numbers in E.164 that hold `pattern` (digits, and `*` for any): those that end with it first. Some come twice, and some
    are no number that anybody may have. `start` says with which of the area codes to begin."""
    for place in range(LENGTH - len(pattern), -1, -1):
        fixed = ANY * place + pattern + ANY * (LENGTH - place - len(pattern))
        fitting = [code for code in codes if fits(code, fixed[:3])]
        for step in range(min(_CODES, len(fitting))):
            code = fitting[(start + step) % len(fitting)]
            wanted = code + fixed[3:]
            for n in range(_TRIES if ANY in wanted else 1):
                yield "+1" + _filled(seed, wanted, n)


def fits(digits: str, pattern: str) -> bool:
    """Whether `digits` are as many as the pattern has, and those."""
    return len(digits) == len(pattern) and all(
        one in (ANY, digit) for one, digit in zip(pattern, digits, strict=True)
    )


def holds(digits: str, pattern: str) -> bool:
    """Whether the pattern is anywhere in `digits`."""
    return any(
        fits(digits[place : place + len(pattern)], pattern) for place in range(len(digits) - len(pattern) + 1)
    )


def _filled(seed: int, wanted: str, n: int) -> str:
    drawn = f"{int(chance(seed, 'pattern', wanted, n) * 10**LENGTH):0{LENGTH}d}"
    digits = [own if own != ANY else made for own, made in zip(wanted, drawn, strict=True)]
    if wanted[3] == ANY and digits[3] in "01":
        digits[3] = str(2 + int(drawn[9]) % 8)
    return "".join(digits)
