"""Calls over HTTP: placed, received, listed, waited for, ended. Who speaks is told by the test; the rest is real."""

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from ringback.flows import hold_calls
from ringback.flows.receive_call import Rejected
from ringback.testing import Clock, Ringback, WebhookInbox
from tests.phones import until
from tests.switchboard import Exchange

pytestmark = pytest.mark.scenario

ANN = "+14155550114"


@pytest.fixture
def exchange(ringback: Ringback) -> Exchange:
    return Exchange(ringback)


def desk(ringback: Ringback, /, **settings: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    agent = ringback.request("POST", "/v1/agents", json={"name": "Desk", **settings}).json
    number = ringback.request("POST", "/v1/numbers", json={"agentId": agent["id"]}).json
    return agent, number


def hosted(ringback: Ringback, /, **settings: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return desk(ringback, voiceMode="hosted", systemPrompt="Be kind.", **settings)


def place(ringback: Ringback, agent: dict[str, Any], status: int = 200, /, **more: Any) -> Any:
    answer = ringback.request("POST", "/v1/calls", json={"agentId": agent["id"], "toNumber": ANN, **more})
    assert answer.status == status, answer.json
    return answer.json


def get(ringback: Ringback, path: str, **query: Any) -> Any:
    answer = ringback.request("GET", path, query=query)
    assert answer.status == 200, answer.json
    return answer.json


def test_a_call_out(ringback: Ringback, exchange: Exchange, webhook_inbox: WebhookInbox) -> None:
    agent, number = desk(ringback)
    refused = place(ringback, agent, 400)
    assert refused["error"]["code"] == "WEBHOOK_REQUIRED"
    webhook_inbox.secret = ringback.request("POST", "/v1/webhooks", json={"url": webhook_inbox.url}).json[
        "secret"
    ]
    ringback.request("POST", "/v1/contacts", json={"phoneNumber": ANN, "name": "Ann"})
    call = place(
        ringback, agent, toNumber="(415) 555-0114", initialGreeting="Hi {{who}}", variables={"who": "Ann"}
    )
    assert (call["status"], call["fromNumber"], call["toNumber"]) == ("queued", number["phoneNumber"], ANN)
    assert (call["agentName"], call["direction"], call["phoneNumberId"]) == ("Desk", "outbound", number["id"])
    assert (call["endedAt"], call["durationSeconds"], call["transcripts"], call["recordingAvailable"]) == (
        None,
        None,
        [],
        False,
    )
    assert call["ringback"]["brain"] == "webhook"
    plan = exchange.answered(call["id"], at=0)
    assert (plan["greeting"], plan["brain"]["url"]) == ("Hi Ann", webhook_inbox.url)
    assert plan["brain"]["secret"] == webhook_inbox.secret
    assert get(ringback, f"/v1/calls/{call['id']}")["status"] == "in-progress"
    exchange.say(call["id"], "agent", "Hi Ann", "greeting")
    exchange.say(call["id"], "user", "Is it ready?", "t1", confidence=0.9)
    exchange.tell(call["id"], "timeline", turn_id="t1", speech_end=1_200, transcript=1_300, audio_first=1_800)
    exchange.tell(call["id"], "hook", turn_id="t1", http_status=200, error=None, ms=12)
    exchange.say(call["id"], "agent", "It is.", "t1")
    exchange.tell(call["id"], "ended", at=9_001, status="completed", reason="user_hangup", side="caller")
    over = get(ringback, f"/v1/calls/{call['id']}")
    assert (over["status"], over["disconnectionReason"], over["durationSeconds"]) == (
        "completed",
        "user_hangup",
        10,
    )
    assert [
        (entry["transcript"], entry["response"], entry["confidence"]) for entry in over["transcripts"]
    ] == [
        ("", "Hi Ann", None),
        ("Is it ready?", "It is.", 0.9),
    ]
    assert over["lastTranscriptSnippet"] == "It is."
    assert over["ringback"]["endingSide"] == "caller"
    assert over["ringback"]["timeline"] == [
        {
            "turnId": over["transcripts"][1]["id"],
            "speechEndMs": 1_200,
            "transcriptMs": 1_300,
            "brainFirstMs": None,
            "audioFirstMs": 1_800,
            "interruptedMs": None,
            "replyMs": 600,
        }
    ]
    event = webhook_inbox.wait_for(event="agent.call_ended")
    assert (event.body["channel"], event.body["agentId"]) == ("voice", agent["id"])
    data = event.body["data"]
    assert data["contact"]["name"] == "Ann"
    assert data["transcript"] == [
        {"role": "agent", "content": "Hi Ann"},
        {"role": "user", "content": "Is it ready?"},
        {"role": "agent", "content": "It is."},
    ]
    assert {
        name: data[name] for name in ("callId", "status", "disconnectionReason", "durationSeconds", "summary")
    } == {
        "callId": call["id"],
        "status": "completed",
        "disconnectionReason": "user_hangup",
        "durationSeconds": 10,
        "summary": None,
    }
    until(lambda: get(ringback, "/v1/webhooks/deliveries/all-time")["success"] == 2)
    listed = get(ringback, "/v1/webhooks/deliveries")["items"]
    assert [(row["eventType"], row["channel"], row["status"]) for row in listed] == [
        ("agent.call_ended", "voice", "delivered"),
        ("agent.message", "voice", "delivered"),
    ]
    turn = listed[1]["id"]
    refused = ringback.request("POST", f"/v1/webhooks/deliveries/{turn}/redeliver")
    assert (refused.status, refused.json["error"]["code"]) == (409, "DELIVERY_NOT_REPEATABLE")
    stats = get(ringback, "/v1/usage")["stats"]
    assert (stats["totalCalls"], stats["callsLast24h"], stats["callsLast30d"]) == (1, 1, 1)
    assert get(ringback, "/v1/usage/daily", days=1)["data"][0]["voiceMinutes"] == 0.17
    [by_agent] = get(ringback, "/v1/usage/by-agent")["data"]
    assert (by_agent["calls"], by_agent["totalSeconds"]) == (1, 10)


def test_a_call_in(ringback: Ringback, exchange: Exchange) -> None:
    agent, number = desk(
        ringback, beginMessage="Desk here.", ringback={"recordingNotice": "This is recorded."}
    )
    assert agent["ringback"] == {"recordingNotice": "This is recorded.", "denoising": "none"}
    assert exchange.ring("+14155559998", ANN) == Rejected(404)
    plan = exchange.ring(number["phoneNumber"], ANN)
    assert plan["brain"]["kind"] == "notice", "an agent whose webhook is missing"
    assert (plan["greeting"], plan["recording_notice"]) == ("Desk here.", "This is recorded.")
    call = get(ringback, f"/v1/calls/{plan['call_id']}")
    assert (call["status"], call["direction"], call["fromNumber"]) == ("ringing", "inbound", ANN)
    exchange.tell(call["id"], "answered", at=0)
    exchange.tell(call["id"], "ended", at=2_000, reason="webhook_error")
    call = get(ringback, f"/v1/calls/{call['id']}")
    assert (call["status"], call["disconnectionReason"], call["ringback"]["endingSide"]) == (
        "failed",
        "webhook_error",
        "webhook",
    )
    ringback.request("DELETE", f"/v1/agents/{agent['id']}/numbers/{number['id']}")
    assert exchange.ring(number["phoneNumber"], ANN, "ref-2") == Rejected(480)
    gone = exchange.ring(hosted(ringback)[1]["phoneNumber"], ANN, "ref-3")
    assert gone["brain"]["kind"] == "demo", "there is no model"
    exchange.tell(gone["call_id"], "ended", reason="user_hangup")
    assert get(ringback, f"/v1/calls/{gone['call_id']}")["status"] == "canceled", "gone before the answer"


@pytest.mark.parametrize("number", ["911", "+1 (9) 1 1", "988", "+18002738255", "411", "１１２", "tel:911"])
def test_never_dialled(ringback: Ringback, exchange: Exchange, number: str) -> None:
    agent, _ = hosted(ringback)
    refused = place(ringback, agent, 403, toNumber=number)
    assert refused["error"]["code"] == "NUMBER_BLOCKED"
    assert refused["error"]["details"][0]["field"] == "toNumber"
    assert get(ringback, "/v1/calls")["total"] == 0
    transfer = ringback.request("PATCH", f"/v1/agents/{agent['id']}", json={"transferNumber": number})
    assert transfer.status == 422
    assert transfer.json["error"]["details"][0]["field"] == "transferNumber"


def test_a_call_is_not_transferred_to_where_it_came_from(ringback: Ringback, exchange: Exchange) -> None:
    """A call that is handed to a number of its own agent would come back to it, again and again."""
    agent, number = hosted(ringback)
    path = f"/v1/agents/{agent['id']}"
    for typed in (number["phoneNumber"], f"1 ({number['phoneNumber'][2:5]}) {number['phoneNumber'][5:]}"):
        refused = ringback.request("PATCH", path, json={"transferNumber": typed, "name": "Other"})
        assert (refused.status, refused.json["error"]["details"][0]["field"]) == (422, "transferNumber")
        assert "comes back" in refused.json["error"]["message"]
    assert get(ringback, path)["name"] == "Desk"
    _, others = hosted(ringback)
    ringback.request("PATCH", path, json={"transferNumber": others["phoneNumber"]})
    plan = exchange.ring(number["phoneNumber"], ANN, "ref-1")
    assert plan["agent"]["transfer_number"] == others["phoneNumber"], "another agent may take it"
    ringback.request("POST", f"{path}/numbers", json={"numberId": others["id"]})
    assert ringback.request("PATCH", path, json={"name": "Front desk"}).status == 200
    plan = exchange.ring(number["phoneNumber"], ANN, "ref-2")
    assert plan["agent"]["transfer_number"] is None, "it is the agent's own by now"


def test_variables_that_fill_a_greeting_of_a_page(ringback: Ringback) -> None:
    agent, _ = hosted(ringback, beginMessage="Hi {{name}}, {{name}}!")
    asked = {"agentId": agent["id"], "variables": {"name": "x" * 2_000}}
    refused = ringback.request("POST", "/v1/calls/web", json=asked)
    assert (refused.status, refused.json["error"]["details"][0]["field"]) == (422, "variables")
    assert "the greeting has more than the 4,000 characters" in refused.json["error"]["message"]
    asked["variables"] = {"name": "x" * 1_900}
    assert ringback.request("POST", "/v1/calls/web", json=asked).status in (200, 503)


def test_what_is_refused_changes_nothing(ringback: Ringback, exchange: Exchange) -> None:
    agent, number = hosted(ringback)
    bare = ringback.request(
        "POST", "/v1/agents", json={"name": "Bare", "voiceMode": "hosted", "systemPrompt": "x"}
    ).json
    for body, status, field in (
        ({"toNumber": "12"}, 422, "toNumber"),
        ({"toNumber": number["phoneNumber"]}, 422, "toNumber"),
        ({"agentId": "agt_nobody"}, 404, None),
        ({"agentId": bare["id"]}, 400, "agentId"),
        ({"agentId": bare["id"], "fromNumberId": number["id"]}, 400, "fromNumberId"),
        ({"fromNumberId": "num_nobody"}, 404, None),
        ({"modelTier": "huge"}, 422, "modelTier"),
        ({"maxWaitSeconds": 0}, 422, "maxWaitSeconds"),
        ({"variables": {"a": 1}}, 422, "variables.a"),
        ({"initialGreeting": "x" * 4_001}, 422, "initialGreeting"),
        ({"initialGreeting": "{{a}}{{ a }}", "variables": {"a": "x" * 2_001}}, 422, "variables"),
        ({"systemPrompt": "{{a}}" * 25, "variables": {"a": "x" * 4_001}}, 422, "variables"),
    ):
        refused = place(ringback, agent, status, **body)
        if field is not None:
            assert refused["error"]["details"][0]["field"] == field, body
    assert get(ringback, "/v1/calls")["total"] == 0
    exchange.broken = "no child can be started"
    told = place(ringback, agent, 503)
    assert (told["error"]["code"], told["detail"]) == ("VOICE_UNAVAILABLE", "no child can be started")


def test_without_voice_a_call_says_what_is_missing(ringback: Ringback) -> None:
    agent, _ = hosted(ringback)
    parts = ringback.server.app.state.parts
    ringback.on_loop(ringback.server.calling.close())
    ringback.server.app.state.parts = replace(parts, switchboard=None)
    told = place(ringback, agent, 503)
    assert "install '.[voice]'" in told["detail"]
    web = ringback.request("POST", "/v1/calls/web", json={"agentId": agent["id"]})
    assert (web.status, web.json["error"]["code"]) == (503, "VOICE_UNAVAILABLE")
    beside = hold_calls.say_alive
    ringback.on_loop(parts.store.write(lambda tx: beside(tx, "another process", until=1 << 60)))
    assert place(ringback, agent)["status"] == "queued", "whoever lives beside us takes it"


def test_once_although_asked_twice(ringback: Ringback, exchange: Exchange) -> None:
    agent, _ = hosted(ringback)
    body = {"agentId": agent["id"], "toNumber": ANN}
    answers = [
        ringback.request("POST", "/v1/calls", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert get(ringback, "/v1/calls")["total"] == len(exchange.accounts) == 1
    web = [
        ringback.request(
            "POST", "/v1/calls/web", json={"agentId": agent["id"]}, headers={"Idempotency-Key": "w"}
        )
        for _ in range(2)
    ]
    assert web[0].json == web[1].json


def test_waiting_for_the_end(ringback: Ringback, exchange: Exchange) -> None:
    agent, _ = hosted(ringback)
    call = place(ringback, agent)
    exchange.answered(call["id"])
    begun = time.monotonic()
    as_it_is = get(ringback, f"/v1/calls/{call['id']}", wait="true", timeout=1)
    assert as_it_is["status"] == "in-progress"
    assert 0.9 < time.monotonic() - begun < 4
    timer = threading.Timer(0.3, lambda: exchange.tell(call["id"], "ended", at=500, reason="agent_hangup"))
    timer.start()
    begun = time.monotonic()
    over = get(ringback, f"/v1/calls/{call['id']}", wait="true")
    assert (over["status"], over["disconnectionReason"]) == ("completed", "agent_hangup")
    assert time.monotonic() - begun < 3
    assert get(ringback, f"/v1/calls/{call['id']}", wait="true") == over
    timer.join()


def test_an_answer_that_waits_for_completion(ringback: Ringback, exchange: Exchange) -> None:
    agent, _ = hosted(ringback)
    still = place(ringback, agent, waitForCompletion=True, maxWaitSeconds=1)
    assert still["status"] == "queued"

    def talk() -> None:
        call_id = until(lambda: next((each for each in exchange.accounts if each != still["id"]), None))
        exchange.answered(call_id)
        exchange.tell(call_id, "ended", at=1_000, reason="inactivity")

    thread = threading.Thread(target=talk)
    thread.start()
    over = place(ringback, agent, waitForCompletion=True)
    thread.join()
    assert (over["status"], over["disconnectionReason"]) == ("completed", "inactivity")


def test_ending_a_call(ringback: Ringback, exchange: Exchange) -> None:
    agent, _ = hosted(ringback)
    queued = place(ringback, agent)
    ended = ringback.request("POST", f"/v1/calls/{queued['id']}/end").json
    assert (ended["status"], ended["disconnectionReason"]) == ("canceled", "api_end")
    assert ringback.request("POST", f"/v1/calls/{queued['id']}/end", json={}).json == ended
    call = place(ringback, agent)
    exchange.answered(call["id"])
    thread = threading.Thread(
        target=lambda: (
            until(lambda: exchange.asked_to_end)
            and exchange.tell(call["id"], "ended", at=4_000, reason="api_end")
        )
    )
    thread.start()
    ended = ringback.request("POST", f"/v1/calls/{call['id']}/end").json
    thread.join()
    assert exchange.asked_to_end == [(call["id"], "api_end")]
    assert (ended["status"], ended["disconnectionReason"], ended["durationSeconds"]) == (
        "completed",
        "api_end",
        4,
    )
    assert ringback.request("POST", "/v1/calls/call_nobody/end").status == 404


def test_lists_and_filters(ringback: Ringback, exchange: Exchange) -> None:
    agent, number = hosted(ringback)
    other, _ = hosted(ringback)
    first = place(ringback, agent)
    second = place(ringback, other, toNumber="+442079460018")
    inbound = exchange.ring(number["phoneNumber"], "+442079460018")["call_id"]
    web = ringback.request(
        "POST", "/v1/calls/web", json={"agentId": other["id"], "metadata": {"a": [1]}}
    ).json["id"]
    exchange.answered(first["id"])
    every = [web, inbound, second["id"], first["id"]]

    def ids(path: str = "/v1/calls", **query: Any) -> list[str]:
        found = get(ringback, path, **query)
        assert found["total"] == len(found["data"])
        assert found["hasMore"] is False
        return [call["id"] for call in found["data"]]

    assert ids() == every
    assert ids(status="in-progress") == [first["id"]]
    assert ids(status="nonsense") == [], "the contract takes any"
    assert ids(direction="inbound") == [inbound]
    assert ids(type="web") == [web]
    assert ids(type="pstn") == every[1:]
    assert ids(type="pstn", direction="web") == []
    assert ids(type="", direction="", status="", search="") == every
    assert ids(search="+44 20") == [inbound, second["id"]]
    assert ids(search="7946", direction="outbound") == [second["id"]]
    assert ids(search="no digits") == []
    assert ids(f"/v1/agents/{agent['id']}/calls") == [inbound, first["id"]]
    assert ids(f"/v1/numbers/{number['id']}/calls") == [inbound, first["id"]]
    page = get(ringback, "/v1/calls", limit=1, offset=1)
    assert ([call["id"] for call in page["data"]], page["hasMore"], page["total"]) == ([inbound], True, 4)
    assert get(ringback, f"/v1/calls/{web}")["metadata"] == {"a": [1]}
    for path in ("/v1/agents/agt_x/calls", "/v1/numbers/num_x/calls", "/v1/calls/call_x"):
        assert ringback.request("GET", path).status == 404
    stranger = ringback.new_account()
    assert ringback.request("GET", f"/v1/calls/{web}", api_key=stranger).status == 404
    assert ringback.request("GET", "/v1/calls", api_key=stranger).json["total"] == 0
    ringback.request("DELETE", f"/v1/agents/{agent['id']}")
    kept = get(ringback, f"/v1/calls/{first['id']}")
    assert (kept["agentId"], kept["agentName"]) == (None, None)


def test_a_browser_that_does_not_come(ringback: Ringback, exchange: Exchange, clock: Clock) -> None:
    agent, _ = hosted(ringback)
    call = ringback.request("POST", "/v1/calls/web", json={"agentId": agent["id"]}).json
    assert (call["direction"], call["status"], call["callId"]) == ("web", "queued", call["id"])
    clock.advance(seconds=29)
    assert get(ringback, f"/v1/calls/{call['id']}")["status"] == "queued"
    clock.advance(seconds=2)
    over = until(lambda: (found := get(ringback, f"/v1/calls/{call['id']}"))["endedAt"] and found)
    assert (over["status"], over["fromNumber"]) == ("canceled", "web")


def test_events_of_a_call(ringback: Ringback, exchange: Exchange) -> None:
    agent, number = hosted(ringback)
    start = get(ringback, "/v1/events")["nextAfter"]
    call = place(ringback, agent)
    exchange.answered(call["id"])
    exchange.say(call["id"], "user", "secret words")
    exchange.tell(call["id"], "ended", at=1_000, reason="user_hangup")
    found = get(ringback, "/v1/events", after=start, types="call.*")["data"]
    assert [event["type"] for event in found] == [
        "call.queued",
        "call.ringing",
        "call.answered",
        "call.turn",
        "call.ended",
    ]
    assert {event["data"]["callId"] for event in found} == {call["id"]}
    assert {event["agentId"] for event in found} == {agent["id"]}
    assert "secret words" not in str(found)
    assert found[-1]["data"] == {
        "callId": call["id"],
        "status": "completed",
        "reason": "user_hangup",
        "side": "caller",
        "durationSeconds": 1,
    }
    assert found[0]["data"]["numberId"] == number["id"]
