"""The short way to the hottest route answers as the long way does: a content type with a charset goes the long way."""

import json
from typing import Any

import httpx
import pytest

from ringback.testing import Ringback

pytestmark = pytest.mark.contract

SHORT, LONG = "application/json", "application/json; charset=utf-8"
BODIES: tuple[bytes, ...] = (
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff", b"\xef\xbb\xbf{}", b"[" * 100 + b"]" * 100,
    b'{"a":' * 70 + b"1" + b"}" * 70, b'{"body": "NUL \\u0000"}', b'{"body": "\\ud800"}', b'{"body": 1}',
    b'{"to_number": true}', b'{"media_urls": ["x"]}', b'{"recipients": ["+14155550104", "+14155550105"]}',
    b'{"ringback": {"validitySeconds": 0}}', b'{"send_style": "loudest"}', b'{"number_id": "num_unknown"}',
    b"x" * 2_000_000,
)  # fmt: skip
FIELDS: tuple[dict[str, Any], ...] = (
    {},
    {"body": ""},
    {"to_number": "911"},
    {"to_number": "nobody"},
    {"to_number": "ann@example.com"},
    {"number_id": "num_unknown"},
    {"from_number": "+14155550199"},
    {"agent_id": "agt_unknown"},
    {"body": "x" * 1601},
    {"media_url": "ftp://example.com/x"},
    {"ringback": {"validitySeconds": 60}},
    {"unknown": 1, "body": "grüß dich"},
)
IDS = ("id", "conversation_id")


def ask(ringback: Ringback, body: bytes, **headers: str) -> tuple[int, Any, dict[str, str]]:
    sent = {"Authorization": f"Bearer {ringback.api_key}"} | headers
    answer = httpx.post(f"{ringback.base_url}/v1/messages", content=body, headers=sent)
    told = {name.lower(): value for name, value in answer.headers.items()}
    for name in ("date", "x-request-id", "content-length"):
        told.pop(name, None)
    known = answer.json()
    return answer.status_code, {name: "" if name in IDS else value for name, value in known.items()}, told


@pytest.fixture
def bodies(ringback: Ringback) -> list[bytes]:
    number = ringback.api.call("POST", "/v1/numbers", {})["id"]
    good = {"number_id": number, "to_number": "+14155550104", "body": "hello"}
    return [*BODIES, *(json.dumps(good | more).encode() for more in FIELDS)]


def test_both_ways_answer_alike(ringback: Ringback, bodies: list[bytes]) -> None:
    statuses = set()
    for body in bodies:
        short, long = (ask(ringback, body, **{"Content-Type": kind}) for kind in (SHORT, LONG))
        assert short == long, body[:80]
        statuses.add(short[0])
    assert statuses == {200, 400, 403, 404, 413, 422}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer sk_live_wrong"},
        {"Authorization": "Basic x"},
        {"X-Sub-Account-Id": "sub_unknown"},
        {"Idempotency-Key": "x" * 256},
        {"Idempotency-Key": "once"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "identity"},
    ],
)
def test_both_ways_read_the_headers_alike(
    ringback: Ringback, bodies: list[bytes], headers: dict[str, str]
) -> None:
    for body in (bodies[-1], b"{"):
        short, long = (ask(ringback, body, **headers, **{"Content-Type": kind}) for kind in (SHORT, LONG))
        assert short == long


def test_a_plain_request_goes_the_short_way(
    ringback: Ringback, bodies: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def long_way(*_: Any) -> None:
        raise AssertionError("FastAPI was asked")

    front: Any = vars(ringback.server.asgi)["_app"]
    monkeypatch.setattr(front, "_app", long_way)
    assert ask(ringback, bodies[-1], **{"Content-Type": SHORT})[0] == 200
