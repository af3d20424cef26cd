"""A carrier that is away, slow to take, or mute: what waits, what is counted, and what is lost, which is nothing."""

import time
from typing import Any

import pytest

from ringback.carriers.circuit import LOOKED_AT
from ringback.messages.jobs import Dispatcher
from ringback.testing import Clock, Handset, Handsets, Network, Ringback
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = pytest.mark.fault

PHONES = 8
EACH = 4


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    return {"submit_timeout_s": 0.3}


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


@pytest.fixture
def phones(line: Line, handset: Handsets) -> list[Handset]:
    return [line.phone, *[handset() for _ in range(PHONES - 1)]]


@pytest.fixture
def submits(ringback: Ringback, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The reference of each text that is handed to the carrier, which takes it as ever."""
    carrier = ringback.server.line.carrier
    submit, seen = carrier.submit, list[str]()

    async def noted(text: Any) -> str:
        seen.append(text.reference)
        return await submit(text)

    monkeypatch.setattr(carrier, "submit", noted)
    return seen


class Sent:
    """Texts to several phones, which must all arrive once and in their order."""

    def __init__(self, line: Line, phones: list[Handset]) -> None:
        self.line = line
        self.phones = phones
        self.bodies: dict[str, list[str]] = {phone.number: [] for phone in phones}
        self.ids: list[str] = []
        for n in range(EACH):
            for phone in phones:
                body = f"{n} to {phone.number}"
                self.bodies[phone.number].append(body)
                self.ids.append(line.send(body, phone.number)["id"])

    def steps(self) -> list[list[Any]]:
        """Those of each text."""
        return [self.line.ask("GET", f"/v1/messages/{each}")["ringback"]["steps"] for each in self.ids]

    def wait(self, *, timeout_s: float = 30) -> None:
        until(
            lambda: {message["status"] for message in self.line.messages()} == {"delivered"},
            timeout_s=timeout_s,
        )

    def check(self) -> None:
        """All are there, in order, and no attempt was counted beyond the one that was made."""
        for phone in self.phones:
            assert [text.body for text in reversed(phone.inbox())] == self.bodies[phone.number]
        for steps in self.steps():
            kinds = [step["kind"] for step in steps]
            assert [kind for kind in kinds if kind not in ("unreachable", "throttled")] == [
                "queued",
                "sent",
                "delivered",
            ]
            assert len(kinds) == len(set(kinds)), "a wait leaves one step, however long it is"
            (sent,) = (step for step in steps if step["kind"] == "sent")
            assert sent["attempt"] == 1


def dispatcher(ringback: Ringback) -> Dispatcher:
    return ringback.server.dispatcher


def carrier_line(ringback: Ringback) -> dict[str, Any]:
    """What `ringback check` says of the carrier."""
    parts = ringback.on_loop(ringback.server._check())
    return next(part for part in parts if part["name"] == "carrier")


def metrics(ringback: Ringback) -> str:
    return ringback.request("GET", "/metrics").content.decode()


def test_a_circuit_opens_and_closes_under_an_outage(
    ringback: Ringback, line: Line, phones: list[Handset], network: Network, submits: list[str]
) -> None:
    circuit = dispatcher(ringback).circuit
    outage = network.fault("outage")
    sent = Sent(line, phones)
    until(lambda: circuit.is_open)
    told = carrier_line(ringback)
    assert not told["ok"]
    assert "texts wait" in told["line"]
    assert 'ringback_carrier_circuit_open{carrier="simulated"} 1.0' in metrics(ringback)
    time.sleep(4)
    # The heads of the conversations once, and three probes: after one second, two and four, each a fifth later at most.
    assert len(submits) <= PHONES + 4
    outage.clear()
    sent.wait()
    sent.check()
    assert (circuit.is_open, circuit.opened_count) == (False, 1)
    assert carrier_line(ringback)["ok"]
    assert 'ringback_carrier_circuit_open{carrier="simulated"} 0.0' in metrics(ringback)


def test_who_moves_the_clock_waits_for_no_probe(
    ringback: Ringback, line: Line, phones: list[Handset], clock: Clock, network: Network, submits: list[str]
) -> None:
    clock.freeze()
    outage = network.fault("outage")
    sent = Sent(line, phones)
    began = time.monotonic()
    clock.advance(hours=24)
    assert dispatcher(ringback).circuit.is_open
    assert len(submits) < 24 * 12 + 50
    outage.clear()
    clock.advance(minutes=5)
    sent.check()
    assert time.monotonic() - began < 25


def test_texts_expire_while_the_carrier_is_away(line: Line, clock: Clock, network: Network) -> None:
    clock.freeze()
    outage = network.fault("outage")
    extras = {"ringback": {"validitySeconds": 600}}
    ids = [line.ask("POST", "/v1/messages", {**line.text(f"{n}"), **extras})["id"] for n in range(3)]
    kept = line.send("this one may wait")
    clock.advance(minutes=15)
    for each in ids:
        ours = line.ask("GET", f"/v1/messages/{each}")["ringback"]
        assert (ours["failure"]["side"], ours["failure"]["code"]) == ("carrier", "30001")
        assert ours["steps"][-1]["kind"] == "expired"
    outage.clear()
    clock.advance(minutes=5)
    assert [text.body for text in line.phone.inbox()] == ["this one may wait"]
    assert line.ask("GET", f"/v1/messages/{kept['id']}")["status"] == "delivered"


def test_throttled_for_a_minute(
    line: Line, phones: list[Handset], clock: Clock, network: Network, submits: list[str]
) -> None:
    clock.freeze()
    fault = network.fault("throttled", count=100_000)
    sent = Sent(line, phones)
    clock.advance(seconds=60)
    assert phones[0].inbox() == []
    # What was in flight at first, and one window each time that it is tried again: after 1 s, 2, 4, 8, 16, 30.
    assert len(submits) <= 8 * PHONES
    fault.clear()
    clock.advance(minutes=2)
    sent.check()


def test_a_line_slower_than_its_queue(
    line: Line, phones: list[Handset], clock: Clock, network: Network, submits: list[str]
) -> None:
    clock.freeze()
    network.set(messages_per_second=4)
    sent = Sent(line, phones)
    clock.advance(minutes=1)
    sent.check()
    assert len(submits) <= 4 * PHONES * EACH


def test_connections_lost_in_a_burst(
    ringback: Ringback, line: Line, phones: list[Handset], clock: Clock, network: Network
) -> None:
    clock.freeze()
    network.fault("connection-lost", count=20)
    sent = Sent(line, phones)
    clock.advance(hours=2)
    sent.check()
    assert dispatcher(ringback).circuit.opened_count == 1


def test_a_few_lost_connections_open_nothing(
    ringback: Ringback, line: Line, phones: list[Handset], network: Network
) -> None:
    network.fault("connection-lost", count=3)
    sent = Sent(line, phones)
    sent.wait()
    sent.check()
    assert dispatcher(ringback).circuit.opened_count == 0


def test_a_carrier_that_falls_silent_gets_no_more_than_a_few(
    ringback: Ringback, line: Line, handset: Handsets, network: Network
) -> None:
    """Each text without an answer is one that nobody can tell of, so that the circuit bounds how many there are."""
    phones = [handset(personality="lost-receipt") for _ in range(60)]
    fault = network.fault("submit-timeout", count=10_000)
    for phone in phones:
        line.send("hello", phone.number)
    until(lambda: dispatcher(ringback).circuit.is_open, timeout_s=20)
    fault.clear()
    until(lambda: {message["status"] for message in line.messages()} == {"sent", "unconfirmed"}, timeout_s=30)
    silent = sum(message["status"] == "unconfirmed" for message in line.messages())
    assert silent <= LOOKED_AT + 2 * Dispatcher.cap
    assert all(len(phone.inbox()) == 1 for phone in phones)
