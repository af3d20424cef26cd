"""Area codes of the United States and Canada, their states or provinces and main cities.

`areacodes.csv` lists every geographic area code in service as `phonenumbers` 9.0 knows it, with the cities that its
geocoder names most often; overlays carry the cities of the area they lie over.
"""

import functools
from dataclasses import dataclass
from importlib import resources

_ZIP_RANGES = (
    "005-005 NY,006-009 PR,010-027 MA,028-029 RI,030-038 NH,039-049 ME,050-059 VT,060-069 CT,070-089 NJ,100-149 NY,"
    "150-196 PA,197-199 DE,200-200 DC,201-201 VA,202-205 DC,206-219 MD,220-246 VA,247-268 WV,270-289 NC,290-299 SC,"
    "300-319 GA,320-349 FL,350-369 AL,370-385 TN,386-397 MS,398-399 GA,400-427 KY,430-459 OH,460-479 IN,480-499 MI,"
    "500-528 IA,530-549 WI,550-567 MN,570-577 SD,580-588 ND,590-599 MT,600-629 IL,630-658 MO,660-679 KS,680-693 NE,"
    "700-714 LA,716-729 AR,730-749 OK,750-799 TX,800-816 CO,820-831 WY,832-838 ID,840-847 UT,850-865 AZ,870-884 NM,"
    "885-885 TX,889-898 NV,900-961 CA,967-968 HI,970-979 OR,980-994 WA,995-999 AK"
)
_ZIP_CITIES = {
    "021": "Boston",
    "100": "New York",
    "101": "New York",
    "102": "New York",
    "103": "Staten Island",
    "104": "Bronx",
    "112": "Brooklyn",
    "191": "Philadelphia",
    "212": "Baltimore",
    "303": "Atlanta",
    "331": "Miami",
    "372": "Nashville",
    "432": "Columbus",
    "441": "Cleveland",
    "482": "Detroit",
    "554": "Minneapolis",
    "606": "Chicago",
    "631": "St. Louis",
    "701": "New Orleans",
    "752": "Dallas",
    "770": "Houston",
    "782": "San Antonio",
    "787": "Austin",
    "802": "Denver",
    "850": "Phoenix",
    "891": "Las Vegas",
    "900": "Los Angeles",
    "921": "San Diego",
    "941": "San Francisco",
    "951": "San Jose",
    "972": "Portland",
    "981": "Seattle",
}
_POSTAL_PROVINCES = {
    "A": "NL",
    "B": "NS",
    "C": "PE",
    "E": "NB",
    "G": "QC",
    "H": "QC",
    "J": "QC",
    "K": "ON",
    "L": "ON",
    "M": "ON",
    "N": "ON",
    "P": "ON",
    "R": "MB",
    "S": "SK",
    "T": "AB",
    "V": "BC",
    "X": "NT",
    "Y": "YT",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A city and its state or province."""

    city: str
    state: str


@dataclass(frozen=True, slots=True)
class Area:
    """One area code."""

    code: str
    country: str
    places: tuple[Place, ...]


@functools.cache
def areas() -> dict[str, Area]:
    """Every area code, read once at first need."""
    text = resources.files("ringback.sim").joinpath("areacodes.csv").read_text(encoding="utf-8")
    found = {}
    for line in text.splitlines()[1:]:
        code, country, places = line.split(",", 2)
        pairs = (place.rsplit("/", 1) for place in places.split(";"))
        found[code] = Area(code, country, tuple(Place(city, state) for city, state in pairs))
    return found


@functools.cache
def codes_of(country: str) -> tuple[str, ...]:
    """The area codes of one country, in order."""
    return tuple(code for code, area in areas().items() if area.country == country)


def place_of(area: Area, city: str | None = None, state: str | None = None) -> Place:
    """The place of an area that fits the wish, else its main one."""
    return next((place for place in area.places if _fits(place, city, state)), area.places[0])


def matching(
    country: str, *, city: str | None = None, state: str | None = None, postal_code: str | None = None
) -> tuple[list[str], str | None, str | None]:
    """Area codes that fit, with the city and state they were chosen by.

    City and state go by the table, in either case; the state is the two-letter abbreviation. A US ZIP code goes by
    its first three digits to a state, and to the city for some thirty large ones; a Canadian postal code by its first
    letter to a province. Nothing fits: an empty list.
    """
    if postal_code is not None:
        zip_city, zip_state = _of_postal_code(country, postal_code)
        if zip_state is None or (state is not None and state.upper() != zip_state):
            return [], city, state
        state = zip_state
        city = city or zip_city
    codes = [
        code for code in codes_of(country) if any(_fits(place, city, state) for place in areas()[code].places)
    ]
    return codes, city, state


def _fits(place: Place, city: str | None, state: str | None) -> bool:
    return (city is None or place.city.casefold() == city.strip().casefold()) and (
        state is None or place.state == state.strip().upper()
    )


def _of_postal_code(country: str, postal_code: str) -> tuple[str | None, str | None]:
    code = postal_code.strip().upper()
    if country == "CA":
        return None, _POSTAL_PROVINCES.get(code[:1])
    prefix = code[:3]
    if len(prefix) < 3 or not prefix.isdecimal():
        return None, None
    for entry in _ZIP_RANGES.split(","):
        span, state = entry.split(" ")
        if span[:3] <= prefix <= span[4:]:
            return _ZIP_CITIES.get(prefix), state
    return None, None
