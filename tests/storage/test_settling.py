"""How an attempt to hand a text over may end, on both stores: what becomes of its row, its message and its story."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ringback.carriers.protocol import DeliveryReceipt
from ringback.flows import settle_text
from ringback.flows.pace_texts import UNPACED
from ringback.flows.settle_text import FIRST_RETRY_MS, JITTER, LONGEST_RETRY_MS, retry_wait_ms
from ringback.messages import service as messages
from ringback.messages.errors import MessageNotUnconfirmed
from ringback.storage import schema
from ringback.storage.outbox import Claimed
from ringback.storage.tx import Row, Tx
from tests.storage.world import START_MS, World

pytestmark = pytest.mark.unit

ALICE, BOB = "+12125550001", "+12125550002"


async def end(world: World, work: Claimed, unit: Callable[..., Any], **told: Any) -> None:
    await world.store.write(
        partial(unit, work=work, **told), account=world.account, needs=settle_text.needs(work)
    )


async def message_of(world: World, work: Claimed) -> Row:
    return (await world.rows(schema.messages, id=work.subject_id))[0]


async def steps(world: World, work: Claimed) -> list[tuple[Any, ...]]:
    rows = await world.rows(schema.steps, subject_id=work.subject_id)
    rows.sort(key=lambda row: (row["at"], row["id"]))
    return [(row["kind"], row["attempt"], row["code"], row["side"]) for row in rows]


async def test_a_code_that_may_pass_is_tried_again_at_the_head(world: World) -> None:
    sent = [await world.send(world.text(ALICE, f"{n}")) for n in range(2)]
    other = await world.send(world.text(BOB))
    works = {work.subject_id: work for work in await world.claim()}
    assert set(works) == {sent[0]["id"], other["id"]}
    head = works[sent[0]["id"]]
    await end(world, head, settle_text.refused, code="30001", reason="full")
    assert await world.claim() == []
    (row,) = await world.rows(schema.outbox, subject_id=head.subject_id)
    assert row["due_at"] == START_MS + retry_wait_ms(head.subject_id, 1)
    world.clock.move_to(row["due_at"])
    (again,) = await world.claim()
    assert (again.subject_id, again.attempt) == (sent[0]["id"], 2)
    await end(world, again, settle_text.accepted, ref="r1")
    assert (await message_of(world, again))["status"] == "sent"
    assert [work.subject_id for work in await world.claim()] == [sent[1]["id"]]
    assert await steps(world, again) == [("retry", 1, "30001", "carrier")]


async def test_it_fails_where_the_next_try_would_come_too_late(world: World) -> None:
    sent = await world.send(world.text(ALICE))
    (work,) = await world.claim()
    world.clock.move_to(sent["valid_until"] - FIRST_RETRY_MS // 2)
    await end(world, work, settle_text.refused, code="30001", reason="full")
    message = await message_of(world, work)
    assert (message["status"], message["error_code"]) == ("failed", "30001")
    assert await steps(world, work) == [("refused", 1, "30001", "carrier")]
    assert await world.rows(schema.outbox) == []


@pytest.mark.parametrize(
    ("code", "side"), [("30006", "handset"), ("21606", "you"), ("99999", "carrier"), (None, "carrier")]
)
async def test_any_other_code_is_final(world: World, code: str | None, side: str) -> None:
    await world.send(world.text(ALICE))
    (work,) = await world.claim()
    await end(world, work, settle_text.refused, code=code, reason="no")
    message = await message_of(world, work)
    assert (message["status"], message["error_code"], message["failure_reason"]) == ("failed", code, "no")
    assert await steps(world, work) == [("refused", 1, code, side)]


async def test_a_wait_counts_no_attempt_and_leaves_one_step(world: World) -> None:
    await world.send(world.text(ALICE))
    for n in range(5):
        (work,) = await world.claim()
        assert work.attempt == 1
        await end(world, work, settle_text.put_off, kind="unreachable", wait_ms=2_000, detail="no route")
        assert await world.claim() == []
        world.clock.move_to(START_MS + 2_000 * (n + 1))
    (work,) = await world.claim()
    await end(world, work, settle_text.put_off, kind="throttled", wait_ms=0, code="20429", detail="too fast")
    assert await steps(world, work) == [
        ("unreachable", 1, None, "carrier"),
        ("throttled", 1, "20429", "carrier"),
    ]


@pytest.mark.parametrize(("away", "side"), [(True, "carrier"), (False, "ringback")])
async def test_whose_side_it_is_that_a_text_expires(world: World, away: bool, side: str) -> None:
    await world.send(world.text(ALICE))
    (work,) = await world.claim()
    await end(world, work, settle_text.expired, told=UNPACED, carrier_away=away)
    assert (await message_of(world, work))["error_code"] == "30001"
    assert await steps(world, work) == [("expired", 1, "30001", side)]


async def test_a_text_that_waited_for_its_carrier_expires_on_its_side(world: World) -> None:
    await world.send(world.text(ALICE))
    (work,) = await world.claim()
    await end(world, work, settle_text.put_off, kind="unreachable", wait_ms=0)
    (work,) = await world.claim()
    await end(world, work, settle_text.expired, told=UNPACED, carrier_away=False)
    assert (await steps(world, work))[-1] == ("expired", 1, "30001", "carrier")


async def test_who_lost_its_row_puts_nothing_off(world: World) -> None:
    await world.send(world.text(ALICE))
    (lost,) = await world.claim(token="first")
    await end(world, lost, settle_text.put_off, kind="throttled", wait_ms=0)
    (held,) = await world.claim(token="second")
    await end(world, lost, settle_text.put_off, kind="unreachable", wait_ms=0)
    await end(world, lost, settle_text.refused, code="30001", reason="full")
    (row,) = await world.rows(schema.outbox)
    assert (row["token"], row["attempt"]) == ("second", 1)
    assert await steps(world, held) == [("throttled", 1, None, "carrier")]


async def test_what_may_have_been_taken_before_a_crash_is_not_called_failed(world: World) -> None:
    await world.send(world.text(ALICE))
    (dead,) = await world.claim(token="first")
    await end(world, dead, settle_text.begin_again)
    (work,) = await world.claim(token="second")
    await end(world, work, settle_text.expired, told=UNPACED, carrier_away=False)
    message = await message_of(world, work)
    assert (message["status"], message["error_code"]) == ("unconfirmed", None)
    assert await steps(world, work) == [
        ("begun-again", 1, None, "ringback"),
        ("no-answer", 1, None, "ringback"),
    ]
    assert await world.rows(schema.outbox) == []


async def test_a_receipt_from_before_a_crash_settles_what_the_gate_ends(world: World) -> None:
    sent = await world.send(world.text(ALICE))
    (dead,) = await world.claim(token="first")
    told = DeliveryReceipt("simulated", "nt_1", "delivered", reference=messages.reference_of(sent))
    await world.store.write(lambda tx: settle_text.receipt(tx, told), account=world.account, needs=[])
    await end(world, dead, settle_text.begin_again)
    (work,) = await world.claim(token="second")
    await end(world, work, settle_text.barred, code="RECIPIENT_OPTED_OUT", reason="opted out meanwhile")
    assert (await message_of(world, work))["status"] == "delivered"


async def test_the_gate_here_is_not_the_carrier(world: World) -> None:
    told: dict[str, Any] = {"code": "RECIPIENT_OPTED_OUT", "reason": "opted out meanwhile"}
    for who, dies, status in ((ALICE, False, "failed"), (BOB, True, "unconfirmed")):
        await world.send(world.text(who))
        (work,) = await world.claim(token="first")
        if dies:
            await end(world, work, settle_text.begin_again)
            (work,) = await world.claim(token="second")
        await end(world, work, settle_text.barred, **told)
        message = await message_of(world, work)
        assert (message["status"], message["error_code"]) == (status, None if dies else told["code"])


async def test_a_carrier_that_refuses_what_goes_again_does_not_have_it(world: World) -> None:
    await world.send(world.text(ALICE))
    (dead,) = await world.claim(token="first")
    await end(world, dead, settle_text.begin_again)
    (work,) = await world.claim(token="second")
    await end(world, work, settle_text.refused, code="30006", reason="a landline")
    message = await message_of(world, work)
    assert (message["status"], message["error_code"]) == ("failed", "30006")
    assert await steps(world, work) == [
        ("begun-again", 1, None, "ringback"),
        ("refused", 1, "30006", "handset"),
    ]


@pytest.mark.parametrize(("dies_again", "status"), [(False, "failed"), (True, "unconfirmed")])
async def test_only_a_crash_after_the_carriers_no_leaves_a_doubt(
    world: World, dies_again: bool, status: str
) -> None:
    await world.send(world.text(ALICE))
    (dead,) = await world.claim(token="first")
    await end(world, dead, settle_text.begin_again)
    (work,) = await world.claim(token="second")
    await end(world, work, settle_text.refused, code="30001", reason="full")
    world.clock.move_to((await world.rows(schema.outbox))[0]["due_at"])
    (work,) = await world.claim(token="third")
    if dies_again:
        await end(world, work, settle_text.begin_again)
        (work,) = await world.claim(token="fourth")
    await end(world, work, settle_text.expired, told=UNPACED, carrier_away=False)
    assert (await message_of(world, work))["status"] == status


async def test_a_person_settles_an_unconfirmed_text_once(world: World) -> None:
    await world.send(world.text(ALICE))
    (work,) = await world.claim()

    def settle(tx: Tx, status: str) -> None:
        settle_text.settle(tx, world.account, work.subject_id, status, None)

    with pytest.raises(MessageNotUnconfirmed):
        await world.store.write(partial(settle, status="failed"), account=world.account)
    await end(world, work, settle_text.unanswered)
    await world.store.write(partial(settle, status="failed"), account=world.account)
    with pytest.raises(MessageNotUnconfirmed):
        await world.store.write(partial(settle, status="delivered"), account=world.account)
    message = await message_of(world, work)
    assert (message["status"], message["failure_reason"]) == ("failed", "settled by hand as failed")
    assert await steps(world, work) == [("no-answer", 1, None, "carrier"), ("settled", None, "failed", "you")]
    types = [event["type"] for event in await world.rows(schema.events)]
    assert types == ["conversation.created", "message.queued", "message.unconfirmed", "message.failed"]


def test_waits_double_within_their_jitter() -> None:
    for attempt in range(1, 40):
        usual = min(FIRST_RETRY_MS * 2 ** (attempt - 1), LONGEST_RETRY_MS)
        wait = retry_wait_ms("msg_1", attempt)
        assert usual * (1 - JITTER) <= wait <= usual * (1 + JITTER)
        assert wait == retry_wait_ms("msg_1", attempt)
    assert len({retry_wait_ms(f"msg_{n}", 1) for n in range(50)}) > 40
