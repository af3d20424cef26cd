"""Searching texts, calls and conversations, the same on both kinds of store."""

import pytest

from ringback.contacts import service as contacts
from ringback.contacts.schemas import CreateContact
from ringback.conversations import service as conversations
from ringback.flows import search as flow
from ringback.flows.search import Hit
from ringback.kit.faults import Invalid
from ringback.storage import schema
from ringback.storage.tx import Tx
from tests.storage.world import World

pytestmark = pytest.mark.unit

ANN, BEN = "+14155550114", "+442079460018"


async def texted(world: World, *bodies: str, to: str = ANN) -> None:
    for body in bodies:
        world.clock.move_to(world.clock.now_ms() + 1_000)
        await world.send(world.text(to, body))


async def called(world: World, *said: str, who: str = ANN) -> str:
    """A call in which `said` was said by turns."""

    def unit(tx: Tx) -> str:
        call = tx.insert(
            schema.calls,
            account_id=world.account,
            id=tx.new_id("call"),
            direction="inbound",
            from_e164=who,
            to_e164="+14155550000",
            number_e164="+14155550000",
            status="completed",
            created_at=tx.now,
            brain="demo",
            carrier="simulated",
        )
        for n, text in enumerate(said, 1):
            tx.insert(
                schema.call_turns,
                account_id=world.account,
                call_id=call["id"],
                n=n,
                id=tx.new_id("trn"),
                turn_id=f"t{n}",
                role=("user", "agent")[n % 2],
                text=text,
                created_at=tx.now,
            )
        call_id: str = call["id"]
        return call_id

    world.clock.move_to(world.clock.now_ms() + 1_000)
    return await world.store.write(unit, account=world.account)


async def find(world: World, q: str, number: str | None = None, account: str = "") -> list[str]:
    """What is found, as it is told."""
    return [told(hit) for hit in (await page(world, q, number=number, account=account)).hits]


async def page(
    world: World,
    q: str,
    *,
    number: str | None = None,
    account: str = "",
    cursor: str | None = None,
    limit: int = 50,
    steps: tuple[int, ...] = flow.STEPS,
) -> flow.Found:
    asked = flow.read(q, number, cursor, limit)
    where = account or world.account
    return await world.store.read(lambda db: flow.search(db, where, asked, steps=steps))


def told(hit: Hit) -> str:
    return str(hit.row[{"text": "body", "turn": "text", "conversation": "party"}[hit.kind]])


async def test_words_are_found_in_any_case_and_script(world: World) -> None:
    await texted(world, "100% Höhe_L", "1000 GROSSE Schuhe", "Привет, мир", "say \"a/b\" \\ 'c'", "李 😀")
    for q, found in (
        ("100%", ["100% Höhe_L"]),
        ("höhe", ["100% Höhe_L"]),
        ("HÖHE_", ["100% Höhe_L"]),
        ("grosse SCHUHE", ["1000 GROSSE Schuhe"]),
        ("schuhe grosse 1000", ["1000 GROSSE Schuhe"]),
        ('"grosse schuhe"', ["1000 GROSSE Schuhe"]),
        ('"schuhe grosse"', []),
        ("ПРИВЕТ мир", ["Привет, мир"]),
        ("привет höhe", []),
        ("a/b \\", ["say \"a/b\" \\ 'c'"]),
        ("'c'", ["say \"a/b\" \\ 'c'"]),
        ("李 😀", ["李 😀"]),
        ("_e", []),
        ("1%0", []),
    ):
        assert await find(world, q) == found, q


async def test_texts_speech_and_conversations_come_together_newest_first(world: World) -> None:
    await texted(world, "about the refund")
    await called(world, "Hello?", "A Refund, I see.", "Yes, refund it.")
    await texted(world, "refund done")
    assert await find(world, "refund") == [
        "refund done",
        "Yes, refund it.",
        "A Refund, I see.",
        "about the refund",
    ]
    assert await find(world, "refund see") == ["A Refund, I see."]


async def test_conversations_are_found_by_number_contact_and_metadata(world: World) -> None:
    await texted(world, "Hi", to=ANN)
    await texted(world, "Hi", to=BEN)
    [ann, ben] = sorted(await world.rows(schema.conversations), key=lambda row: str(row["party"]))

    def unit(tx: Tx) -> None:
        contacts.create(tx, world.account, CreateContact(phone_number=ANN, name="Ann Größe", notes="VIP"))
        conversations.set_metadata(tx, world.account, ben["id"], {"order": "A-77", "city": "Zürich"})

    await world.store.write(unit, account=world.account)
    assert ann["party"] == ANN
    for q, found in (
        ("(415) 555-0114", [ANN]),
        ("+1 415 555 0114", [ANN]),
        ("0114", [ANN]),
        ("0018", [BEN]),
        ("18", []),
        ("14", [ANN]),
        ("ANN", [ANN]),
        ("grösse", [ANN]),
        ("vip", [ANN]),
        ("a-77", [BEN]),
        ("zürich A-77", [BEN]),
        ("ZÜRICH", [BEN]),
        ("ann a-77", []),
        ("ann 0114", [ANN]),
    ):
        assert await find(world, q) == found, q


async def test_only_what_is_with_a_number(world: World) -> None:
    await texted(world, "refund for Ann", to=ANN)
    await texted(world, "refund for Ben", to=BEN)
    await called(world, "a refund", who=BEN)
    assert await find(world, "refund", "(415) 555-0114") == ["refund for Ann"]
    assert await find(world, "refund", "0018") == ["a refund", "refund for Ben"]
    assert await find(world, "refund", "0199") == []


@pytest.mark.parametrize("steps", [(2,), (1, 2), (2, 3, 40), flow.STEPS])
async def test_pages_tell_everything_once_and_in_order(world: World, steps: tuple[int, ...]) -> None:
    """Also where a request looks at a few rows only, and whatever comes in meanwhile."""
    for n in range(7):
        await texted(world, f"word {n}", f"nothing {n}", to=(ANN, BEN)[n % 2])
        if n % 2:
            await called(world, f"spoken word {n}", "nothing", f"a word {n}")
    whole = [hit.at for hit in (await page(world, "word")).hits]
    assert len(whole) == 13
    for limit in (1, 2, 5, 50):
        seen: list[Hit] = []
        cursor, requests = None, 0
        while requests < 100:
            found = await page(world, "word", cursor=cursor, limit=limit, steps=steps)
            assert len(found.hits) <= limit
            seen, cursor, requests = seen + found.hits, found.cursor, requests + 1
            if requests == 2:
                await texted(world, "nothing new")
            if cursor is None:
                break
        assert [hit.at for hit in seen] == whole, limit
        assert len({(hit.row.get("id"), hit.row.get("n")) for hit in seen}) == 13


async def test_nobody_finds_what_is_another_accounts(world: World) -> None:
    await texted(world, "our secret")
    await called(world, "a spoken secret")
    [mine] = await world.rows(schema.conversations)
    await world.store.write(
        lambda tx: conversations.set_metadata(tx, world.account, mine["id"], {"is": "secret"}),
        account=world.account,
    )
    assert len(await find(world, "secret")) == 3
    other, _ = await world.add_account("second", first=10)
    first = await page(world, "secret", limit=1)
    assert await find(world, "secret", account=other) == []
    assert (await page(world, "secret", account=other, cursor=first.cursor)).hits == []


@pytest.mark.parametrize(
    ("q", "number", "cursor", "field"),
    [
        ("", None, None, "q"),
        ('"" " "', None, None, "q"),
        ("x" * 201, None, None, "q"),
        ("a b c d e f g h i", None, None, "q"),
        ("a", "12", None, "number"),
        ("a", "Ann", None, "number"),
        ("a", None, "x", "cursor"),
        ("a", None, "e30", "cursor"),
        ("a", None, "W10", "cursor"),
        ("a", None, "eyJ0ZXh0IjpbMV0sInR1cm4iOm51bGwsImNvbnZlcnNhdGlvbiI6bnVsbH0", "cursor"),
        ("a", None, "eyJ0ZXh0IjpbImEAIl0sInR1cm4iOm51bGwsImNvbnZlcnNhdGlvbiI6bnVsbH0", "cursor"),
        ("a", None, "é", "cursor"),
    ],
)
def test_what_is_no_search_is_refused(q: str, number: str | None, cursor: str | None, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        flow.read(q, number, cursor, 20)
    assert (refused.value.field, refused.value.where) == (field, "query")
