"""The circuit and the slowdown of a carrier, on a machine whose time the test moves."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from ringback.carriers.circuit import (
    LONGEST_PROBE_S,
    LONGEST_SLOWDOWN_MS,
    LOOKED_AT,
    UNREACHABLE_IN_A_ROW,
    Circuit,
    Slowdown,
    Ticket,
)
from ringback.kit import machine
from ringback.kit.clock import MovableClock
from ringback.kit.machine import Machine

pytestmark = pytest.mark.unit


class Still(Machine):
    """Real time stands still until it is moved."""

    seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def time_ns(self) -> int:
        return int(self.seconds * 1_000_000_000)


@pytest.fixture
def still() -> Iterator[Still]:
    with machine.put(own := Still()):
        yield own


@pytest.fixture
def clock(still: Still) -> MovableClock:
    return MovableClock(frozen_ms=5_000_000)


@pytest.fixture
def circuit(clock: MovableClock) -> Circuit:
    return Circuit("simulated", clock)


def entered(circuit: Circuit, most: int = 64) -> Ticket:
    ticket = circuit.enter(most)
    assert ticket is not None
    return ticket


def opened(circuit: Circuit) -> None:
    for n in range(UNREACHABLE_IN_A_ROW):
        circuit.unreachable(entered(circuit), f"msg_{n}", "no route")


def test_it_opens_after_so_many_in_a_row_and_no_sooner(circuit: Circuit) -> None:
    for n in range(UNREACHABLE_IN_A_ROW - 1):
        circuit.unreachable(entered(circuit), f"msg_{n}", "no route")
    circuit.answered(entered(circuit))
    for n in range(UNREACHABLE_IN_A_ROW - 1):
        circuit.unreachable(entered(circuit), f"msg_{n}", "no route")
    assert (circuit.is_open, circuit.wait_s(), circuit.trouble()) == (False, None, None)
    circuit.unreachable(entered(circuit), "msg", "no route")
    assert circuit.is_open
    assert circuit.enter(64) is None
    assert "no route" in (circuit.trouble() or "")


def test_one_probe_at_a_time_closes_it(circuit: Circuit, still: Still) -> None:
    opened(circuit)
    still.seconds += 2
    probe = entered(circuit)
    assert probe.most == 1
    assert circuit.enter(64) is None
    circuit.answered(probe)
    assert not circuit.is_open
    assert entered(circuit).most == 64


def test_waits_double_up_to_their_longest(circuit: Circuit, still: Still) -> None:
    opened(circuit)
    waits = []
    for n in range(12):
        wait = circuit.wait_s()
        assert wait is not None
        waits.append(wait)
        still.seconds += wait - 0.001
        assert circuit.enter(1) is None
        still.seconds += 0.002
        circuit.unreachable(entered(circuit), f"probe {n}", "no route")
    assert waits[:1] <= [1.2]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_PROBE_S
    assert circuit.opened_count == 1


def test_it_tells_when_the_next_is_tried(circuit: Circuit, still: Still) -> None:
    opened(circuit)
    for n, most_s in enumerate((2, 3, 5, 10, 20, 30, 30)):
        told = re.search(r"one is tried in (\d+) s$", circuit.trouble() or "")
        assert told is not None
        assert most_s / 2 < int(told[1]) <= most_s
        still.seconds += int(told[1])
        ticket = entered(circuit)
        assert (circuit.trouble() or "").endswith("; one is being tried")
        circuit.unreachable(ticket, f"probe_{n}", "no route")


def test_stragglers_decide_nothing(circuit: Circuit, still: Still) -> None:
    old = entered(circuit)
    opened(circuit)
    wait = circuit.wait_s()
    circuit.unreachable(old, "msg", "no route")
    circuit.answered(old)
    assert (circuit.is_open, circuit.wait_s()) == (True, wait)
    still.seconds += 2
    circuit.answered(entered(circuit))
    circuit.unreachable(old, "msg", "no route")
    assert circuit.trouble() is None


def test_a_probe_that_asked_nothing_is_given_back(circuit: Circuit, still: Still) -> None:
    opened(circuit)
    still.seconds += 2
    circuit.leave(entered(circuit))
    assert circuit.wait_s() is None
    assert entered(circuit).most == 1


def test_a_moved_clock_brings_the_probe(circuit: Circuit, clock: MovableClock) -> None:
    """Nobody who moves the clock waits for real time."""
    opened(circuit)
    assert circuit.enter(1) is None
    clock.move_to(circuit.due_ms())
    circuit.unreachable(entered(circuit), "msg", "no route")
    assert circuit.enter(1) is None
    circuit.probe_now()
    assert circuit.due_ms() == 0
    circuit.answered(entered(circuit))
    assert not circuit.is_open


def test_a_machine_that_is_set_back_waits_no_longer(circuit: Circuit, still: Still) -> None:
    """Waits are measured by the clock that never goes back; the time of day only dates the opening."""
    opened(circuit)
    still.time_ns = lambda: 0  # type: ignore[method-assign]
    still.seconds += 2
    assert entered(circuit).most == 1


def test_silence_opens_it_by_its_share(circuit: Circuit) -> None:
    for n in range(LOOKED_AT * 3):
        circuit.answered(entered(circuit))
        if n % 3 == 0:
            circuit.unanswered(entered(circuit), f"msg_{n}")
    assert circuit.trouble() is None
    silent = 0
    while (ticket := circuit.enter(64)) is not None:
        circuit.unanswered(ticket, f"silent_{silent}")
        silent += 1
    assert silent < LOOKED_AT / 2
    assert circuit.trouble() is not None


def test_a_few_texts_without_an_answer_open_nothing(circuit: Circuit) -> None:
    for n in range(LOOKED_AT - 1):
        circuit.unanswered(entered(circuit), f"msg_{n}")
    assert not circuit.is_open


def test_a_slowdown_doubles_while_nothing_is_taken() -> None:
    slow = Slowdown()
    now, waits = 0, []
    for n in range(10):
        slow.throttled(now, f"msg_{n}")
        slow.throttled(now, "another of the same burst")
        waits.append(slow.until_ms - now)
        now = slow.until_ms
    assert 1_000 <= waits[0] <= 1_200
    assert all(later > sooner for sooner, later in pairwise(waits[:5]))
    assert LONGEST_SLOWDOWN_MS <= max(waits) <= LONGEST_SLOWDOWN_MS * 1.2
    slow.taken()
    slow.throttled(now, "msg")
    assert slow.until_ms - now <= 1_200
