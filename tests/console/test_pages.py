"""What pages show: every one with nothing, with something, and with markup where people write."""

import re
from html.parser import HTMLParser

import pytest

from ringback.testing import Ringback
from tests.console.looking import Looking, Seen, signed_in

pytestmark = pytest.mark.scenario

PAGES = (
    "",
    "phones",
    "numbers",
    "agents",
    "agents/new",
    "conversations",
    "calls",
    "webhooks",
    "catch",
    "events",
    "usage",
    "settings",
)
MARKUP = '"><img src=x onerror=alert(1)><b>bold</b>{{ 7*7 }}'


@pytest.fixture
def looking(ringback: Ringback) -> Looking:
    return signed_in(ringback)


class _Tags(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def tags(seen: Seen) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(seen.text)
    return parser.tags


@pytest.mark.parametrize("page", PAGES)
def test_a_page_with_nothing_to_show_teaches(looking: Looking, page: str) -> None:
    seen = looking.get(f"/console/{page}")
    assert seen.status == 200, seen.text[:500]
    assert seen.text.count('aria-current="page"') == 2 or page == "agents/new"
    assert 'id="main"' in seen.text


@pytest.mark.parametrize("page", PAGES)
def test_every_answer_says_what_may_be_loaded(looking: Looking, page: str) -> None:
    headers = looking.get(f"/console/{page}").headers
    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["permissions-policy"].startswith("microphone=(self)")
    assert (headers["referrer-policy"], headers["x-content-type-options"]) == ("no-referrer", "nosniff")
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("page", PAGES)
def test_nothing_comes_from_elsewhere_and_no_style_or_script_is_inline(looking: Looking, page: str) -> None:
    for tag, attributes in tags(looking.get(f"/console/{page}")):
        assert "style" not in attributes, (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert tag != "style"
        if tag in ("script", "link", "img", "audio"):
            address = attributes.get("src") or attributes.get("href") or ""
            assert address.startswith("/"), (tag, attributes)


def furnish(ringback: Ringback, text: str) -> dict[str, str]:
    """Put `text` wherever somebody can write."""
    ask = ringback.request
    agent = ask("POST", "/v1/agents", json={"name": text, "description": text, "systemPrompt": text}).json
    number = ask("POST", "/v1/numbers", json={"agentId": agent["id"], "externalId": text[:60]}).json
    handset = ask("POST", "/sim/v1/handsets", json={"name": text[:60]}).json
    ask("POST", "/v1/contacts", json={"phoneNumber": "+14155550147", "name": text})
    sent = {"to": number["phoneNumber"], "body": text}
    assert ask("POST", f"/sim/v1/handsets/{handset['id']}/messages", json=sent).status == 200
    ask(
        "POST",
        "/v1/messages",
        json={"to_number": handset["phoneNumber"], "body": text, "agent_id": agent["id"]},
    )
    conversations: list[dict[str, str]] = []
    for _ in range(100):
        conversations = ask("GET", "/v1/conversations").json["data"]
        if conversations:
            break
    ask("PATCH", f"/v1/conversations/{conversations[0]['id']}", json={"metadata": {text: text}})
    ask("POST", "/v1/webhooks", json={"url": "http://127.0.0.1:9/%3Cb%3E"})
    return {"agent": agent["id"], "conversation": conversations[0]["id"]}


def test_a_page_to_text_from_says_when_no_program_hears_of_texts(
    ringback: Ringback, looking: Looking
) -> None:
    first, second = (
        ringback.request("POST", "/v1/agents", json={"name": name}).json["id"] for name in ("Ada", "Ben")
    )
    for agent in (first, second):
        ringback.request("POST", "/v1/numbers", json={"agentId": agent})

    def says_so(path: str) -> str:
        return "".join(re.findall(r'data-unheard="(\w+)"', looking.get(f"/console/{path}").text))

    paths = ["phones", f"agents/{first}", f"agents/{second}"]
    assert [says_so(path) for path in paths] == ["nobody"] * 3
    hook = {"url": "http://127.0.0.1:9/hook"}
    ringback.request("POST", f"/v1/agents/{first}/webhook", json=hook)
    assert [says_so(path) for path in paths] == ["", "", "nobody"]
    assert looking.post("/console/catch").headers["hx-redirect"] == "/console/catch"
    assert [says_so(path) for path in paths] == ["", "", "catcher"]
    assert looking.post("/console/catch/demo").headers["hx-refresh"] == "true"
    assert [says_so(path) for path in paths] == ["", "", "demo"]
    assert "which answers" in looking.get("/console/webhooks").text
    ringback.request("POST", "/v1/webhooks", json=hook)
    assert [says_so(path) for path in paths] == ["", "", ""]
    assert "endpoint is set" in looking.post("/console/catch/demo").text


def test_markup_is_text_everywhere(ringback: Ringback, looking: Looking) -> None:
    ids = furnish(ringback, MARKUP)
    own = [f"agents/{ids['agent']}", f"conversations/{ids['conversation']}"]
    shown = 0
    for page in (*PAGES, *own):
        seen = looking.get(f"/console/{page}")
        assert seen.status == 200, (page, seen.text[:300])
        assert not [
            tag for tag, attributes in tags(seen) if "onerror" in attributes or (tag == "b" and attributes)
        ], page
        assert "<b>bold" not in seen.text, page
        assert "49" not in re.findall(r"bold&lt;/b&gt;(.{2})", seen.text), page
        shown += "&lt;b&gt;bold" in seen.text
    assert shown >= 6


def test_a_refusal_is_told_in_the_corner_in_the_apis_words(looking: Looking) -> None:
    answer = looking.post("/console/agents", name="")
    assert answer.headers["hx-reswap"] == "none"
    assert 'role="alert"' in answer.text
    assert "Name: " in answer.text


def test_what_is_not_there_is_a_page(looking: Looking) -> None:
    for path in (
        "nowhere",
        "calls/call_none",
        "conversations/conv_none",
        "agents/agt_none",
        "phones/hs_none",
    ):
        seen = looking.get(f"/console/{path}")
        assert (seen.status, "Go home" in seen.text) == (404, True), path


def test_nobody_sees_what_is_another_accounts(ringback: Ringback, looking: Looking) -> None:
    ids = furnish(ringback, "Somebody's own")
    other = Looking(ringback)
    other.post("/console/sign-in", key=ringback.new_account("other"))
    for path in (f"agents/{ids['agent']}", f"conversations/{ids['conversation']}"):
        assert other.get(f"/console/{path}").status == 404
    for page in ("", "numbers", "agents", "conversations", "webhooks", "events", "usage", "settings"):
        assert "Somebody" not in other.get(f"/console/{page}").text, page


def test_a_key_is_shown_once(ringback: Ringback, looking: Looking) -> None:
    for days in ("0", "36501", "00000000199999999", "9" * 5_000):
        assert "takes 1 to 36500 days" in looking.post("/console/settings/keys", name="d", days=days).text
    made = looking.post("/console/settings/keys", name="for a test")
    [key] = re.findall(r"<pre>(sk_live_[\w-]+)</pre>", made.text)
    [table] = re.findall(r'hx-target="#keys-table".*?</hx-partial>', made.text, re.DOTALL)
    assert "<strong>for a test</strong>" in table, "the table has it at once"
    assert f"…{key[-4:]}" in table
    assert ringback.request("GET", "/v1/numbers", api_key=key).status == 200
    for page in PAGES:
        seen = looking.get(f"/console/{page}").text
        assert key not in seen
        assert ringback.api_key not in seen
    [key_id] = re.findall(
        r"settings/keys/([\w]+)/revoke\">Revoke",
        looking.get("/console/settings").text.replace("first key", ""),
    )[-1:]
    assert (
        looking.post(f"/console/settings/keys/{key_id}/revoke").headers["hx-redirect"] == "/console/settings"
    )
    statuses = {
        ringback.request("GET", "/v1/numbers", api_key=each).status for each in (key, ringback.api_key)
    }
    assert statuses == {200, 401}


def test_no_page_shows_a_webhooks_secret(ringback: Ringback, looking: Looking) -> None:
    answer = looking.post("/console/webhooks", url="http://127.0.0.1:9/hook")
    [secret] = re.findall(r"<pre>([^<]+)</pre>", answer.text)
    assert secret == ringback.request("GET", "/v1/webhooks").json["secret"]
    for page in PAGES:
        assert secret not in looking.get(f"/console/{page}").text


def test_numbers_are_found_by_their_digits(looking: Looking) -> None:
    found = looking.get("/console/numbers/search?pattern=22-66&areaCode=415").text
    numbers = re.findall(r'name="phoneNumber" value="([^"]+)"', found)
    assert numbers
    assert all(re.fullmatch(r"\+1415\d*2266\d*", number) for number in numbers)
    assert (
        "Digits: takes digits, letters of a phone" in looking.get("/console/numbers/search?pattern=%23").text
    )


def test_a_number_is_released_by_typing_it(ringback: Ringback, looking: Looking) -> None:
    number = ringback.request("POST", "/v1/numbers", json={}).json
    path = f"/console/numbers/{number['id']}/release"
    assert "Type the number" in looking.post(path, typed="+14155550100").text
    assert ringback.request("GET", f"/v1/numbers/{number['id']}").json["status"] == "active"
    assert looking.post(path, typed=number["phoneNumber"]).headers["hx-redirect"] == "/console/numbers"
    assert ringback.request("GET", "/v1/numbers").json["total"] == 0


def test_files_are_kept_by_their_content(looking: Looking) -> None:
    page = looking.get("/console/").text
    for address in re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page):
        seen = looking.get(address)
        assert seen.status == 200, address
        assert "immutable" in seen.headers["cache-control"]
    squeezed = looking.get("/console/static/console.css", **{"Accept-Encoding": "gzip"})
    assert squeezed.headers["content-encoding"] == "gzip"
    assert looking.get("/console/static/../mount.py").status == 404
