"""Sessions that were signed out, the same on both kinds of store."""

import pytest

from ringback.accounts import sign_outs
from ringback.storage.schema import meta
from tests.storage.world import World

pytestmark = pytest.mark.unit


async def test_they_are_remembered_until_their_time_is_up(world: World) -> None:
    async def end(mark: str, until_ms: int, now_ms: int) -> None:
        await world.store.write(lambda tx: sign_outs.end(tx, mark, until_ms=until_ms, now_ms=now_ms))

    async def over(*marks: str) -> list[str]:
        return await world.store.read(lambda db: [mark for mark in marks if sign_outs.is_over(db, mark)])

    await world.store.write(lambda tx: tx.insert(meta, key="aaa", value="0") and None)
    await world.store.write(lambda tx: tx.insert(meta, key="zzz", value="0") and None)
    await end("a", 9_000, 1_000)
    await end("b", 90_000, 2_000)
    await end("b", 90_000, 3_000)
    assert await over("a", "b", "c") == ["a", "b"]
    await end("c", 100_000, 9_001)
    assert await over("a", "b", "c") == ["b", "c"], "by itself it is over too"
    kept = await world.store.read(lambda db: [db.get(meta, key) is not None for key in ("aaa", "zzz")])
    assert kept == [True, True]
