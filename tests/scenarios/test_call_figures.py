"""What a call leaves behind for whoever watches: its story, metrics, and a trace with the parts of each reply."""

import time
from typing import Any

import pytest

from ringback.testing import Clock, Handsets, Ringback, WebhookInbox
from ringback.tracing import ids_of
from tests.callers import FAKE, call_of, desk, dial, place, wait_for_end
from tests.phones import until
from tests.scenarios.test_metrics import Samples, scrape, value
from tests.scenarios.test_tracing import Spans, attributes, collector
from tests.speech import need

__all__ = ["collector"]
pytestmark = [pytest.mark.scenario, pytest.mark.timeout(150), pytest.mark.realtime]
ENDED = "ringback_calls_ended_total"
REPLY = "ringback_call_reply_duration_seconds"
PART = "ringback_call_reply_part_duration_seconds"


@pytest.fixture
def ringback_settings(collector: tuple[str, Spans]) -> dict[str, Any]:
    need("voice", "pipecat", "numpy")
    return {**FAKE, "otel_endpoint": collector[0]}


def test_a_call_is_measured_and_traced(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox, collector: tuple[str, Spans]
) -> None:
    webhook_inbox.answer(body={"text": "We are open until five. Goodbye.", "hangup": True})
    before = scrape(ringback)
    _, number, number_id = desk(ringback, webhook_inbox)
    phone = handset()
    began_ns = time.time_ns()
    dial(ringback, phone.id, number, {"pauseMs": 500}, {"say": "secret words"}, {"pauseMs": 20_000})
    living = {"direction": "inbound", "status": "in-progress"}
    until(lambda: value(scrape(ringback), "ringback_calls_living", **living) or None)
    seen = call_of(ringback, number_id)
    assert (seen["ringback"]["brain"], seen["ringback"]["endingSide"]) == ("webhook", "agent")
    [turn] = seen["ringback"]["timeline"]
    assert turn["turnId"] == seen["transcripts"][0]["id"]
    after = scrape(ringback)
    assert value(after, "ringback_calls_living") == 0

    def grew(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    ended = {"direction": "inbound", "status": "completed", "reason": "agent_hangup", "side": "agent"}
    assert grew(ENDED) == grew(ENDED, **ended) == 1
    assert grew("ringback_call_duration_seconds_sum", direction="inbound") == seen["durationSeconds"]
    assert grew(f"{REPLY}_count") == 1
    assert grew(f"{REPLY}_sum", brain="webhook") == pytest.approx(turn["replyMs"] / 1000)
    parts = {part: grew(f"{PART}_sum", brain="webhook", part=part) for part in ("hear", "think", "speak")}
    assert sum(parts.values()) == pytest.approx(turn["replyMs"] / 1000)
    assert parts["hear"] == pytest.approx((turn["transcriptMs"] - turn["speechEndMs"]) / 1000)

    _, spans = collector
    mine = traced(ringback, spans, seen["ringback"]["requestId"])
    call, reply = mine["call"], mine["turn"]
    assert attributes(call)["ringback.call_id"] == seen["id"]
    assert attributes(call)["ringback.reason"] == "agent_hangup"
    assert reply.parent_span_id == call.span_id
    assert {mine[part].parent_span_id for part in ("hear", "think", "speak")} == {reply.span_id}
    assert began_ns < call.start_time_unix_nano < reply.start_time_unix_nano
    assert reply.end_time_unix_nano < call.end_time_unix_nano < time.time_ns()
    took = (reply.end_time_unix_nano - reply.start_time_unix_nano) / 1_000_000
    assert took == pytest.approx(turn["replyMs"])
    # The webhook that tells of the end is of the same work.
    until(lambda: "webhook" in traced(ringback, spans, seen["ringback"]["requestId"]) or None)
    told = str(spans)
    assert [secret for secret in ("secret words", phone.number, number) if secret in told] == []


def traced(ringback: Ringback, spans: Spans, work: str) -> dict[str, Any]:
    """The spans of a piece of work, by their names."""
    assert ringback.server.traces is not None
    ringback.server.traces.flush()
    trace_id = ids_of(work)[0]
    return {span.name: span for span in spans if int.from_bytes(span.trace_id, "big") == trace_id}


def test_a_call_that_failed_is_marked_so_in_its_request(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox, collector: tuple[str, Spans]
) -> None:
    before = scrape(ringback)
    agent, _, _ = desk(ringback, webhook_inbox)
    call = wait_for_end(ringback, place(ringback, agent, handset(call_personality="declines").number))
    mine = traced(ringback, collector[1], call["ringback"]["requestId"])
    assert mine["call"].parent_span_id == mine["POST /v1/calls"].span_id
    assert (mine["call"].status.code, mine["call"].status.message) == (2, "declined")
    assert "turn" not in mine
    labels = {"direction": "outbound", "status": "failed", "reason": "declined", "side": "caller"}
    assert value(scrape(ringback), ENDED, **labels) - value(before, ENDED, **labels) == 1


def test_calls_that_nobody_held_are_counted_once(ringback: Ringback, clock: Clock) -> None:
    """A browser that never came, and a call whose end was asked for twice."""
    before = scrape(ringback)
    agent, _, _ = desk(ringback, voiceMode="hosted", systemPrompt="Be kind.")
    late, ended = (ringback.request("POST", "/v1/calls/web", json={"agentId": agent}).json for _ in range(2))
    for _ in range(2):
        ringback.request("POST", f"/v1/calls/{ended['id']}/end")
    clock.advance(minutes=1)
    assert ringback.request("GET", f"/v1/calls/{late['id']}").json["status"] == "canceled"

    def grown() -> Samples:
        after = scrape(ringback)
        return {key: n - before.get(key, 0) for key, n in after.items() if key[0] == ENDED}

    assert sum(grown().values()) == 2
