"""Long texts travel as parts with a concatenation header and are joined by it (3GPP TS 23.040 section 9.2.3.24.1)."""

from dataclasses import dataclass

from ringback.kit.chance import chance
from ringback.kit.gsm import split


@dataclass(frozen=True, slots=True)
class Part:
    """One part: `reference` is the same in all parts of a text, `number` counts from 1 to `total`."""

    reference: int
    total: int
    number: int
    body: str


class Joining:
    """Puts parts together, in whatever order and however often each of them comes."""

    def __init__(self) -> None:
        self._parts: dict[tuple[int, int], dict[int, str]] = {}

    def add(self, part: Part) -> str | None:
        """Take one part; answers the whole text once the last one is here."""
        key = (part.reference, part.total)
        have = self._parts.setdefault(key, {})
        have[part.number] = part.body
        if len(have) < part.total:
            return None
        del self._parts[key]
        return "".join(have[number] for number in sorted(have))


def cut(body: str, reference: int) -> list[Part]:
    """The parts of a body, in order."""
    bodies = split(body)
    return [Part(reference, len(bodies), number, text) for number, text in enumerate(bodies, 1)]


def shuffle(parts: list[Part], seed: int, *key: str | int) -> list[Part]:
    """The same parts in a wrong order that `key` decides."""
    mixed = sorted(parts, key=lambda part: chance(seed, "part", *key, part.number))
    return mixed[::-1] if len(mixed) > 1 and mixed == parts else mixed


def through_the_air(body: str, seed: int, *key: str | int) -> str:
    """What the far side reads when the parts of `body` arrive in a wrong order."""
    joining = Joining()
    whole = [joining.add(part) for part in shuffle(cut(body, 1), seed, *key)]
    return whole[-1] or ""
