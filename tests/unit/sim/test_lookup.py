"""What the network has on record of numbers."""

import pytest

from ringback.kit.clock import MovableClock
from ringback.sim import Network
from ringback.sim.errors import LineDown
from ringback.sim.lookup import Line

from .conftest import Side

pytestmark = pytest.mark.unit


async def test_who_has_a_number_says_what_it_is(network: Network, side: Side) -> None:
    ours = await side.buy()
    phones = {
        name: await network.create_handset(personality=name)
        for name in ("answers", "landline", "unreachable", "blocks-you")
    }
    deskphone = await network.create_handset(capabilities=("voice",))
    asked = [ours, *[phone.e164 for phone in phones.values()], deskphone.e164, "+14155550100"]
    assert await network.lookup(asked) == [
        Line(ours, "voip", rcs=False),
        Line(phones["answers"].e164, "mobile", rcs=False),
        Line(phones["landline"].e164, "landline", rcs=False),
        Line(phones["unreachable"].e164, "mobile", rcs=False),
        Line(phones["blocks-you"].e164, "mobile", rcs=False),
        Line(deskphone.e164, "landline", rcs=False),
    ]


async def test_nobody_has_what_was_given_back(network: Network, side: Side) -> None:
    ours = await side.buy()
    phone = await network.create_handset()
    await network.release(ours)
    await network.delete_handset(phone.id)
    assert await network.lookup([ours, phone.e164]) == []


async def test_a_lookup_makes_no_phone(network: Network, clock: MovableClock) -> None:
    assert await network.lookup(["+14155550100"]) == []
    assert (await network.list_handsets())[1] == 0


async def test_an_outage(network: Network) -> None:
    await network.create_fault("outage")
    with pytest.raises(LineDown):
        await network.lookup(["+14155550100"])
