"""Phones at the far end, each with a number of its own."""

import json
from dataclasses import dataclass
from typing import Any

from ringback.kit.chance import chance
from ringback.sim import areas, inventory, plans
from ringback.sim.addresses import any_spelling
from ringback.sim.errors import BadInput, HandsetNotFound, NumberTaken
from ringback.sim.personalities import check_personality
from ringback.sim.unit import Unit

CAPABILITIES = ("sms", "mms", "voice")
_MAX_NAME = 200
_MAX_SCAN = 10_000


@dataclass(frozen=True, slots=True)
class Handset:
    """One phone."""

    id: str
    e164: str
    name: str | None
    country: str
    personality: str
    call_personality: str
    capabilities: tuple[str, ...]
    online: bool
    created_ms: int


def create(
    unit: Unit,
    *,
    e164: str | None = None,
    name: str | None = None,
    country: str = "US",
    area_code: str | None = None,
    personality: str = "answers",
    call_personality: str = "answers",
    capabilities: tuple[str, ...] = CAPABILITIES,
) -> Handset:
    """A new phone. Without a number it gets one that nobody ever had; `NumberTaken` for one that somebody has."""
    changes = {"name": name, "personality": personality, "call_personality": call_personality}
    check_changes(changes | {"capabilities": capabilities})
    if e164 is None:
        e164 = _pick_number(unit, country, area_code)
    elif inventory.line_state(unit, e164) not in (None, "was-handset"):
        raise NumberTaken(f"{e164} belongs to an agent or to another handset", field="phoneNumber")
    inventory.set_line(unit, e164, "handset", country)
    handset = Handset(
        unit.ids.new("hs"),
        e164,
        name,
        country,
        personality,
        call_personality,
        tuple(one for one in CAPABILITIES if one in capabilities),
        True,
        unit.now,
    )
    unit.run(
        "INSERT INTO handsets (id, e164, name, country, personality, call_personality, capabilities, online, created_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)",
        handset.id,
        e164,
        name,
        country,
        personality,
        call_personality,
        json.dumps(handset.capabilities),
        unit.now,
    )
    unit.known.phones[e164] = handset
    return handset


def where(phone_number: str | None, country: str | None) -> tuple[str, str | None]:
    """The country and E.164 number that a new phone is asked to have; US unless country or number say otherwise."""
    if country is not None and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise BadInput("country", "expected two letters such as US")
    region = country.upper() if country else "US"
    if phone_number is None:
        return region, None
    e164 = any_spelling("phoneNumber", phone_number, region)
    return (plans.country_of(e164) or region), e164


def find(unit: Unit, handset_id: str) -> Handset:
    """The phone of this id; `HandsetNotFound`."""
    row = unit.one("SELECT * FROM handsets WHERE id = ?", handset_id)
    if row is None:
        raise HandsetNotFound("No such handset")
    return _handset(row)


def by_number(unit: Unit, e164: str) -> Handset | None:
    """The phone with this number."""
    phones = unit.known.phones
    if e164 not in phones:
        row = unit.one("SELECT * FROM handsets WHERE e164 = ?", e164)
        phones[e164] = _handset(row) if row else None
    return phones[e164]


def list_all(unit: Unit, limit: int, offset: int) -> tuple[list[Handset], int]:
    """Phones, newest first, and how many there are."""
    rows = unit.all("SELECT * FROM handsets ORDER BY seq DESC LIMIT ? OFFSET ?", limit, offset)
    total = unit.one("SELECT count(*) AS n FROM handsets")
    return [_handset(row) for row in rows], int(total["n"]) if total else 0


def change(unit: Unit, handset_id: str, changes: dict[str, Any]) -> tuple[Handset, bool]:
    """Change a phone; answers it and whether it has just come online."""
    check_changes(changes)
    before = find(unit, handset_id)
    stored = dict(changes)
    if "capabilities" in stored:
        stored["capabilities"] = json.dumps([one for one in CAPABILITIES if one in stored["capabilities"]])
    if stored:
        columns = ", ".join(f"{name} = ?" for name in stored)
        unit.run(f"UPDATE handsets SET {columns} WHERE id = ?", *stored.values(), handset_id)
    after = unit.known.phones[before.e164] = find(unit, handset_id)
    return after, after.online and not before.online


def delete(unit: Unit, handset_id: str) -> list[str]:
    """Throw a phone away, its texts and calls with it; answers the calls' ids. Its number is never sold."""
    handset = find(unit, handset_id)
    calls = [row["id"] for row in unit.all("DELETE FROM calls WHERE handset_id = ? RETURNING id", handset_id)]
    unit.run("DELETE FROM held_calls WHERE handset_id = ?", handset_id)
    unit.run("DELETE FROM texts WHERE handset_id = ?", handset_id)
    unit.run("DELETE FROM handsets WHERE id = ?", handset_id)
    unit.known.phones.pop(handset.e164, None)
    unit.known.newest.pop(handset_id, None)
    inventory.set_line(unit, handset.e164, "was-handset", handset.country)
    return calls


def check_changes(changes: dict[str, Any]) -> None:
    """Raise `BadInput` for a value that no phone can have."""
    for name, value in changes.items():
        if name in ("personality", "call_personality"):
            check_personality(name, value)
        elif name == "capabilities" and not set(value) <= set(CAPABILITIES):
            raise BadInput(name, f"expected some of {', '.join(CAPABILITIES)}")
        elif name == "name" and value is not None:
            check_words(name, value)
            if len(value) > _MAX_NAME:
                raise BadInput(name, f"expected at most {_MAX_NAME} characters")
        elif name not in ("name", "online", "capabilities"):
            raise BadInput(name, "can't be changed")


def check_words(field: str, text: str) -> None:
    """Refuse what no network can carry: NUL characters and lone surrogates."""
    if "\x00" in text:
        raise BadInput(field, "must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(field, "must not contain lone surrogates") from None


def _pick_number(unit: Unit, country: str, area_code: str | None) -> str:
    if country in ("US", "CA"):
        codes = areas.codes_of(country)
        if area_code is not None and area_code not in codes:
            raise BadInput("areaCode", f"is no area code of {country}")
        made = unit.next_ordinal("handsets", country)
        area_code = area_code or codes[int(chance(unit.settings.seed, "handset-area", made) * len(codes))]
    elif area_code is not None:
        raise BadInput("areaCode", "is for US and CA only")
    elif not plans.has_plan(country):
        raise BadInput("country", "expected a country with a numbering plan, in two letters")
    for index in range(_MAX_SCAN):
        e164 = inventory.candidate(unit.settings.seed, "handset", country, area_code, index)
        if e164 is not None and inventory.line_state(unit, e164) is None:
            return e164
    raise NumberTaken("no number is left for a handset here")


def _handset(row: dict[str, Any]) -> Handset:
    return Handset(
        row["id"],
        row["e164"],
        row["name"],
        row["country"],
        row["personality"],
        row["call_personality"],
        tuple(json.loads(row["capabilities"])),
        bool(row["online"]),
        row["created_ms"],
    )
