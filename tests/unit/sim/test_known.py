"""What the network remembers between units: nothing of those that were not done."""

import asyncio
from pathlib import Path

import pytest

from ringback.kit.clock import MovableClock
from ringback.sim import handsets, inventory
from ringback.sim.engine import Engine
from ringback.sim.handsets import Handset
from ringback.sim.unit import Unit

pytestmark = pytest.mark.unit
BOB, EVE = "+12125550001", "+12125550002"


class Refused(Exception):
    """For the tests."""


def make(unit: Unit, e164: str) -> Handset:
    return handsets.create(unit, e164=e164, country="US")


def make_and_fail(unit: Unit) -> None:
    make(unit, EVE)
    raise Refused


async def test_a_unit_that_fails_is_forgotten_and_its_group_stands(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "network.db", MovableClock(), "strict")
    await engine.start()
    try:
        made, failed = await asyncio.gather(
            engine.run(lambda unit: make(unit, BOB)), engine.run(make_and_fail), return_exceptions=True
        )
        assert isinstance(made, Handset)
        assert isinstance(failed, Refused)

        def look(unit: Unit) -> list[object]:
            return [
                handsets.by_number(unit, BOB),
                inventory.line_state(unit, BOB),
                handsets.by_number(unit, EVE),
                inventory.line_state(unit, EVE),
            ]

        assert await engine.run(look) == [made, "handset", None, None]
    finally:
        await engine.stop()
