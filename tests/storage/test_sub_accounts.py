"""Sub-accounts in both stores, and on the shared one while other processes use it: locks decide who is first."""

import asyncio
from typing import Any

import pytest

from ringback.accounts import keys, subs
from ringback.accounts.book import AccountBook
from ringback.accounts.errors import (
    AccountNotFound,
    SubAccountHasOpenOrders,
    SubAccountNested,
    SubAccountNotFound,
)
from ringback.carriers.protocol import Offer
from ringback.doors.rest.caller import Keys
from ringback.flows.buy_number import BuyNumber, _order
from ringback.flows.delete_sub_account import delete_sub_account
from ringback.storage import schema
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx
from tests.storage.world import World

pytestmark = pytest.mark.unit

OFFER = Offer("+14155550170", "US", "415")


async def make(world: World, name: str = "branch") -> str:
    row = await world.store.write(lambda tx: subs.create(tx, world.account, name), account=world.account)
    made: str = row["id"]
    return made


async def delete(world: World, sub: str, store: Store | None = None) -> list[str]:
    return await (store or world.store).write(
        lambda tx: delete_sub_account(tx, world.account, sub), account=world.account
    )


async def order(store: Store, sub: str) -> Row:
    asked = BuyNumber(sub, "US")
    return await store.write(lambda tx: _order(tx, "simulated", asked, OFFER, 10), account=sub)


async def test_from_first_to_last(world: World) -> None:
    stranger, _ = await world.add_account("stranger", first=100)
    first, second = await make(world, "first"), await make(world, "second")

    def nested(tx: Tx) -> None:
        subs.create(tx, first, "nested")

    with pytest.raises(SubAccountNested):
        await world.store.write(nested, account=first)

    def rename(tx: Tx, parent: str, sub: str) -> Row:
        return subs.rename(tx, parent, sub, "renamed")

    assert (await world.store.write(lambda tx: rename(tx, world.account, first)))["name"] == "renamed"
    for parent, sub in ((stranger, first), (first, second), (first, first), (world.account, stranger)):
        with pytest.raises(SubAccountNotFound):
            await world.store.write(lambda tx, parent=parent, sub=sub: rename(tx, parent, sub))  # type: ignore[misc]
    assert await delete(world, first) == []
    found = await world.store.read(
        lambda db: (subs.page(db, world.account, limit=9, offset=0), subs.count(db, world.account))
    )
    assert ([row["id"] for row in found[0]], found[1]) == ([second], 1)
    assert await world.store.read(lambda db: subs.is_deleted(db, first))
    assert not await world.store.read(lambda db: subs.is_deleted(db, second))
    with pytest.raises(SubAccountNotFound):
        await delete(world, first)


async def test_its_keys_end_with_it(world: World) -> None:
    sub = await make(world)
    book = AccountBook(world.store, world.settings.data)
    made = await book.create_key("own", None, account_id=sub)
    other = await world.another_store()
    elsewhere = Keys(other, world.clock)
    assert (await elsewhere.find(made.key)) is not None
    assert await delete(world, sub) == [keys.hash_of(made.key)]
    assert await Keys(world.store, world.clock).find(made.key) is None
    if other.shared:
        # Another process believes what it knows for a moment, and no longer.
        await asyncio.sleep(1.1)
        assert await elsewhere.find(made.key) is None
    await other.stop()
    with pytest.raises(AccountNotFound):
        await book.create_key("late", None, account_id=sub)


async def test_buying_and_deleting_meet_at_the_lock(shared_world: World) -> None:
    """Two processes at once: either the order was written, or the account is gone; never both."""
    world = shared_world
    other = await world.another_store()
    branches = [await make(world, f"{n}") for n in range(20)]
    outcomes: list[tuple[Any, Any]] = []
    for sub in branches:
        both = await asyncio.gather(order(other, sub), delete(world, sub), return_exceptions=True)
        outcomes.append((both[0], both[1]))
    await other.stop()
    for ordered, deleted in outcomes:
        if isinstance(ordered, BaseException):
            assert isinstance(ordered, SubAccountNotFound)
            assert deleted == []
        else:
            assert isinstance(deleted, SubAccountHasOpenOrders)
    gone = {row["id"] for row in await world.rows(schema.accounts) if row["deleted_at"] is not None}
    assert not gone & {row["account_id"] for row in await world.rows(schema.number_orders)}
