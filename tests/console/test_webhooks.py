"""The pages of webhooks: one delivery with all that was said, as a command, and the catcher."""

import json
import re
from html import unescape

import pytest

from ringback.doors.console.pages.webhooks import readable
from ringback.testing import Handsets, Ringback, WebhookInbox
from ringback.webhooks.catcher import NEWEST
from tests.console.looking import Looking, signed_in
from tests.console.test_live import heard, page
from tests.phones import until
from tests.scenarios.lines import Line
from tests.scenarios.test_catcher import post

pytestmark = pytest.mark.scenario
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def looking(ringback: Ringback) -> Looking:
    return signed_in(ringback)


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def newest(line: Line) -> str:
    """The id of the newest delivery, once it was attempted."""
    found = until(
        lambda: [each for each in line.ask("GET", "/v1/webhooks/deliveries")["data"] if each["attemptCount"]]
    )
    return str(found[0]["id"])


def test_a_delivery_shows_request_response_and_attempts(
    line: Line, looking: Looking, webhook_inbox: WebhookInbox
) -> None:
    secret = line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})["secret"]
    webhook_inbox.answer(503, {"sorry": MARKUP})
    line.hear(MARKUP)
    path = f"/console/webhooks/deliveries/{newest(line)}"
    assert f'href="{path}"' in looking.get("/console/webhooks").text
    seen = looking.get(path)
    assert seen.status == 200
    for told in (webhook_inbox.url, "X-Webhook-Signature", "sha256=", "503", "the endpoint answered 503"):
        assert told in seen.text, told
    assert "Your code failed while it took the webhook" in seen.text
    assert MARKUP not in seen.text
    assert seen.text.count("&lt;img src=x onerror=alert(1)&gt;") >= 2
    assert secret not in seen.text


def test_the_command_is_signed_when_it_is_copied(
    line: Line, looking: Looking, webhook_inbox: WebhookInbox
) -> None:
    secret = line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})["secret"]
    line.hear("hello")
    path = f"/console/webhooks/deliveries/{newest(line)}/curl"
    command = looking.get(path)
    assert command.headers["content-type"].startswith("text/plain")
    assert command.text.startswith("curl ")
    assert "X-Webhook-Signature: sha256=" in command.text
    assert secret not in command.text
    line.ask("DELETE", "/v1/webhooks")
    assert looking.get(path).status == 404


def test_failures_come_first(line: Line, looking: Looking, webhook_inbox: WebhookInbox) -> None:
    line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})
    line.hear("one")
    failed = newest(line)
    until(lambda: line.ask("GET", "/v1/webhooks/deliveries")["data"][0]["success"])
    line.ask("DELETE", "/v1/webhooks")
    line.ask("POST", "/v1/webhooks", {"url": "http://127.0.0.1:9/nobody"})
    line.ask("POST", f"/v1/webhooks/deliveries/{failed}/redeliver")
    line.ask("DELETE", "/v1/webhooks")
    line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})
    line.hear("two")
    until(lambda: line.ask("GET", "/v1/webhooks/deliveries")["data"][0]["success"])
    line.ask("POST", "/sim/v1/clock", {"advanceSeconds": 36_000})
    until(lambda: line.ask("GET", "/v1/webhooks/dead-letters")["data"])
    shown = re.findall(r'id="row-(whd_\w+)"', looking.get("/console/webhooks").text)
    assert shown[0] == failed
    assert len(shown) == len(set(shown)) == 2


def test_an_endpoint_says_how_its_last_test_went(
    line: Line, looking: Looking, webhook_inbox: WebhookInbox
) -> None:
    """At once, in the answer to the click, and on a page that is opened anew."""
    line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})
    assert ">Works<" in looking.get("/console/webhooks").text
    for status, told, other in ((500, "Fails since", ">Works<"), (200, ">Works<", "Fails since")):
        webhook_inbox.answer(status)
        answer = looking.post("/console/webhooks/account/test").text
        assert 'hx-target="#live-endpoints"' in answer
        for shown in (answer, looking.get("/console/webhooks").text):
            assert (told in shown, other in shown) == (True, False), status


def test_one_click_lets_webhooks_be_caught_live(line: Line, looking: Looking) -> None:
    assert "Catch them here" in looking.get("/console/webhooks").text
    assert looking.post("/console/catch").headers["hx-redirect"] == "/console/catch"
    assert "Nothing has come yet" in looking.get("/console/catch").text
    assert "The catcher of this server" in looking.get("/console/webhooks").text
    with page(looking, "caught") as socket:
        heard(socket, 0.6)
        line.hear(MARKUP)
        told = "".join(heard(socket, 1.5))
    assert "Signature good" in told
    [opened] = set(opening(told))
    whole = looking.get(opened).text
    assert "&lt;img src=x onerror=alert(1)&gt;" in whole
    assert MARKUP not in told + whole
    assert looking.get("/catch").headers["location"] == "/console/catch"


def test_a_caught_webhook_sends_open_pages_little(line: Line, looking: Looking) -> None:
    """Bodies of the longest kind cross once, when somebody opens one."""
    url = line.ask("GET", "/v1/webhooks/caught")["url"]
    secret = line.ask("POST", "/v1/webhooks", {"url": url})["secret"]
    bodies = [json.dumps({"event": "agent.message", "n": n, "text": "<" * 60_000}) for n in range(NEWEST)]
    for body in bodies[:-1]:
        assert post(url, body.encode(), secret)[0] == 200
    with page(looking, "caught") as socket:
        heard(socket, 0.6)
        assert post(url, bodies[-1].encode(), secret)[0] == 200
        told = "".join(heard(socket, 1.5))
    assert told.count('class="caught"') % NEWEST == 0
    assert 0 < len(told) < 100_000 * (told.count('class="caught"') // NEWEST)
    shown = looking.get("/console/catch").text
    assert len(shown) < 110_000
    whole = looking.get(opening(shown)[0]).text
    assert "&lt;" * 60_000 in whole
    assert "no longer kept" in looking.get("/console/catch/one?id=whd_none&at=2026-01-01T00:00:00.000Z").text
    heads = line.ask("GET", "/v1/webhooks/caught?bodyCharacters=10&id=whd_made_up")["data"]
    assert [row["body"] for row in heads] == [bodies[0][:10]] * NEWEST
    assert line.ask("GET", "/v1/webhooks/caught?id=whd_other")["data"] == []


def opening(html: str) -> list[str]:
    """Where the bodies are that a list of caught webhooks can open."""
    return [unescape(path) for path in re.findall(r'hx-get="(/console/catch/one[^"]+)"', html)]


def test_the_catcher_takes_no_endpoints_place(line: Line, looking: Looking) -> None:
    url = line.ask("POST", "/v1/webhooks", {"url": "http://127.0.0.1:9/mine"})["url"]
    assert "delete it first" in looking.post("/console/catch").text
    assert line.ask("GET", "/v1/webhooks")["url"] == url
    shown = looking.get("/console/catch").text
    assert "Your webhooks go elsewhere" in shown
    assert "Catch them here" not in shown


def test_a_tenant_sees_no_delivery_of_another(ringback: Ringback, line: Line, looking: Looking) -> None:
    looking.post("/console/catch")
    line.hear("for this account alone")
    delivery = newest(line)
    other = Looking(ringback)
    other.post("/console/sign-in", key=ringback.new_account("other"))
    for path in (f"webhooks/deliveries/{delivery}", f"webhooks/deliveries/{delivery}/curl"):
        assert other.get(f"/console/{path}").status == 404
    assert "for this account alone" not in other.get("/console/catch").text


@pytest.mark.parametrize("text", ['"\\ud800"', "[" * 3_000, "[" * 900 + "]" * 900])
def test_what_can_not_be_laid_out_is_shown_as_it_came(text: str) -> None:
    assert readable(text) == text
