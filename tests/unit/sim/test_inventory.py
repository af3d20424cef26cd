"""Numbers to buy: real ones, once each, the same for the same seed."""

import re
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

from ringback.kit.clock import MovableClock
from ringback.sim import Network, areas, inventory, plans
from ringback.sim.errors import LineRefused, NumberTaken
from ringback.sim.inventory import Sale, Wish
from tests.unit.sim.conftest import START_MS, Side

pytestmark = pytest.mark.unit


def test_every_area_code_makes_assignable_numbers() -> None:
    for code, area in areas.areas().items():
        for index in range(3):
            e164 = plans.nanp_candidate(1, "number", code, index)
            number = phonenumbers.parse(e164)
            assert phonenumbers.is_valid_number(number), e164
            assert phonenumbers.region_code_for_number(number) == area.country
            assert plans.is_assignable(e164)
        assert area.places


def test_the_table_has_every_area_code_of_both_countries() -> None:
    kinds = phonenumbers.PhoneNumberType
    known = {
        (str(code), region)
        for code in range(200, 1000)
        if (region := phonenumbers.region_code_for_number(number := phonenumbers.parse(f"+1{code}2345678")))
        in ("US", "CA")
        and phonenumbers.number_type(number) in (kinds.FIXED_LINE, kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE)
    }
    assert {(area.code, area.country) for area in areas.areas().values()} == known


@pytest.mark.parametrize("country", ["GB", "DE", "FR", "JP", "BR", "AU", "IN", "JM", "PR", "MX", "NG"])
async def test_other_countries(network: Network, country: str) -> None:
    found = await network.search(Wish(country, limit=5))
    assert len({sale.e164 for sale in found}) == 5
    for sale in found:
        number = phonenumbers.parse(sale.e164)
        assert phonenumbers.is_valid_number_for_region(number, country)
        assert (sale.country, sale.area_code) == (country, None)
    await network.buy(found[0].e164, "ord_1")
    assert [sale.e164 for sale in await network.search(Wish(country, limit=4))] == [
        sale.e164 for sale in found[1:]
    ]


@pytest.mark.parametrize("pattern", ["2266", "7", "74992", "7**7", "415", "2125550", "4155092266", "*" * 10])
async def test_numbers_that_hold_a_pattern(network: Network, pattern: str) -> None:
    found = await network.search(Wish("US", pattern=pattern, limit=5))
    if pattern != "2125550":  # exchanges of 555 are nobody's, and an area code can't begin with 1
        assert found
    wanted = re.compile(pattern.replace("*", "[0-9]"))
    assert len({sale.e164 for sale in found}) == len(found) <= 5
    for sale in found:
        assert phonenumbers.is_valid_number_for_region(phonenumbers.parse(sale.e164), "US")
        assert wanted.search(sale.e164[2:]), sale
    for sale in found:
        await network.buy(sale.e164, f"ord_{sale.e164}")
    again = await network.search(Wish("US", pattern=pattern, limit=5))
    assert not {sale.e164 for sale in again} & {sale.e164 for sale in found}


async def test_a_pattern_that_nothing_has_is_not_looked_for_long(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody on the network waits meanwhile."""
    looked = 0
    plain = inventory.line_state

    def count(*args: Any) -> str | None:
        nonlocal looked
        looked += 1
        return plain(*args)

    monkeypatch.setattr(inventory, "line_state", count)
    for country in ("GB", "JP", "US"):
        await network.search(Wish(country, pattern="0000000000", limit=20))
    assert looked < 3_000


async def test_a_pattern_keeps_to_the_area_and_the_country(network: Network) -> None:
    found = await network.search(Wish("US", "415", pattern="2266", limit=3))
    assert [sale.e164[:5] for sale in found] == ["+1415"] * 3
    assert [sale.e164[-4:] for sale in found] == ["2266"] * 3
    (boston, *_) = await network.search(Wish("US", city="Boston", pattern="88", limit=2))
    assert boston.city == "Boston"
    for sale in await network.search(Wish("GB", pattern="7", limit=3)):
        assert sale.country == "GB"
        assert "7" in sale.e164
    assert await network.search(Wish("US", "415", pattern="2122266000")) == []


async def test_no_plan_no_number(network: Network) -> None:
    assert await network.search(Wish("XX")) == []
    assert await network.search(Wish("GB", area_code="415")) == []
    assert await network.search(Wish("US", area_code="416")) == []
    assert await network.search(Wish("US", area_code="800")) == []


async def test_filters(network: Network) -> None:
    async def one(**wish: str) -> Sale:
        return (await network.search(Wish("US", **wish)))[0]  # type: ignore[arg-type]

    sale = await one(area_code="415")
    assert (sale.area_code, sale.city, sale.state, sale.rate_center) == (
        "415",
        "San Francisco",
        "CA",
        "SAN FRANCISCO",
    )
    assert sale.e164.startswith("+1415")
    assert (await one(city="austin", state="tx")).area_code in ("512", "737")
    assert (await one(state="WY")).area_code == "307"
    assert (await one(postal_code="94103")).city == "San Francisco"
    assert (await one(postal_code="02139")).state == "MA"
    (canadian,) = await network.search(Wish("CA", postal_code="M5V 2T6"))
    assert canadian.state == "ON"
    for none in (
        {"city": "Atlantis"},
        {"state": "ZZ"},
        {"postal_code": "x"},
        {"city": "Austin", "state": "CA"},
    ):
        assert await network.search(Wish("US", **none)) == []  # type: ignore[arg-type]


async def test_capped_stock(network: Network) -> None:
    await network.change_settings({"inventory": {"US-415": 2}})
    first, second = await network.search(Wish("US", "415", limit=10))
    for order, sale in enumerate((first, second)):
        await network.buy(sale.e164, f"ord_{order}")
    assert await network.search(Wish("US", "415")) == []
    assert (await network.get_settings()).inventory == {"US-415": 0}
    assert (await network.search(Wish("US")))[0].area_code != "415"
    await network.release(first.e164)
    assert [sale.e164 for sale in await network.search(Wish("US", "415", limit=10))] == [first.e164]
    assert (await network.get_settings()).inventory == {"US-415": 1}
    with pytest.raises(LineRefused):
        await network.buy(plans.nanp_candidate(9, "number", "415", 1), "ord_x")
    await network.buy(first.e164, "ord_3")
    assert await network.order_of("ord_3") == first.e164


async def test_a_capped_country(network: Network) -> None:
    await network.change_settings({"inventory": {"GB": 1, "US": 0}})
    assert await network.search(Wish("US")) == []
    (only,) = await network.search(Wish("GB", limit=3))
    await network.buy(only.e164, "ord_1")
    assert await network.search(Wish("GB")) == []
    await network.release(only.e164)
    assert [sale.e164 for sale in await network.search(Wish("GB", limit=3))] == [only.e164]


async def test_an_order_buys_once(network: Network) -> None:
    one, two = await network.search(Wish("US", limit=2))
    await network.buy(one.e164, "ord_1")
    await network.buy(one.e164, "ord_1")
    for wrong, order in ((two.e164, "ord_1"), (one.e164, "ord_2")):
        with pytest.raises(LineRefused):
            await network.buy(wrong, order)
    assert [await network.order_of(order) for order in ("ord_1", "ord_2")] == [one.e164, None]
    assert await network.search(Wish("US", e164=one.e164)) == []
    assert [sale.e164 for sale in await network.search(Wish("US", e164=two.e164))] == [two.e164]


async def test_handset_numbers_are_never_sold(network: Network) -> None:
    phone = await network.create_handset(area_code="415")
    with pytest.raises(LineRefused):
        await network.buy(phone.e164, "ord_1")
    await network.delete_handset(phone.id)
    with pytest.raises(LineRefused):
        await network.buy(phone.e164, "ord_1")
    assert (await network.create_handset(phone_number=phone.e164)).e164 == phone.e164


async def test_held_and_released_numbers_are_no_handsets(network: Network, side: Side) -> None:
    ours = await side.buy()
    with pytest.raises(NumberTaken):
        await network.create_handset(phone_number=ours)
    await network.release(ours)
    with pytest.raises(NumberTaken):
        await network.create_handset(phone_number=ours)
    await network.release("+14155550199")


async def test_one_number_is_sold_to_one_of_many(network: Network) -> None:
    import asyncio

    (sale,) = await network.search(Wish("US"))
    results = await asyncio.gather(
        *(network.buy(sale.e164, f"ord_{n}") for n in range(20)), return_exceptions=True
    )
    assert sum(result is None for result in results) == 1


async def test_the_same_seed_gives_the_same_numbers(tmp_path: Path) -> None:
    async def world(name: str, seed: int) -> list[str]:
        network = Network(tmp_path / name, MovableClock(frozen_ms=START_MS))
        await network.start()
        await network.change_settings({"seed": seed})
        made = [(await network.create_handset(country=country)).e164 for country in ("US", "CA", "FR")]
        for order in range(5):
            (sale,) = await network.search(Wish("US"))
            await network.buy(sale.e164, f"ord_{order}")
            made.append(sale.e164)
        await network.stop()
        return made

    assert await world("a", 1) == await world("b", 1) != await world("c", 2)


async def test_any_number_of_a_plentiful_area_can_be_asked_for(network: Network) -> None:
    wanted = plans.nanp_candidate(9, "number", "415", 1)
    await network.change_settings({"inventory": {"US-415": 5}})
    assert await network.search(Wish("US", e164=wanted)) == []
    await network.change_settings({"inventory": {"US-415": 100_000}})
    assert [sale.e164 for sale in await network.search(Wish("US", e164=wanted))] == [wanted]
    assert await network.search(Wish("US", e164="+14155550100")) == []
    assert await network.search(Wish("CA", e164=wanted)) == []
    await network.change_settings({"inventory": {}})
    await network.buy(wanted, "ord_1")


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    import subprocess
    import sys

    code = (
        "import sys, asyncio, tempfile, pathlib\n"
        "from ringback.carriers.simulated import SimulatedCarrier\n"
        "from ringback.kit.clock import MovableClock\n"
        "from ringback.sim import Network\n"
        "async def main():\n"
        "    network = Network(pathlib.Path(tempfile.mkdtemp()) / 'n.db', MovableClock())\n"
        "    await network.start()\n"
        "    await network.create_handset()\n"
        "    (offer,) = await SimulatedCarrier(network).search('US')\n"
        "    await SimulatedCarrier(network).buy(offer.e164, 'ord_1')\n"
        "    await network.stop()\n"
        "asyncio.run(main())\n"
        "print([name for name in ('phonenumbers', 'aiohttp', 'fastapi') if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
