"""Opt-outs of a number that is bought again, on both kinds of store."""

from typing import Any, cast

import pytest

from ringback.accounts import subs
from ringback.carriers.protocol import Carrier, Offer
from ringback.flows.buy_number import BuyNumber, _order, complete
from ringback.flows.release_number import release
from ringback.storage import schema
from ringback.storage.tx import Row, Tx
from tests.storage.world import World

pytestmark = pytest.mark.unit

PEOPLE = [f"+1212555{n:04d}" for n in range(300)]
NO_CARRIER = cast(Carrier, None)  # who asks with no Idempotency-Key needs none to complete an order


async def buy(world: World, account: str, e164: str) -> Row:
    offer = Offer(e164, "US", "415")

    def unit(tx: Tx) -> Row | None:
        order = _order(tx, "simulated", BuyNumber(account, "US"), offer, 10)
        return complete(tx, NO_CARRIER, order)

    bought = await world.store.write(unit, account=account)
    assert bought is not None
    return bought


async def opt_out(world: World, number: Row, *people: str) -> None:
    def unit(tx: Tx) -> None:
        for person in people:
            tx.insert(
                schema.opt_outs,
                account_id=number["account_id"],
                number_id=number["id"],
                party=person,
                word="STOP",
                since=tx.now,
            )

    await world.store.write(unit, account=number["account_id"])


async def opted_out(world: World, number: Row) -> dict[str, Any]:
    rows = await world.rows(schema.opt_outs, account_id=number["account_id"], number_id=number["id"])
    return {row["party"]: (row["word"], row["since"]) for row in rows}


async def give_up(world: World, number: Row) -> None:
    account = number["account_id"]
    await world.store.write(lambda tx: release(tx, account, number["id"]), account=account)


async def test_they_go_with_the_number_within_one_house(world: World) -> None:
    sub = await world.store.write(lambda tx: subs.create(tx, world.account, "sub"), account=world.account)
    stranger, _ = await world.add_account("stranger", first=100)
    [first] = await world.rows(schema.numbers, id=world.numbers[0])
    [second] = await world.rows(schema.numbers, id=world.numbers[1])
    await opt_out(world, first, *PEOPLE)
    await opt_out(world, second, "+13105550000")
    said = await opted_out(world, first)
    assert len(said) == len(PEOPLE)
    world.clock.move_to(world.clock.now_ms() + 60_000)

    await give_up(world, first)
    again = await buy(world, sub["id"], first["e164"])
    assert await opted_out(world, again) == said, "and since when"

    # One opts in again, one more opts out: what counts is what the last number knew.
    await world.store.write(
        lambda tx: tx.delete(schema.opt_outs, sub["id"], again["id"], PEOPLE[0]), account=sub["id"]
    )
    await opt_out(world, again, "+13105550001")
    said = await opted_out(world, again)
    await give_up(world, again)
    theirs = await buy(world, stranger, first["e164"])
    assert await opted_out(world, theirs) == {}
    await give_up(world, theirs)
    assert await opted_out(world, await buy(world, world.account, first["e164"])) == said
