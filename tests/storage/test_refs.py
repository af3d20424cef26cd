"""Where answers and receipts meet: each text gets its own receipt, in whatever form, order and number they come."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringback.carriers.protocol import DeliveryReceipt
from ringback.flows import settle_text
from ringback.messages import refs
from ringback.messages import service as messages
from ringback.storage import schema
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx
from tests.storage.world import World
from tests.unit.carriers.forms import BASES, spellings

pytestmark = pytest.mark.unit

_carriers = itertools.count()
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Meeting:
    """A store, and a loop to use it in: an example of hypothesis is no coroutine."""

    def __init__(self, runner: asyncio.Runner, world: World) -> None:
        self.runner = runner
        self.world = world

    def run(self, unit: Any, store: Store | None = None) -> Any:
        return self.runner.run((store or self.world.store).write(unit))

    def carrier(self, phones: list[str]) -> tuple[str, list[str]]:
        """A carrier that nobody used, and the ids of texts that it was given, one to each of `phones`."""
        name = f"carrier {next(_carriers)}"
        return name, self.run(lambda tx: [self.add(tx, name, to) for to in phones])

    def add(self, tx: Tx, carrier: str, to: str) -> str:
        row = tx.insert(
            schema.messages,
            account_id=self.world.account,
            id=tx.new_id("msg"),
            number_id=self.world.numbers[0],
            conversation_id="conv",
            at=tx.now,
            direction="outbound",
            from_e164="+14155550000",
            to_e164=to,
            body="x",
            status="queued",
            segments=1,
            encoding="gsm7",
            carrier=carrier,
        )
        message_id: str = row["id"]
        return message_id

    def answer(self, message_id: str, ref: str) -> None:
        self.run(lambda tx: answer(tx, self.world.account, message_id, ref))

    def receipt(self, told: DeliveryReceipt) -> None:
        self.run(lambda tx: settle_text.receipt(tx, told))

    def told(self, ids: list[str]) -> list[tuple[str, str | None]]:
        """Status and code of each message."""
        rows = self.run(lambda tx: [messages.get(tx, self.world.account, each) for each in ids])
        return [(row["status"], row["error_code"]) for row in rows]


def answer(tx: Tx, account: str, message_id: str, ref: str) -> None:
    """What a submit's answer does, without the outbox."""
    message = messages.get(tx, account, message_id)
    early = refs.take(tx, message, ref)
    messages.advance(tx, message, "sent")
    if early is not None:
        settle_text.apply_receipt(tx, messages.get(tx, account, message_id), early)


@pytest.fixture
def meeting(database_url: str | None, tmp_path: Path) -> Iterator[Meeting]:
    with asyncio.Runner() as runner:
        world = World(tmp_path, database_url)
        runner.run(world.__aenter__())
        yield Meeting(runner, world)
        runner.run(world.__aexit__())


@st.composite
def exchanges(draw: st.DrawFn, *, small: bool) -> tuple[list[int], list[tuple[str, int, str]]]:
    """Numbers that a carrier gave to texts, and what it says: `answer` or `receipt`, of the how-manieth, in which form.

    A carrier answers submits in one base; receipts come in any, some of them twice.
    """
    first = draw(st.integers(1, 40) if small else st.integers(10**9, 10**12))
    numbers = draw(st.lists(st.integers(first, first + 20), min_size=1, max_size=6, unique=True))
    base = draw(st.sampled_from(BASES))
    said = [("answer", n, draw(spellings(number, base))) for n, number in enumerate(numbers)]
    for n, number in enumerate(numbers):
        form = spellings(number, draw(st.sampled_from(BASES)))
        said += [("receipt", n, draw(form)) for _ in range(draw(st.integers(1, 2)))]
    return numbers, draw(st.permutations(said))


def play(meeting: Meeting, count: int, said: Sequence[tuple[str, int, str]], *, tells_to: bool) -> None:
    phones = [f"+1415555{n:04d}" for n in range(count)]
    carrier, ids = meeting.carrier(phones)
    for what, n, ref in said:
        if what == "answer":
            meeting.answer(ids[n], ref)
        else:
            to = phones[n] if tells_to else None
            meeting.receipt(DeliveryReceipt(carrier, ref, "failed", f"code {n}", to=to))
    assert meeting.told(ids) == [("failed", f"code {n}") for n in range(count)]


@QUICK
@given(exchange=exchanges(small=True))
def test_any_form_in_any_order_finds_its_text(
    meeting: Meeting, exchange: tuple[list[int], list[tuple[str, int, str]]]
) -> None:
    """Small numbers, so that an id in one base is often another text's in the other: the recipient tells them apart."""
    numbers, said = exchange
    play(meeting, len(numbers), said, tells_to=True)


@pytest.mark.parametrize(
    "order",
    list(
        itertools.permutations(
            [("answer", 0, "10"), ("answer", 1, "16"), ("receipt", 0, "16"), ("receipt", 1, "16")]
        )
    ),
)
def test_one_spelling_of_two_ids(meeting: Meeting, order: Sequence[tuple[str, int, str]]) -> None:
    """The carrier counts in hexadecimal and tells the first, 0x10, in decimal: as it spells the second, 0x16."""
    play(meeting, 2, order, tells_to=True)


@QUICK
@given(exchange=exchanges(small=False))
def test_where_the_recipient_is_not_told(
    meeting: Meeting, exchange: tuple[list[int], list[tuple[str, int, str]]]
) -> None:
    """Numbers as long as real ones, which no other text's is in the other base."""
    numbers, said = exchange
    play(meeting, len(numbers), said, tells_to=False)


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(
    ("answered", "told"),
    [
        ("0A1B2C3D-0000-4000-8000-00000000000F", "0a1b2c3d-0000-4000-8000-00000000000f"),
        ("0a1b2c3d-0000-4000-8000-00000000000f", "0a1b2c3d00004000800000000000000f"),
        ("1A2B", "1a2b  "),
        (" SM-abc", "SM-abc"),
        ("SM-abc", "SM-abc\r\n"),
    ],
)
def test_uuids_and_padded_ids_find_their_texts(
    meeting: Meeting, early: bool, answered: str, told: str
) -> None:
    carrier, (first, other) = meeting.carrier(["+12125550001", "+12125550001"])
    meeting.answer(other, "another")
    receipt = DeliveryReceipt(carrier, told, "delivered")
    if early:
        meeting.receipt(receipt)
    meeting.answer(first, answered)
    if not early:
        meeting.receipt(receipt)
    assert meeting.told([first, other]) == [("delivered", None), ("sent", None)]


@pytest.mark.parametrize("early", [True, False])
def test_an_id_that_is_no_number_has_one_form(meeting: Meeting, early: bool) -> None:
    carrier, [message_id] = meeting.carrier(["+14155550101"])
    other = DeliveryReceipt(carrier, "nt_ab1", "delivered")
    if early:
        meeting.receipt(other)
    meeting.answer(message_id, "nt_Ab1")
    if not early:
        meeting.receipt(other)
    assert meeting.told([message_id]) == [("sent", None)]
    meeting.receipt(DeliveryReceipt(carrier, "nt_Ab1", "delivered"))
    assert meeting.told([message_id]) == [("delivered", None)]


def test_of_two_that_it_may_be_none_is_taken(meeting: Meeting) -> None:
    """`0a` and `00a` are one number; a carrier that means two texts by them doesn't tell which `A` is."""
    carrier, ids = meeting.carrier(["+14155550101", "+14155550102"])
    meeting.answer(ids[0], "0a")
    meeting.answer(ids[1], "00a")
    meeting.receipt(DeliveryReceipt(carrier, "A", "delivered"))
    assert meeting.told(ids) == [("sent", None), ("sent", None)]
    meeting.receipt(DeliveryReceipt(carrier, "A", "delivered", to="+14155550102"))
    assert meeting.told(ids) == [("sent", None), ("delivered", None)]


def test_somebody_elses_receipt_is_not_taken(meeting: Meeting) -> None:
    carrier, ids = meeting.carrier(["+14155550101"])
    meeting.answer(ids[0], "nt_1")
    meeting.receipt(DeliveryReceipt(carrier, "nt_1", "failed", "30007", to="+14155550199"))
    assert meeting.told(ids) == [("sent", None)]


def test_a_receipt_that_contradicts_is_kept_and_moves_nothing(meeting: Meeting) -> None:
    carrier, [message_id] = meeting.carrier(["+14155550101"])
    meeting.answer(message_id, "1A")
    meeting.receipt(DeliveryReceipt(carrier, "26", "delivered"))
    for _ in range(3):
        meeting.receipt(DeliveryReceipt(carrier, "1a", "failed", "30008"))
    assert meeting.told([message_id]) == [("delivered", None)]
    rows = meeting.runner.run(meeting.world.rows(schema.steps, subject_id=message_id))
    assert [(row["kind"], row["code"]) for row in rows] == [("contradicted", "30008")]


async def test_both_at_once_in_two_processes(shared_world: World) -> None:
    """A submit's answer and its receipt in another form, stored by two processes at the same moment."""
    world, total = shared_world, 40
    other = await world.another_store()
    meeting = Meeting.__new__(Meeting)
    meeting.world = world

    def add(tx: Tx) -> list[str]:
        return [meeting.add(tx, "twin", f"+1212555{n:04d}") for n in range(total)]

    ids = await world.store.write(add)

    async def answered(n: int) -> None:
        ref = f"{0xABC00 + n:08X}"
        needs = [(schema.messages, (world.account, ids[n])), *refs.needs_of_answer("twin", ref)]
        await world.store.write(
            lambda tx: answer(tx, world.account, ids[n], ref), account=world.account, needs=needs
        )

    async def receipt(n: int) -> None:
        told = DeliveryReceipt("twin", str(0xABC00 + n), "delivered", to=f"+1212555{n:04d}")
        await other.write(lambda tx: settle_text.receipt(tx, told), needs=settle_text.needs_of_receipt(told))

    await asyncio.gather(*[answered(n) for n in range(total)], *[receipt(n) for n in reversed(range(total))])
    await other.stop()
    found: list[Row] = await world.rows(schema.messages)
    assert {row["status"] for row in found} == {"delivered"}
