"""Memory: so many bytes at one time, first come first served."""

import asyncio

import pytest

from ringback.sim.memory import Memory

pytestmark = pytest.mark.unit


async def test_what_is_not_kept_is_free_and_at_the_end_all_is() -> None:
    memory = Memory(100)
    with memory.share(0.01) as one, memory.share(0.01) as other:
        assert await one.ask(60)
        assert not await other.ask(60)
        one.keep(40)
        assert await other.ask(60)
        assert not await one.ask(1)
        other.keep(0)
        assert await one.ask(60)  # and is given back though it was never kept
    assert await memory.take(100, 0.01)


async def test_those_that_wait_are_served_in_their_order() -> None:
    memory, order = Memory(10), list[int]()

    async def work(size: int) -> None:
        assert await memory.take(size, 5)
        order.append(size)
        await asyncio.sleep(0)
        memory.give_back(size)

    assert await memory.take(9, 5)
    waiting = [asyncio.ensure_future(work(size)) for size in (8, 1, 7)]
    await asyncio.sleep(0.01)
    assert order == []  # the small one passes nobody, or a large one would never be served
    memory.give_back(9)
    await asyncio.gather(*waiting)
    assert order == [8, 1, 7]


async def test_whoever_gives_up_leaves_nothing_behind() -> None:
    """Also when it is served in that very moment."""
    memory = Memory(10)
    for moment in range(40):
        assert await memory.take(10, 5)
        waiting = [asyncio.ensure_future(memory.take(6, 5)) for _ in range(2)]
        await asyncio.sleep(0)
        if moment % 2:
            waiting[0].cancel()
        memory.give_back(10)
        waiting[0].cancel()
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            if result is True:
                memory.give_back(6)
    assert await memory.take(10, 0.01)
