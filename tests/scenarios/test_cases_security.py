"""Faults that others had, retold: what a request may carry, and what must not come out again."""

import gzip
import io
import json
import socket
from urllib.parse import urlsplit

import pytest

from ringback.testing import Answer, Handsets, Ringback, WebhookInbox
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario

CANARY = "sk_live_CANARY4f9c2d7e8a1b"


@pytest.fixture
def line(debug_log: io.StringIO, ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def told(answer: Answer) -> str:
    """All of an answer as text, its headers too."""
    return answer.content.decode() + json.dumps(dict(answer.headers))


def test_sec_key_shown_nowhere(line: Line, debug_log: io.StringIO, webhook_inbox: WebhookInbox) -> None:
    """Neither a good key nor a wrong one, nor a webhook's secret, in any answer, log line or file that need not have it."""
    request, key = line.ringback.request, line.ringback.api_key
    path = f"/v1/agents/{line.agent_id}/webhook"
    secret = line.ask("POST", path, {"url": webhook_inbox.url})["secret"]
    for place in ("/v1/numbers", "/sim/v1/handsets", "/v1/none", "/internal/v1/keys", "/openapi.json"):
        wrong = request("GET", place, headers={"Authorization": f"Bearer {CANARY}"})
        assert CANARY not in told(wrong)
        assert wrong.status in (401, 404) or place == "/openapi.json"
        queried = request("GET", f"{place}?api_key={key}&token={key}&key={CANARY}", api_key=None)
        assert key not in told(queried)
        assert queried.status in (401, 404) or place == "/openapi.json"
    for method, place, raw in (
        ("POST", "/v1/messages", b"{"),
        ("POST", "/v1/messages", json.dumps({**line.text("x"), "number_id": [key]}).encode()),
        ("POST", "/v1/agents", json.dumps({"name": {"Authorization": f"Bearer {CANARY}"}}).encode()),
        ("PATCH", f"/v1/numbers/{line.number_id}", json.dumps({"externalId": [CANARY]}).encode()),
        ("POST", path, json.dumps({"url": f"http://me:{CANARY}@"}).encode()),
        ("POST", f"/sim/v1/handsets/{line.phone.id}/messages", json.dumps({"to": CANARY, "x": key}).encode()),
    ):
        refused = line.raw(method, place, raw, {"X-Secret": CANARY})
        assert refused.status in (400, 422), refused
        assert not any(word in told(refused) for word in ("Bearer", key, CANARY)), refused
    line.hear("hello")
    event = webhook_inbox.wait_for("agent.message")
    assert not any(word in str(dict(event.headers)) + event.raw.decode() for word in (key, secret))
    until(lambda: line.ask("GET", f"{path}/deliveries")[0]["status"] == "delivered")
    assert line.ask("GET", path)["secret"] == secret
    for place in (
        f"{path}/deliveries",
        "/v1/webhooks/deliveries",
        "/v1/agents",
        "/v1/numbers",
        "/sim/v1/events",
    ):
        if not place.endswith("/events"):
            assert secret not in told(request("GET", place)), place
    written = debug_log.getvalue()
    assert "/v1/numbers" in written  # it does tell of the requests
    assert not any(word in written for word in (key, secret, "CANARY"))
    for file in line.ringback.settings.data.rglob("*"):
        if file.is_file() and file.name != "first-key":
            content = file.read_bytes()
            assert not any(word.encode() in content for word in (key, secret, CANARY)), file.name


DEEP = (
    b"[" * 20_000 + b"]" * 20_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"unknown":' + b"[" * 2_000 + b"]" * 2_000 + b"}",
)


def test_sec_deep_json(line: Line) -> None:
    """A depth that would end the parser, and one that would end whoever reads it back; unknown fields count too."""
    path = f"/v1/conversations/{line.hear('hi')['conversationId']}"
    for method, place in (
        ("POST", "/v1/messages"),
        ("POST", "/v1/contacts"),
        ("POST", "/v1/agents"),
        ("POST", "/v1/webhooks"),
        ("PATCH", path),
        ("PATCH", f"/v1/agents/{line.agent_id}"),
        ("POST", "/sim/v1/handsets"),
        ("PATCH", f"/sim/v1/handsets/{line.phone.id}"),
    ):
        for raw in DEEP:
            answer = line.raw(method, place, raw)
            assert answer.status in (400, 413, 422), (method, place, answer)
            assert answer.json["error"]["code"], answer
    for depth in (62, 64, 65, 200, 2_000):
        nested = b"[" * depth + b"]" * depth
        answer = line.raw("PATCH", path, b'{"metadata":{"deep":' + nested + b"}}")
        assert answer.status in (200, 422), answer
        if answer.status == 200:
            assert line.ask("GET", path)["metadata"] == {"deep": json.loads(nested)}
    assert line.ask("GET", "/v1/conversations")["total"] == 1
    assert line.ringback.request("GET", "/healthz", api_key=None).status == 200


JSON = "application/json"
NO_OBJECT = (
    (b"[]", JSON),
    (b'"x"', JSON),
    (b"null", JSON),
    (b"123", JSON),
    (b"true", JSON),
    (b"", JSON),
    (b"\xff\xfe{}", JSON),
    ('{"a":1}'.encode("utf-16"), JSON),
    (b"\x1f\x8b\x08\x00", JSON),
    (b"{}", "text/plain"),
    (b"{}", "application/json; charset=klingon"),
    (b"{'a':1}", JSON),
    (b"{}{}", JSON),
    (b"\xef\xbb\xbf{}", JSON),
    (
        b'--b\r\nContent-Disposition: form-data; name="body"\r\n\r\nx\r\n--b--',
        "multipart/form-data; boundary=b",
    ),
    (b"body=x", "application/x-www-form-urlencoded"),
    (b'{"body":"' + b"x" * 11_000_000 + b'"}', JSON),
)


@pytest.mark.parametrize(("raw", "kind"), NO_OBJECT)
def test_sec_body_that_is_no_object(line: Line, raw: bytes, kind: str) -> None:
    for method, place in (
        ("POST", "/v1/messages"),
        ("POST", "/v1/contacts"),
        ("POST", "/v1/webhooks"),
        ("POST", f"/sim/v1/handsets/{line.phone.id}/messages"),
    ):
        answer = line.raw(method, place, raw, {"Content-Type": kind})
        assert answer.status in (400, 413, 415, 422), (method, place, answer)
        assert answer.json["error"]["code"], answer
    assert line.messages() == []


def test_what_is_an_object_all_the_same(line: Line) -> None:
    """A byte-order mark may be ignored (RFC 8259 8.1); a packed body is not unpacked, so it can't grow."""
    body = json.dumps(line.text("marked")).encode()
    assert line.raw("POST", "/v1/messages", b"\xef\xbb\xbf" + body).status == 200
    packed = line.raw("POST", "/v1/messages", gzip.compress(body), {"Content-Encoding": "gzip"})
    assert packed.status == 415
    assert [message["body"] for message in line.messages()] == ["marked"]


EVIL = "a\r\nX-Evil: 1\r\n\r\nevil"


def test_sec_line_break_in_a_header(line: Line, webhook_inbox: WebhookInbox) -> None:
    """What somebody chose never opens a header, a line or an event: not in answers, webhooks or streams."""
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    conversation = line.hear("hi")["conversationId"]
    written = [
        ("PATCH", f"/v1/agents/{line.agent_id}", "name"),
        ("POST", "/v1/agents", "name"),
        ("PATCH", f"/v1/numbers/{line.number_id}", "externalId"),
        ("POST", "/v1/contacts", "name"),
        ("POST", "/v1/sub-accounts", "name"),
        ("POST", "/sim/v1/handsets", "name"),
        ("PATCH", f"/sim/v1/handsets/{line.phone.id}", "name"),
        ("PATCH", f"/v1/conversations/{conversation}", "metadata"),
    ]
    for method, path, field in written:
        value = {"evil": EVIL} if field == "metadata" else EVIL
        answer = line.ringback.request(method, path, json={field: value, "phoneNumber": "+14155550199"})
        assert answer.status in (200, 201, 422), (path, answer)
        assert "x-evil" not in answer.headers
        assert answer.status == 422 or answer.json[field] == value
    for url in ("http://127.0.0.1:9/\r\nX-Evil: 1", "http://127.0.0.1:9/%0d%0aX-Evil:%201"):
        answer = line.ringback.request("POST", "/v1/webhooks", json={"url": url})
        assert answer.status in (200, 422)
        assert "x-evil" not in answer.headers
    for path in (
        f"/v1/agents/{line.agent_id}",
        "/v1/numbers",
        "/v1/none",
        "/sim/v1/handsets",
        "/openapi.json",
    ):
        answer = line.ringback.request("GET", f"{path}?x=%0d%0aX-Evil:%201&limit=%0d%0aX-Evil:%201")
        assert "x-evil" not in answer.headers
    keyed = {"Idempotency-Key": "k%0d%0aX-Evil:%201"}
    answer = line.ringback.request("POST", "/v1/agents", json={"name": "x"}, headers=keyed)
    assert (answer.status, "x-evil" in answer.headers) == (200, False)
    line.phone.text(line.number, EVIL)
    events = until(lambda: [one for one in webhook_inbox.received if one.body["data"]["message"] == EVIL])
    assert not any("x-evil" in {name.lower() for name in one.headers} for one in webhook_inbox.received)
    assert events[0].body["conversationState"] in ({"evil": EVIL}, None)


def test_a_folded_header_is_no_header(line: Line) -> None:
    """Obsolete folding is refused or read as a space (RFC 9112 5.2), and opens nothing."""
    parts = urlsplit(line.ringback.base_url)
    body = json.dumps({"name": "folded"}).encode()
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/agents HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nIdempotency-Key: a\r\n X-Evil: 1\r\n"
            + f"Authorization: Bearer {line.ringback.api_key}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.split(b" ")[1] in (b"200", b"400", b"422"), answer
    assert b"x-evil" not in answer.partition(b"\r\n\r\n")[0].lower()


def test_a_text_opens_no_event_of_a_stream(line: Line) -> None:
    parts = urlsplit(line.ringback.base_url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(
            b"GET /sim/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            + f"Authorization: Bearer {line.ringback.api_key}\r\n\r\n".encode()
        )
        got = b""
        while b": connected" not in got:
            got += connection.recv(65_536)
        line.phone.text(line.number, "a\r\nevent: evil\nid: 9\n\n\u2028event: evil\x85event: evil")
        while b'"status"' not in got or b"\n\n" not in got.partition(b'"status"')[2]:
            got += connection.recv(65_536)
    assert "event: evil" in got.decode()
    assert not [part for part in got.decode().splitlines() if part.startswith("event: evil")]
