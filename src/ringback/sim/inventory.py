"""Who has which number, and what is left to buy.

A number is free when no line of it exists. Sold numbers become `held`, given back ones `released`; a handset's number
is never sold, nor is one that a handset had. Where the stock of an area code (or country) is capped, exactly so many
numbers are left: released ones first, then the first free candidates of the seed.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from ringback.kit.chance import chance
from ringback.sim import areas, faults, patterns, plans
from ringback.sim.errors import LineDown, LineError, LineRefused, NeverAnswers
from ringback.sim.unit import Unit

_NANP_COUNTRIES = ("US", "CA")
_MAX_SCAN = 20_000
_MOST_LOOKED_AT = 500
"""Of a country whose numbers are looked through for a pattern: everybody on the network waits meanwhile."""
_PLENTY = 1_000
"""With so many left any number of the area may be one of them; with fewer it must be one of those found first."""


@dataclass(frozen=True, slots=True)
class Sale:
    """A number that can be bought."""

    e164: str
    country: str
    area_code: str | None = None
    city: str | None = None
    state: str | None = None
    rate_center: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a buyer looks for. City, state and postal code go by `areas.matching`."""

    country: str
    area_code: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    e164: str | None = None
    limit: int = 1
    pattern: str | None = None
    """Digits that the number holds without its country's, and `*` for any."""


def line_state(unit: Unit, e164: str) -> str | None:
    """`held`, `released`, `handset`, `was-handset`, or None for a number that nobody ever had."""
    states = unit.known.states
    if e164 not in states:
        row = unit.one("SELECT state FROM lines WHERE e164 = ?", e164)
        states[e164] = row["state"] if row else None
    return states[e164]


def set_line(unit: Unit, e164: str, state: str, country: str) -> None:
    unit.run(
        "INSERT INTO lines (e164, state, country, area_code, changed_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (e164) DO UPDATE SET state = excluded.state, changed_ms = excluded.changed_ms",
        e164,
        state,
        country,
        plans.area_of(e164),
        unit.now,
    )
    unit.known.states[e164] = state


def search(unit: Unit, wish: Wish) -> list[Sale]:
    """Numbers that can be bought now, best match first."""
    if wish.e164 is not None:
        sale = _sale(wish.e164, plans.country_of(wish.e164) or "", wish)
        fits = sale.country == wish.country and wish.area_code in (None, sale.area_code)
        return [sale] if fits and is_for_sale(unit, wish.e164) else []
    if wish.country not in _NANP_COUNTRIES:
        if wish.area_code or wish.city or wish.state or wish.postal_code:
            return []
        most = _MOST_LOOKED_AT if wish.pattern else wish.limit
        fitting = (e164 for e164 in _left(unit, wish.country, None, most) if _holds(e164, wish.pattern))
        return [_sale(e164, wish.country, wish) for e164 in itertools.islice(fitting, wish.limit)]
    return _search_nanp(unit, wish)


def _search_nanp(unit: Unit, wish: Wish) -> list[Sale]:
    codes, city, state = areas.matching(
        wish.country, city=wish.city, state=wish.state, postal_code=wish.postal_code
    )
    if wish.area_code is not None:
        codes = [code for code in codes if code == wish.area_code]
    limit = min(wish.limit, _stock(unit, wish.country, wish.limit))
    if not codes or limit <= 0:
        return []
    sold = unit.one("SELECT count(*) AS n FROM lines WHERE country = ?", wish.country)
    start = int(chance(unit.settings.seed, "area", wish.country, sold["n"] if sold else 0) * len(codes))
    found: list[Sale] = []
    chosen = Wish(wish.country, city=city, state=state)
    if wish.pattern is not None:
        made = patterns.numbers(unit.settings.seed, wish.pattern, codes, start=start)
        fitting = (e164 for e164 in dict.fromkeys(made) if is_for_sale(unit, e164))
        return [_sale(e164, wish.country, chosen) for e164 in itertools.islice(fitting, limit)]
    if _stock(unit, wish.country, -1) >= 0:
        given_back = [e164 for e164 in _released(unit, wish.country, None) if plans.area_of(e164) in codes]
        found = [_sale(e164, wish.country, chosen) for e164 in given_back[:limit]]
    for step in range(len(codes)):
        if len(found) >= limit:
            break
        code = codes[(start + step) % len(codes)]
        seen = {sale.e164 for sale in found}
        found += [
            _sale(e164, wish.country, chosen)
            for e164 in _left(unit, wish.country, code, limit - len(found))
            if e164 not in seen
        ]
    return found[:limit]


def _sale(e164: str, country: str, wish: Wish) -> Sale:
    code = plans.area_of(e164)
    if code is None:
        return Sale(e164, country)
    place = areas.place_of(areas.areas()[code], wish.city, wish.state)
    return Sale(e164, country, code, place.city, place.state, place.city.upper())


def _holds(e164: str, pattern: str | None) -> bool:
    return pattern is None or patterns.holds(e164[1:], pattern)


def _stock(unit: Unit, scope: str, unlimited: int) -> int:
    row = unit.one("SELECT available FROM stock WHERE scope = ?", scope)
    return int(row["available"]) if row else unlimited


def _scope(country: str, area_code: str | None) -> str:
    return f"{country}-{area_code}" if area_code else country


def _left(unit: Unit, country: str, area_code: str | None, limit: int) -> Iterator[str]:
    """Up to `limit` numbers that are left of one area code, or of a country without area codes."""
    stock = _stock(unit, _scope(country, area_code), -1)
    left: Iterator[str] = _free(unit, country, area_code)
    if stock >= 0:
        limit = min(limit, stock)
        left = itertools.chain(_released(unit, country, area_code), left)
    return itertools.islice(left, limit)


def _released(unit: Unit, country: str, area_code: str | None) -> list[str]:
    rows = unit.all(
        "SELECT e164 FROM lines WHERE country = ? AND state = 'released' AND (? IS NULL OR area_code = ?)"
        " ORDER BY changed_ms DESC, e164 LIMIT 1000",
        country,
        area_code,
        area_code,
    )
    return [row["e164"] for row in rows]


def _free(unit: Unit, country: str, area_code: str | None) -> Iterator[str]:
    """Candidates that nobody ever had. The scan starts behind those known to be gone: none ever comes back."""
    key = f"scan\x1f{unit.settings.seed}\x1f{_scope(country, area_code)}"
    row = unit.one("SELECT n FROM ordinals WHERE key = ?", key)
    start = first_free = int(row["n"]) if row else 0
    seen: set[str] = set()
    found = False
    for index in range(start, start + _MAX_SCAN):
        e164 = candidate(unit.settings.seed, "number", country, area_code, index)
        if e164 is None or e164 in seen or line_state(unit, e164) is not None:
            if not found:
                first_free = index + 1
            continue
        seen.add(e164)
        if not found:
            found = True
            if first_free != start:
                unit.run("INSERT OR REPLACE INTO ordinals (key, n) VALUES (?, ?)", key, first_free)
        yield e164


def candidate(seed: int, use: str, country: str, area_code: str | None, index: int) -> str | None:
    """The `index`-th number of a scope for one use (`number` for sale, `handset` for phones)."""
    if area_code is not None:
        return plans.nanp_candidate(seed, use, area_code, index)
    return plans.foreign_candidate(seed, use, country, index)


def is_for_sale(unit: Unit, e164: str) -> bool:
    """Whether this very number can be bought now."""
    country = plans.country_of(e164)
    if country is None or line_state(unit, e164) not in (None, "released") or not plans.is_assignable(e164):
        return False
    area_code = plans.area_of(e164)
    whole = _stock(unit, country, _PLENTY)
    if whole == 0:
        return False
    stock = whole if area_code is None else _stock(unit, _scope(country, area_code), _PLENTY)
    return stock >= _PLENTY or e164 in _left(unit, country, area_code, stock)


def buy(unit: Unit, e164: str, reference: str) -> LineError | None:
    """Sell one number under the buyer's order, once; the answer is what to raise after the commit, if anything."""
    fault = faults.strike_order(unit, e164)
    if fault in ("outage", "connection-lost", "throttled"):
        return LineDown("the carrier is out of reach")
    if fault in ("submit-refused", "queue-full"):
        return LineRefused("the carrier refused the order", "21422")
    order = unit.one("SELECT e164 FROM orders WHERE reference = ?", reference)
    if order is not None:
        return None if order["e164"] == e164 else LineRefused("this order bought another number", "21422")
    if not is_for_sale(unit, e164):
        return LineRefused("the number is not available", "21422")
    country = plans.country_of(e164) or ""
    set_line(unit, e164, "held", country)
    unit.run("INSERT INTO orders (reference, e164, at_ms) VALUES (?, ?, ?)", reference, e164, unit.now)
    _restock(unit, e164, country, -1)
    return NeverAnswers("the carrier took the order and never answered") if fault else None


def order_of(unit: Unit, reference: str) -> str | None:
    """The number that this order bought."""
    row = unit.one("SELECT e164 FROM orders WHERE reference = ?", reference)
    return row["e164"] if row else None


def release(unit: Unit, e164: str) -> None:
    """Take a number back into the stock; one that nobody holds is left as it is."""
    if line_state(unit, e164) == "held":
        country = plans.country_of(e164) or ""
        set_line(unit, e164, "released", country)
        _restock(unit, e164, country, 1)


def reclaim(unit: Unit, e164: str) -> bool:
    """Take a held number away and tell the server; answers whether somebody held it."""
    if line_state(unit, e164) != "held":
        return False
    set_line(unit, e164, "released", plans.country_of(e164) or "")
    unit.tell_server("reclaimed", {"ref": unit.ids.new("nt"), "e164": e164})
    return True


def _restock(unit: Unit, e164: str, country: str, change: int) -> None:
    scopes = {country, _scope(country, plans.area_of(e164))}
    for scope in scopes:
        unit.run("UPDATE stock SET available = max(0, available + ?) WHERE scope = ?", change, scope)
