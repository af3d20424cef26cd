"""Units of work: all or nothing, in order, on both stores."""

import asyncio
from typing import Any, cast

import pytest
from sqlalchemy import bindparam, select, update

from ringback.kit.faults import Conflict
from ringback.storage import outbox, schema
from ringback.storage.statements import Statement
from ringback.storage.store import Need
from ringback.storage.tx import Row, Tx
from tests.storage.world import World

pytestmark = pytest.mark.unit

NAMES = Statement(
    select(schema.agents)
    .where(schema.agents.c.account_id == bindparam("account_id"))
    .order_by(schema.agents.c.id)
)
RENAME_ALL = Statement(
    update(schema.agents).where(schema.agents.c.account_id == bindparam("of")).values(name="renamed")
)


class Refused(Conflict):
    """For the tests."""


def add_agent(tx: Tx, account: str, agent: str, name: str = "A") -> Row:
    return tx.insert(schema.agents, account_id=account, id=agent, name=name, settings="{}", created_at=tx.now)


def count_up(tx: Tx, account: str) -> int:
    head = tx.get(schema.accounts, account)
    assert head is not None
    return int(tx.update(schema.accounts, head, event_seq=head["event_seq"] + 1)["event_seq"])


def agent_need(world: World, agent: str) -> list[Need]:
    return [(schema.agents, (world.account, agent))]


@pytest.mark.parametrize("batched", [True, False])
async def test_a_refusal_leaves_nothing(world: World, batched: bool) -> None:
    def unit(tx: Tx) -> None:
        add_agent(tx, world.account, "agt_1")
        count_up(tx, world.account)
        tx.adjust(schema.lanes, id="lane", account_id=world.account, kind="text", backlog=1)
        tx.wake("text")
        raise Refused("no")

    with pytest.raises(Refused):
        await world.store.write(unit, account=world.account, needs=[] if batched else None)
    assert await world.rows(schema.agents) == []
    assert await world.rows(schema.lanes) == []
    assert (await world.head())["event_seq"] == 0
    assert world.woken == []


@pytest.mark.parametrize("batched", [True, False])
async def test_what_was_added_is_seen_although_the_row_was_changed_too(world: World, batched: bool) -> None:
    """By the unit that did both and by its neighbours, each once."""
    needs: list[Need] | None = [] if batched else None

    def begin(tx: Tx) -> None:
        tx.insert(schema.lanes, id="lane", account_id=world.account, kind="text", backlog=1)

    def change(tx: Tx) -> int:
        before = tx.get(schema.lanes, "lane")
        assert before is not None
        tx.update(schema.lanes, before, served_at=before["served_at"] + 1)
        tx.adjust(schema.lanes, id="lane", account_id=world.account, kind="text", backlog=10)
        return look(tx)

    def look(tx: Tx) -> int:
        row = tx.get(schema.lanes, "lane")
        assert row is not None
        return int(row["backlog"])

    await world.store.write(begin, account=world.account)
    units = [change, look, change, look]
    seen = await asyncio.gather(
        *[world.store.write(unit, account=world.account, needs=needs) for unit in units]
    )
    if batched:
        assert seen == [11, 11, 21, 21]
    (lane,) = await world.rows(schema.lanes)
    assert (lane["backlog"], lane["served_at"]) == (21, 2)


async def test_a_refusal_spares_its_neighbours(world: World) -> None:
    def unit(tx: Tx, n: int) -> None:
        add_agent(tx, world.account, f"agt_{n}")
        count_up(tx, world.account)
        if n % 3 == 0:
            raise Refused(str(n))

    results = await asyncio.gather(
        *[
            world.store.write(lambda tx, n=n: unit(tx, n), account=world.account, needs=[])  # type: ignore[misc]
            for n in range(30)
        ],
        return_exceptions=True,
    )
    assert [isinstance(result, Refused) for result in results] == [n % 3 == 0 for n in range(30)]
    assert len(await world.rows(schema.agents)) == 20
    assert (await world.head())["event_seq"] == 20


async def test_a_refusal_after_a_select_rolls_back_what_was_sent(world: World) -> None:
    def unit(tx: Tx) -> None:
        add_agent(tx, world.account, "agt_1")
        assert [row["id"] for row in tx.all(NAMES, account_id=world.account)] == ["agt_1"]
        raise Refused("no")

    with pytest.raises(Refused):
        await world.store.write(unit, account=world.account)
    assert await world.rows(schema.agents) == []


async def test_a_select_sees_the_units_own_changes_and_an_update_after_it_counts(world: World) -> None:
    def unit(tx: Tx) -> list[str]:
        add_agent(tx, world.account, "agt_1", "one")
        add_agent(tx, world.account, "agt_2", "two")
        rows = tx.all(NAMES, account_id=world.account)
        tx.update(schema.agents, rows[0], name="ONE")
        tx.delete(schema.agents, world.account, "agt_2")
        return [row["name"] for row in tx.all(NAMES, account_id=world.account)]

    assert await world.store.write(unit, account=world.account) == ["ONE"]
    assert [row["name"] for row in await world.rows(schema.agents)] == ["ONE"]


async def test_a_bulk_statement_is_seen_by_the_gets_that_follow(world: World) -> None:
    def unit(tx: Tx) -> str:
        add_agent(tx, world.account, "agt_1", "one")
        assert tx.get(schema.agents, world.account, "agt_1") is not None
        assert tx.execute(RENAME_ALL, [schema.agents], of=world.account) == 1
        row = tx.get(schema.agents, world.account, "agt_1")
        assert row is not None
        return str(row["name"])

    assert await world.store.write(unit, account=world.account) == "renamed"


async def test_changes_of_one_row_are_merged(world: World) -> None:
    def unit(tx: Tx) -> None:
        row = add_agent(tx, world.account, "agt_1", "one")
        row = tx.update(schema.agents, row, name="two")
        tx.update(schema.agents, row, settings="[]")
        tx.delete(schema.agents, world.account, "agt_1")
        add_agent(tx, world.account, "agt_1", "three")
        add_agent(tx, world.account, "agt_2")
        tx.delete(schema.agents, world.account, "agt_2")

    await world.store.write(unit, account=world.account, needs=[])
    assert [(row["id"], row["name"], row["settings"]) for row in await world.rows(schema.agents)] == [
        ("agt_1", "three", "{}")
    ]

    def replace(tx: Tx) -> None:
        tx.delete(schema.agents, world.account, "agt_1")
        add_agent(tx, world.account, "agt_1", "four")

    await world.store.write(replace, account=world.account, needs=[])
    assert [row["name"] for row in await world.rows(schema.agents)] == ["four"]


async def test_a_unit_reads_what_was_named_and_what_was_not(world: World) -> None:
    await world.store.write(lambda tx: add_agent(tx, world.account, "agt_1"), account=world.account)
    for needs in (agent_need(world, "agt_1"), [], None):
        row = await world.store.write(
            lambda tx: tx.get(schema.agents, world.account, "agt_1"), account=world.account, needs=needs
        )
        assert row is not None
        missing = await world.store.write(
            lambda tx: tx.get(schema.agents, world.account, "agt_2"), account=world.account, needs=needs
        )
        assert missing is None


async def test_what_a_unit_did_is_there_when_it_is_answered_and_wakes(world: World) -> None:
    def unit(tx: Tx) -> str:
        tx.wake("text")
        return tx.new_id("x")

    assert (await world.store.write(unit)).startswith("x_")
    assert world.woken == ["text"]


async def test_units_of_one_account_count_without_a_gap(world: World) -> None:
    """Batches and transactions of their own, at once."""
    counted = await asyncio.gather(
        *[
            world.store.write(
                lambda tx: count_up(tx, world.account),
                account=world.account,
                needs=None if n % 4 == 0 else [],
            )
            for n in range(200)
        ]
    )
    assert sorted(counted) == list(range(1, 201))


async def test_texts_give_gapless_events_and_rising_times(world: World) -> None:
    texts = [world.text(f"+1212555{n % 20:04d}", number=n % 3) for n in range(150)]
    await asyncio.gather(*[world.send(text) for text in texts])
    events = await world.rows(schema.events)
    conversations = await world.rows(schema.conversations)
    assert [event["seq"] for event in events] == list(range(1, 151 + len(conversations)))
    for number in world.numbers:
        sent = [row["at"] for row in await world.rows(schema.messages, number_id=number)]
        assert len(sent) == 50
        assert len(set(sent)) == 50
    assert sum(row["message_count"] for row in conversations) == 150
    head = await world.head()
    assert (head["message_count"], head["conversation_count"]) == (150, len(conversations))
    assert sum(row["backlog"] for row in await world.rows(schema.lanes)) == 150


async def test_units_submitted_together_keep_their_order(world: World) -> None:
    """Also when one of them must run on its own: what follows it in its account waits behind it."""
    order: list[int] = []

    def unit(tx: Tx, n: int) -> int:
        if n == 5:
            tx.all(NAMES, account_id=world.account)
        return count_up(tx, world.account)

    order = await asyncio.gather(
        *[
            world.store.write(lambda tx, n=n: unit(tx, n), account=world.account, needs=[])  # type: ignore[misc]
            for n in range(20)
        ]
    )
    assert order == list(range(1, 21))


async def test_a_row_changed_unread_adds_up(world: World) -> None:
    def unit(tx: Tx, n: int) -> None:
        tx.adjust(
            schema.lanes,
            id="lane",
            account_id=world.account,
            kind="text",
            backlog=1,
            in_flight=n,
            next_at=n or None,
        )

    for n in (0, 7, 3):
        await world.store.write(lambda tx, n=n: unit(tx, n), account=world.account)  # type: ignore[misc]
    await asyncio.gather(
        *[world.store.write(lambda tx: unit(tx, 9), account=world.account, needs=[]) for _ in range(10)]
    )
    lane = (await world.rows(schema.lanes))[0]
    assert (lane["backlog"], lane["in_flight"], lane["next_at"]) == (13, 100, 3)

    def see(tx: Tx) -> int:
        unit(tx, 1)
        row = tx.get(schema.lanes, "lane")
        assert row is not None
        return int(row["backlog"])

    assert await world.store.write(see, account=world.account) == 14


async def test_a_page_and_its_total_are_one_snapshot(world: World) -> None:
    async def writes() -> None:
        for n in range(40):
            await world.send(world.text(f"+1212555{n:04d}"))

    statement = Statement(select(schema.messages))

    async def reads() -> None:
        for _ in range(40):
            rows, head = await world.store.read(
                lambda db: (db.all(statement), db.get(schema.accounts, world.account))
            )
            assert head is not None
            assert len(rows) == head["message_count"]

    await asyncio.gather(writes(), reads())


async def test_what_another_connection_wrote_is_seen(world: World) -> None:
    other = await world.another_store()
    key = (world.account, world.numbers[0])

    def area(tx: Tx) -> Any:
        return cast(Row, tx.get(schema.numbers, *key))["area_code"]

    def move(tx: Tx, to: str) -> None:
        tx.update(schema.numbers, cast(Row, tx.get(schema.numbers, *key)), area_code=to)

    for store, to in [(other, "212"), (world.store, "646"), (other, "917"), (other, "332")]:
        assert len({await world.store.write(area), await other.write(area)}) == 1
        await store.write(lambda tx, to=to: move(tx, to))  # type: ignore[misc]
        assert [await world.store.write(area), await other.write(area)] == [to, to]
    await other.stop()


async def test_many_rows_are_remembered_and_stay_true(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringback.storage.sqlite._KNOWN", 50)
    for n in range(120):
        await world.send(world.text(f"+1212555{n % 7:04d}", f"text {n}"))
    lanes = {lane["id"]: lane["backlog"] for lane in await world.rows(schema.lanes)}
    assert lanes == {outbox.lane_for_texts(world.numbers[0]): 120}
    assert (await world.head())["message_count"] == 120
    assert sum(row["unsent"] for row in await world.rows(schema.conversations)) == 120
