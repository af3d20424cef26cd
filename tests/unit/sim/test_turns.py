"""Turns: so many in all, few for each, nobody's queue before everybody's first."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from ringback.sim.turns import NoTurn, Turns

pytestmark = pytest.mark.unit


async def take(turns: Turns, name: str, patience_s: float = 5) -> AsyncExitStack:
    held = AsyncExitStack()
    await held.enter_async_context(turns.turn(name, patience_s))
    return held


async def test_each_and_all() -> None:
    turns = Turns(3, 2)
    held = [await take(turns, "a"), await take(turns, "a")]
    with pytest.raises(NoTurn):
        await take(turns, "a", 0.01)
    held.append(await take(turns, "b"))
    with pytest.raises(NoTurn):
        await take(turns, "c", 0.01)
    await held.pop().aclose()
    await (await take(turns, "c", 0.01)).aclose()
    for one in held:
        await one.aclose()
    assert [await take(turns, name, 0.01) for name in "abc"]


async def test_those_that_wait_are_served_round_and_round() -> None:
    turns, order = Turns(1, 1), list[str]()

    async def work(name: str) -> None:
        async with turns.turn(name, 5):
            order.append(name)
            await asyncio.sleep(0)

    first = await take(turns, "first")
    waiting = [asyncio.ensure_future(work(name)) for name in "aaaabbc"]
    await asyncio.sleep(0.01)
    await first.aclose()
    await asyncio.gather(*waiting)
    assert "".join(order) == "abcabaa"


async def test_whoever_gives_up_leaves_nothing_behind() -> None:
    """Also when its turn comes in that very moment."""
    turns = Turns(1, 1)
    for moment in range(40):
        held = await take(turns, "a")
        waiting = [asyncio.ensure_future(take(turns, name)) for name in "bc"]
        await asyncio.sleep(0)
        if moment % 2:
            waiting[0].cancel()
        await held.aclose()
        waiting[0].cancel()
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            if isinstance(result, AsyncExitStack):
                await result.aclose()
    await (await take(turns, "d", 0.01)).aclose()
