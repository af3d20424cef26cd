"""Contacts on both kinds of store: one for each number, and a search that is the same."""

import asyncio

import pytest

from ringback.contacts import service, store
from ringback.contacts.errors import ContactExists
from ringback.contacts.schemas import CreateContact, UpdateContact
from ringback.storage import schema
from ringback.storage.tx import Row, Tx
from tests.storage.world import World

pytestmark = pytest.mark.unit

ANN = "+14155550114"


async def add(world: World, number: str, name: str, notes: str | None = None) -> Row:
    asked = CreateContact(phone_number=number, name=name, notes=notes)
    return await world.store.write(lambda tx: service.create(tx, world.account, asked), account=world.account)


async def find(world: World, text: str) -> list[str]:
    rows, total = await world.store.read(lambda db: store.search(db, world.account, text, limit=50, offset=0))
    assert total == len(rows)
    return [row["name"] for row in rows]


async def test_sixteen_at_once_make_one(world: World) -> None:
    done = await asyncio.gather(*[add(world, ANN, f"Ann {n}") for n in range(16)], return_exceptions=True)
    assert sum(isinstance(each, ContactExists) for each in done) == 15
    [row] = await world.rows(schema.contacts)
    assert row in done
    assert (await world.head())["contact_count"] == 1
    assert len(await world.rows(schema.events)) == 1


async def test_two_that_want_each_others_number(world: World) -> None:
    """Numbers swapped by racing changes: whoever is first wins, and no number is ever held twice."""
    ann, ben = await add(world, ANN, "Ann"), await add(world, "+14155550115", "Ben")

    def move(row: Row, number: str) -> UpdateContact:
        return UpdateContact(phone_number=number, name=row["name"])

    async def change(row: Row, number: str) -> Row:
        return await world.store.write(
            lambda tx: service.update(tx, world.account, row["id"], move(row, number)), account=world.account
        )

    async def remove(row: Row) -> None:
        await world.store.write(
            lambda tx: service.delete(tx, world.account, row["id"]), account=world.account
        )

    both = await asyncio.gather(change(ann, ben["e164"]), change(ben, ann["e164"]), return_exceptions=True)
    assert [type(each) for each in both] == [ContactExists, ContactExists]
    await asyncio.gather(remove(ben), change(ann, "+14155550116"))
    await asyncio.gather(*[change(ann, f"+1415555012{n}") for n in range(8)], add(world, ANN, "Cem"))
    found = await world.rows(schema.contacts)
    assert sorted(row["name"] for row in found) == ["Ann", "Cem"]
    assert (await world.head())["contact_count"] == 2


async def test_the_index_is_the_last_line(world: World) -> None:
    """Whoever looks for no other contact first is stopped by the store, and nothing of it stays.

    PostgreSQL's unit is run again as one that met another process, which here doesn't help.
    """
    row = await add(world, ANN, "Ann")

    def blindly(tx: Tx) -> None:
        tx.insert(schema.contacts, **{**row, "id": tx.new_id("con")})

    with pytest.raises(Exception, match=r"UNIQUE constraint|too busy"):
        await world.store.write(blindly, account=world.account)
    assert await world.rows(schema.contacts) == [row]


async def test_a_search_is_the_same_on_both(world: World) -> None:
    await add(world, ANN, "100% Größe_İ")
    await add(world, "+442079460018", "1000 Grosse", "back\\slash, 'quoted', 李 😀 /%")
    for text, names in (
        ("100%", ["100% Größe_İ"]),
        ("GRÖSSE_", ["100% Größe_İ"]),
        ("gro", ["1000 Grosse"]),
        ("\\", ["1000 Grosse"]),
        ("'", ["1000 Grosse"]),
        ("李 😀", ["1000 Grosse"]),
        ("/%", ["1000 Grosse"]),
        ("/_", []),
        ("%Gr", []),
        ("_i", ["100% Größe_İ"]),
        ("_ı", ["100% Größe_İ"]),
        ("İ+", []),
        ("\n", []),
        ("(415) 555-01", ["100% Größe_İ"]),
        ("+44 (0)20 7946 0018", ["1000 Grosse"]),
        ("😀" * 200, []),
    ):
        assert await find(world, text) == names, text
