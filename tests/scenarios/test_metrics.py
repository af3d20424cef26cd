"""/metrics: what Prometheus reads, from this machine or with a key."""

import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

import ringback as ringback_package
from ringback.kit import measures
from ringback.testing import Clock, Handsets, Network, Ringback
from tests.phones import until

pytestmark = pytest.mark.scenario

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(ringback: Ringback, **headers: str) -> Samples:
    with urlopen(Request(f"{ringback.base_url}/metrics", headers=headers), timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        text = answer.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    return sum(
        n
        for (found, having), n in samples.items()
        if found == name and labels.items() <= dict(having).items()
    )


def test_requests_by_route(ringback: Ringback) -> None:
    before = scrape(ringback)
    number = ringback.request("POST", "/v1/numbers", json={}).json
    ringback.request("GET", f"/v1/numbers/{number['id']}")
    ringback.request("GET", "/v1/numbers/num_none")
    ringback.request("GET", "/v1/nothing/here/42")
    ringback.request(
        "POST", "/v1/messages", json={"number_id": number["id"], "to_number": "+14155550101", "body": "x"}
    )
    after = scrape(ringback)
    name = "ringback_http_request_duration_seconds_count"

    def grew(**labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grew(method="GET", route="/v1/numbers/{number_id}", status="200") == 1
    assert grew(method="GET", route="/v1/numbers/{number_id}", status="404") == 1
    assert grew(method="POST", route="/v1/messages", status="200") == 1
    assert grew(route="none", status="404") == 1
    assert not [
        labels
        for _, labels in after
        if any(re.search(r"num_|\+1|here", v) for k, v in labels if k == "route")
    ]


def test_queues(ringback: Ringback, handset: Handsets, clock: Clock, network: Network) -> None:
    number = ringback.request("POST", "/v1/numbers", json={}).json
    phone = handset()
    clock.freeze()
    fault = network.fault("outage")
    for n in range(5):
        text = {"number_id": number["id"], "to_number": phone.number, "body": f"text {n}"}
        ringback.request("POST", "/v1/messages", json=text)
    clock.advance(seconds=90)

    def queued() -> Any:
        samples = scrape(ringback)
        mine = {"kind": "texts", "lane": f"text:{number['id']}"}
        found = [value(samples, f"ringback_queue_{what}", **mine) for what in ("depth", "age_seconds")]
        return found if found[0] == 5 else None

    assert until(queued)[1] <= 90
    fault.clear()
    clock.advance(minutes=5)
    samples = scrape(ringback)
    assert value(samples, "ringback_queue_depth", kind="texts") == 0
    phone.wait_for("text 4")


def test_who_may_read(ringback: Ringback) -> None:
    """A proxy on this machine speaks for others, and passes on the Host that they asked."""
    asked = {"Host": "phone.localhost"}
    assert ringback.request("GET", "/metrics", api_key=None, headers=asked).status == 401
    assert ringback.request("GET", "/metrics", api_key=None).status == 200
    assert (
        ringback.request("GET", "/metrics", api_key=None, headers={"X-Forwarded-For": "203.0.113.9"}).status
        == 401
    )
    assert ringback.request("GET", "/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status == 200


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via", "Forwarded"])
def test_a_proxy_that_says_so_in_another_way(ringback: Ringback, name: str) -> None:
    assert ringback.request("GET", "/metrics", api_key=None, headers={name: "x"}).status == 401


def test_a_proxy_that_says_nothing_of_its_client(ringback: Ringback) -> None:
    """nginx with `proxy_pass` alone: its own Host, and HTTP/1.0."""
    at = urlsplit(ringback.base_url)
    with socket.create_connection((at.hostname or "", at.port or 0), timeout=10) as proxy:
        proxy.sendall(f"GET /metrics HTTP/1.0\r\nHost: {at.netloc}\r\nConnection: close\r\n\r\n".encode())
        assert b" 401 " in proxy.makefile("rb").readline()


def test_a_key_is_judged_on_this_machine_too(ringback: Ringback) -> None:
    branch = ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}).json["id"]
    key = ringback.on_loop(ringback.server.book.create_key("own", None, account_id=branch)).key
    statuses = [
        ringback.request("GET", "/metrics", api_key=given).status
        for given in (None, ringback.api_key, key, "sk_live_wrong")
    ]
    assert statuses == [200, 200, 403, 401]


def test_a_sub_account_reads_nothing_of_others(ringback: Ringback) -> None:
    branch = ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}).json["id"]
    key = ringback.on_loop(ringback.server.book.create_key("own", None, account_id=branch)).key
    from_afar = {"X-Forwarded-For": "203.0.113.9"}
    refused = ringback.request("GET", "/metrics", api_key=key, headers=from_afar)
    assert (refused.status, refused.json["error"]["code"]) == (403, "PERMISSION_DENIED")
    assert "use one of the account above it" in refused.json["detail"]
    scoped = {**from_afar, "X-Sub-Account-Id": branch}
    assert ringback.request("GET", "/metrics", headers=scoped).status == 200


def test_carrier_and_webhooks(ringback: Ringback, handset: Handsets, webhook_inbox: Any) -> None:
    before = scrape(ringback)
    number = ringback.request("POST", "/v1/numbers", json={}).json
    webhook_inbox.secret = ringback.request("POST", "/v1/webhooks", json={"url": webhook_inbox.url}).json[
        "secret"
    ]
    webhook_inbox.answer(status=500, times=1)
    phone, landline = handset(), handset(personality="landline")
    for to in (phone.number, landline.number):
        ringback.request(
            "POST", "/v1/messages", json={"number_id": number["id"], "to_number": to, "body": "hi"}
        )
    phone.wait_for("hi")
    phone.text(number["phoneNumber"], "back")
    webhook_inbox.wait_for()

    def grown() -> list[float]:
        after = scrape(ringback)
        return [
            value(after, name, **labels) - value(before, name, **labels)
            for name, labels in (
                ("ringback_carrier_submit_duration_seconds_count", {"outcome": "taken"}),
                ("ringback_carrier_submit_duration_seconds_count", {"outcome": "refused"}),
                ("ringback_text_wait_seconds_count", {"carrier": "simulated"}),
                ("ringback_carrier_events_total", {"kind": "delivered"}),
                ("ringback_carrier_events_total", {"kind": "received"}),
                ("ringback_webhook_attempt_duration_seconds_count", {"outcome": "refused"}),
            )
        ]

    until(lambda: grown() == [1, 1, 1, 1, 1, 1] or None)


def test_every_measure_is_fed() -> None:
    """A name without a number behind it would only look like one."""
    source = "".join(path.read_text() for path in (Path(ringback_package.__file__).parent).rglob("*.py"))
    names = re.findall(r"^([A-Z_]+) = (?:Count|Spread)\(", Path(measures.__file__).read_text(), re.MULTILINE)
    assert len(names) >= 5
    assert [name for name in names if f"measures.{name}.add(" not in source] == []
