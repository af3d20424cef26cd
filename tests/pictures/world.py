"""A server with something to see: two agents, numbers, phones that text with them, calls, a webhook that fails."""

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ringback.testing.server import Ringback, make_template, serve

_ANSWERS = (
    "Of course. I have ten in the morning or a quarter past two.",
    "Friday is open from one o'clock. Shall I take one for you?",
    "Done. You are booked for Friday at one.",
)
_SCRIPT = (
    "Hello, I want to move my appointment to Thursday.",
    "The afternoon is better, if Friday is open.",
    "Then Friday at one, please.",
)
_SLOW_S = 1.6
_DAYS = (
    ("Noah Keller", "Do you have parking?", "Yes, behind the house."),
    ("Emma Brandt", "Can I bring my dog?", "If it is small."),
    ("Luis Ortega", "What does a cleaning cost?", "Ninety dollars."),
)
_TEXTS_A_DAY = (2, 3, 1, 4, 6, 3, 0, 2, 5, 7, 4, 6)
_CALLS = {3: "busy", 9: "declines"}
"""What became of a call on a day of the past."""
_TALK = (
    ("Hi, is Friday at three still free?", "Yes, three is free on Friday. Shall I book it?"),
    ("Please do. Parking nearby?", "Booked. There is a garage on Fifth Street."),
)


@contextlib.contextmanager
def server(**settings: Any) -> Iterator[Ringback]:
    """An empty server on a fresh store."""
    with tempfile.TemporaryDirectory() as folder:
        template, data = Path(folder, "template"), Path(folder, "data")
        template.mkdir()
        data.mkdir()
        made = make_template(template)
        with serve(data, settings=settings, wrap=lambda app: app, template=lambda: made) as ringback:
            yield ringback


def ask(ringback: Ringback, method: str, path: str, body: Any = None) -> Any:
    answer = ringback.request(method, path, json=body)
    assert answer.status < 300, (path, answer.json)
    return answer.json


class Brain(BaseHTTPRequestHandler):
    """The webhook of the front desk: it answers turns of a call, the last one slowly."""

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = {}
        if told.get("channel") == "voice":
            heard = str(told["data"].get("transcript", ""))
            at = 0 if "Thursday" in heard else 2 if "please" in heard else 1
            if at == len(_ANSWERS) - 1:
                time.sleep(_SLOW_S)
            body = {"text": _ANSWERS[at]}
        answer = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def brain() -> Iterator[str]:
    """The address of a webhook that answers calls."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Brain) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}/hook"
        listening.shutdown()


def furnish(ringback: Ringback) -> dict[str, Any]:
    """Fill a server; answers the ids of what a picture shows."""
    with brain() as hook:
        return _furnish(ringback, hook)


def _furnish(ringback: Ringback, hook: str) -> dict[str, Any]:
    desk = ask(
        ringback,
        "POST",
        "/v1/agents",
        {
            "name": "Front desk",
            "voiceMode": "webhook",
            "systemPrompt": "You are Maya at the front desk of a dental practice. Be brief and kind.",
            "beginMessage": "Front desk, this is Maya. How can I help?",
            "description": "Books and moves appointments.",
        },
    )
    night = ask(
        ringback, "POST", "/v1/agents", {"name": "Night shift", "description": "Answers after hours."}
    )
    ask(ringback, "POST", f"/v1/agents/{desk['id']}/webhook", {"url": hook})
    number = ask(ringback, "POST", "/v1/numbers", {"areaCode": "212", "agentId": desk["id"]})
    late = ask(ringback, "POST", "/v1/numbers", {"areaCode": "415", "agentId": night["id"]})
    _past(ringback, desk["id"], number)
    first = ask(ringback, "GET", "/sim/v1/handsets")["data"][0]
    ask(ringback, "PATCH", f"/sim/v1/handsets/{first['id']}", {"name": "Ada"})
    sam = ask(ringback, "POST", "/sim/v1/handsets", {"name": "Sam", "areaCode": "415"})
    mia = ask(
        ringback, "POST", "/sim/v1/handsets", {"name": "Mia", "areaCode": "646", "personality": "unreachable"}
    )
    ask(ringback, "POST", "/v1/webhooks", {"url": "http://127.0.0.1:9/hook"})
    for handset in (sam, first):
        for asked, told in _TALK:
            ask(
                ringback,
                "POST",
                f"/sim/v1/handsets/{handset['id']}/messages",
                {"to": number["phoneNumber"], "body": asked},
            )
            time.sleep(0.15)
            ask(
                ringback,
                "POST",
                "/v1/messages",
                {"to_number": handset["phoneNumber"], "body": told, "number_id": number["id"]},
            )
            time.sleep(0.15)
    ask(
        ringback,
        "POST",
        f"/sim/v1/handsets/{first['id']}/messages",
        {"to": number["phoneNumber"], "body": "Running late <b>sorry</b>, there in ten"},
    )
    ask(
        ringback,
        "POST",
        f"/sim/v1/handsets/{mia['id']}/messages",
        {"to": number["phoneNumber"], "body": "Do you take walk-ins?"},
    )
    time.sleep(0.15)
    ask(
        ringback,
        "POST",
        "/v1/messages",
        {"to_number": mia["phoneNumber"], "body": "We do, until five.", "number_id": number["id"]},
    )
    after_hours = {"to": late["phoneNumber"], "body": "Is anybody there at night?"}
    ask(ringback, "POST", f"/sim/v1/handsets/{mia['id']}/messages", after_hours)
    script: list[dict[str, Any]] = [
        step for line in _SCRIPT for step in ({"waitForSilenceMs": 900}, {"say": line})
    ]
    script += [{"waitForSilenceMs": 900}, {"hangup": True}]
    call = ask(
        ringback,
        "POST",
        f"/sim/v1/handsets/{first['id']}/calls",
        {"to": number["phoneNumber"], "script": script},
    )
    ask(ringback, "GET", f"/sim/v1/calls/{call['id']}?wait=60")
    time.sleep(0.5)
    calls = ask(ringback, "GET", "/v1/calls")["data"]
    conversation = next(
        found
        for found in ask(ringback, "GET", "/v1/conversations")["data"]
        if (found["participant"], found["phoneNumber"]) == (first["phoneNumber"], number["phoneNumber"])
    )
    deliveries = ask(ringback, "GET", "/v1/webhooks/deliveries")["data"]
    refused = next(each for each in deliveries if each["errorMessage"])
    return {
        "agent": desk["id"],
        "number": number["id"],
        "conversation": conversation["id"],
        "call": calls[0]["id"],
        "delivery": refused["id"],
    }


def _past(ringback: Ringback, agent_id: str, number: dict[str, Any]) -> None:
    """The days before: people who are contacts and have no phone any more. The clock is moved on, a day at a time."""
    people = []
    for name, *said in _DAYS:
        handset = ask(ringback, "POST", "/sim/v1/handsets", {"name": name, "areaCode": "917"})
        ask(ringback, "POST", "/v1/contacts", {"phoneNumber": handset["phoneNumber"], "name": name})
        people.append((handset, said))
    for day, texts in enumerate(_TEXTS_A_DAY):
        for n in range(texts):
            handset, (asked, told) = people[(day + n) % len(people)]
            to = {"to": number["phoneNumber"], "body": asked}
            ask(ringback, "POST", f"/sim/v1/handsets/{handset['id']}/messages", to)
            time.sleep(0.1)
            answer = {"to_number": handset["phoneNumber"], "body": told, "number_id": number["id"]}
            ask(ringback, "POST", "/v1/messages", answer)
        if day in _CALLS:
            handset, _ = people[day % len(people)]
            ask(ringback, "PATCH", f"/sim/v1/handsets/{handset['id']}", {"callPersonality": _CALLS[day]})
            call = ask(
                ringback, "POST", "/v1/calls", {"agentId": agent_id, "toNumber": handset["phoneNumber"]}
            )
            ask(ringback, "GET", f"/v1/calls/{call['id']}?wait=true&timeout=30")
        time.sleep(0.3)
        ask(ringback, "POST", "/sim/v1/clock", {"advanceSeconds": 86_400})
    for handset, _ in people:
        ask(ringback, "DELETE", f"/sim/v1/handsets/{handset['id']}")
