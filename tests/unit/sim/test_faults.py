"""Each fault strikes what it matches, as often as asked, and then no more."""

import pytest

from ringback.sim import Network
from ringback.sim.errors import (
    BadInput,
    FaultNotFound,
    LineDown,
    LineError,
    LineRefused,
    LineThrottled,
    NeverAnswers,
)
from ringback.sim.inventory import Wish
from tests.unit.sim.conftest import MakeHandset, Side

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("kind", "error"),
    [("submit-refused", LineRefused), ("throttled", LineThrottled), ("connection-lost", LineDown)],
)
async def test_nothing_is_taken(
    network: Network, side: Side, handset: MakeHandset, kind: str, error: type[LineError]
) -> None:
    ours, phone = await side.buy(), await handset("answers")
    await network.create_fault(kind, count=2)
    for _ in range(2):
        with pytest.raises(error):
            await side.submit(ours, phone.e164)
    assert await side.hear() == []
    assert (await network.list_texts(phone.id))[0] == []
    await side.submit(ours, phone.e164)
    assert len(await side.hear()) == 1
    assert await network.list_faults() == ([], 0)


async def test_submit_timeout_takes_the_text(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    await network.create_fault("submit-timeout", recipient=phone.e164)
    with pytest.raises(NeverAnswers):
        await side.submit(ours, phone.e164, "taken", reference="acct_1/msg_9")
    assert [text.body for text in (await network.list_texts(phone.id))[0]] == ["taken"]
    (receipt,) = await side.hear()
    assert (receipt.data["status"], receipt.data["reference"]) == ("delivered", "acct_1/msg_9")
    assert await side.submit(ours, phone.e164, "taken", reference="acct_1/msg_9") == receipt.data["ref"]
    assert await side.hear() == []
    assert len((await network.list_texts(phone.id))[0]) == 1


@pytest.mark.parametrize("kind", ["queue-full", "submit-refused"])
async def test_what_was_taken_is_not_refused_afterwards(
    network: Network, side: Side, handset: MakeHandset, kind: str
) -> None:
    ours, phone = await side.buy(), await handset("answers")
    ref = await side.submit(ours, phone.e164, reference="acct_1/msg_9")
    await network.create_fault(kind)
    assert await side.submit(ours, phone.e164, reference="acct_1/msg_9") == ref
    assert await network.list_faults() == ([], 0)


async def test_receipt_lost_and_duplicated(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    await network.create_fault("receipt-lost", sender=ours)
    await network.create_fault("receipt-duplicated", number=ours)
    await side.submit(ours, phone.e164)
    assert await side.hear() == []
    ref = await side.submit(ours, phone.e164)
    assert [event.data["ref"] for event in await side.hear()] == [ref, ref]
    await side.submit(ours, phone.e164)
    assert len(await side.hear()) == 1


async def test_inbound_duplicated(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    await network.create_fault("inbound-duplicated", number=ours)
    await network.send_text(phone.id, ours, "one")
    await network.send_text(phone.id, ours, "two")
    heard = await side.hear()
    assert [event.data["body"] for event in heard] == ["one", "one", "two"]
    assert heard[0].data["ref"] == heard[1].data["ref"] != heard[2].data["ref"]


async def test_outage_lasts_until_it_is_cleared(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    fault = await network.create_fault("outage")
    for _ in range(3):
        with pytest.raises(LineDown):
            await side.submit(ours, phone.e164)
    with pytest.raises(LineDown):
        await network.search(Wish("US"))
    with pytest.raises(LineDown):
        await network.buy("+14155550123", "ord_x")
    await network.send_text(phone.id, ours, "held back")
    assert await side.hear() == []
    assert await network.idle()
    await network.delete_fault(fault.id)
    assert [event.data["body"] for event in await side.hear()] == ["held back"]
    await side.submit(ours, phone.e164)


async def test_an_outage_of_one_number(network: Network, side: Side, handset: MakeHandset) -> None:
    first, second, phone = await side.buy(), await side.buy(), await handset("answers")
    await network.create_fault("outage", number=first)
    with pytest.raises(LineDown):
        await side.submit(first, phone.e164)
    await side.submit(second, phone.e164)


async def test_a_number_is_reclaimed(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    await network.create_fault("number-reclaimed", number=ours)
    assert [(event.kind, event.data["e164"]) for event in await side.hear()] == [("reclaimed", ours)]
    sent = await network.send_text(phone.id, ours, "anybody there?")
    assert (sent.status, sent.code) == ("failed", "30005")
    with pytest.raises(LineRefused):
        await side.submit(ours, phone.e164)
    with pytest.raises(BadInput) as caught:
        await network.create_fault("number-reclaimed", number=ours)
    assert caught.value.field == "match.number"


async def test_an_order_can_be_struck_by_its_number(network: Network, side: Side) -> None:
    (sale,) = await network.search(Wish("US"))
    await network.create_fault("connection-lost", number=sale.e164)
    await network.create_fault("submit-timeout", number=sale.e164)
    with pytest.raises(LineDown):
        await network.buy(sale.e164, "ord_1")
    assert await network.order_of("ord_1") is None
    with pytest.raises(NeverAnswers):
        await network.buy(sale.e164, "ord_1")
    assert await network.order_of("ord_1") == sale.e164
    await network.buy(sale.e164, "ord_1")


async def test_only_what_matches_is_struck(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, one, other = await side.buy(), await handset("answers"), await handset("answers")
    fault = await network.create_fault("submit-refused", sender=ours, recipient=one.e164)
    await side.submit(ours, other.e164)
    assert (await network.list_faults())[0] == [fault]
    with pytest.raises(LineRefused):
        await side.submit(ours, one.e164)
    await network.delete_fault(fault.id)
    with pytest.raises(FaultNotFound):
        await network.delete_fault(fault.id)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("kind", {"kind": "meteor"}),
        ("count", {"kind": "throttled", "count": 0}),
        ("match.number", {"kind": "number-reclaimed"}),
        ("match.number", {"kind": "throttled", "number": "abc"}),
    ],
)
async def test_wrong_faults_are_refused(network: Network, field: str, wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        await network.create_fault(**wrong)  # type: ignore[arg-type]
    assert caught.value.field == field


async def test_a_thousand_texts_count_a_fault_down_exactly(network: Network, side: Side) -> None:
    import asyncio

    ours, phone = await side.buy(), await network.create_handset()
    await network.create_fault("throttled", count=37)

    async def submit() -> bool:
        try:
            await side.submit(ours, phone.e164)
        except LineThrottled:
            return False
        return True

    taken = await asyncio.gather(*(submit() for _ in range(200)))
    assert taken.count(False) == 37
    assert await network.list_faults() == ([], 0)
