"""The search on the page of conversations, and the API's own."""

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from ringback.flows import search as flow
from ringback.flows.search_turns import AT_ONCE, WAITING, SearchTurns, TooManySearches
from ringback.storage.tx import Reads
from ringback.testing import Answer, Handsets, Ringback
from tests.console.looking import Looking, signed_in
from tests.phones import until
from tests.switchboard import Exchange

pytestmark = pytest.mark.scenario


@dataclass
class Held:
    go: threading.Event = field(default_factory=threading.Event)
    change: threading.Lock = field(default_factory=threading.Lock)
    running: list[str] = field(default_factory=list)
    """The accounts whose searches read."""


class OneByOne:
    """A store whose reads end when they are told to."""

    def __init__(self) -> None:
        self.reading: list[asyncio.Future[str]] = []

    async def read(self, query: object) -> str:
        self.reading.append(asyncio.get_running_loop().create_future())
        return await self.reading[-1]


@pytest.fixture
def looking(ringback: Ringback) -> Looking:
    return signed_in(ringback)


@pytest.fixture
def number(ringback: Ringback) -> dict[str, Any]:
    agent = ringback.request("POST", "/v1/agents", json={"name": "Desk"}).json
    bought: dict[str, Any] = ringback.request("POST", "/v1/numbers", json={"agentId": agent["id"]}).json
    return bought


def say(ringback: Ringback, number: dict[str, Any], to: str, body: str) -> dict[str, Any]:
    text = {"number_id": number["id"], "to_number": to, "body": body}
    sent: dict[str, Any] = ringback.request("POST", "/v1/messages", json=text).json
    return sent


def search(ringback: Ringback, **query: Any) -> dict[str, Any]:
    answer = ringback.request("GET", "/v1/search", query=query)
    assert answer.status == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def called(ringback: Ringback, number: dict[str, Any], who: str, said: str) -> str:
    exchange = Exchange(ringback)
    call_id: str = exchange.ring(number["phoneNumber"], who, ref=f"from {who}")["call_id"]
    exchange.tell(call_id, "answered")
    exchange.say(call_id, "user", said)
    exchange.tell(call_id, "ended", reason="user_hangup")
    return call_id


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """While it is held, searches read and come to no end."""
    holding = Held()

    def hold(db: Reads, account_id: str, asked: flow.Search) -> flow.Found:
        with holding.change:
            holding.running.append(account_id)
        try:
            holding.go.wait(30)
            return find(db, account_id, asked)
        finally:
            with holding.change:
                holding.running.remove(account_id)

    find = flow.search
    monkeypatch.setattr(flow, "search", hold)
    yield holding
    holding.go.set()


def test_searches_hold_nobody_else_up(ringback: Ringback, held: Held) -> None:
    """Twelve of each of three accounts: two run, of two accounts; each has four that wait, and everybody reads."""
    keys = [ringback.api_key, ringback.new_account("b"), ringback.new_account("c")]
    asked = {"q": "ä ö ü é è ê á à"}

    def look(key: str) -> Answer:
        return ringback.request("GET", "/v1/search", query=asked, api_key=key)

    with ThreadPoolExecutor(36) as threads:
        answers = [threads.submit(look, key) for key in keys * 12]
        try:
            until(lambda: sum(answer.done() for answer in answers) == 36 - 3 * (1 + WAITING))
            until(lambda: len(held.running) == AT_ONCE)
            assert len(set(held.running)) == AT_ONCE
            for key in keys:
                assert ringback.request("GET", "/v1/numbers", api_key=key).status == 200
                assert ringback.request("GET", "/v1/usage", api_key=key).status == 200
            assert len(held.running) == AT_ONCE
            for answer in answers:
                if answer.done():
                    told = answer.result()
                    assert (told.status, told.headers["retry-after"]) == (429, "1")
                    assert told.json["error"]["code"] == "TOO_MANY_SEARCHES"
        finally:
            held.go.set()
    assert sorted(answer.result().status for answer in answers) == [200] * 15 + [429] * 21
    assert look(keys[0]).status == 200


async def test_who_leaves_gives_the_turn_back_when_its_reader_does() -> None:
    store = OneByOne()
    turns = SearchTurns(store)  # type: ignore[arg-type]
    leaving = [asyncio.create_task(turns.read("a", str)) for _ in range(1 + WAITING)]
    await asyncio.sleep(0.01)
    for task in leaving:
        task.cancel()
    await asyncio.wait(leaving)
    assert len(store.reading) == 1, "who only waited never reads"
    again = asyncio.create_task(turns.read("a", str))
    await asyncio.sleep(0.01)
    assert len(store.reading) == 1, "the reader of the one that left still reads"
    store.reading[0].set_result("late")
    await asyncio.sleep(0.01)
    store.reading[1].set_result("found")
    assert await again == "found"
    with pytest.raises(TooManySearches):
        await asyncio.gather(*(turns.read("a", str) for _ in range(2 + WAITING)))


def test_the_api_tells_where_each_word_stands(
    ringback: Ringback, number: dict[str, Any], handset: Handsets
) -> None:
    phone = handset("+14155550123")
    sent = say(ringback, number, phone.number, "Your refund is on its way. " + "x" * 400)
    phone.text(number["phoneNumber"], "a refund? " + "y" * 300 + " thanks")
    until(lambda: len(search(ringback, q="refund")["data"]) == 2)
    call_id = called(ringback, number, phone.number, "where is my refund")
    told = search(ringback, q="refund")
    speech, came, went = told["data"]
    assert (told["hasMore"], told["nextCursor"]) == (False, None)
    assert (speech["foundIn"], speech["callId"], speech["role"]) == ("speech", call_id, "user")
    assert (came["foundIn"], came["direction"], came["conversationId"]) == (
        "text",
        "inbound",
        sent["conversation_id"],
    )
    assert (went["messageId"], went["participant"]) == (sent["id"], phone.number)
    assert {hit["phoneNumber"] for hit in told["data"]} == {number["phoneNumber"]}
    assert went["snippet"].startswith("Your refund is on its way. xxx")
    assert went["snippet"].endswith("x…")
    [thanks] = search(ringback, q="thanks")["data"]
    assert (thanks["snippet"][0], thanks["snippet"][-7:]) == ("…", " thanks")
    path = f"/v1/conversations/{sent['conversation_id']}"
    ringback.request("PATCH", path, json={"metadata": {"order": "A-77"}})
    [held] = search(ringback, q="a-77", number="555-0123")["data"]
    assert (held["foundIn"], held["snippet"]) == ("metadata", '{"order":"A-77"}')
    ringback.request("POST", "/v1/contacts", json={"phoneNumber": phone.number, "name": "Ann"})
    assert [(hit["foundIn"], hit["snippet"]) for hit in search(ringback, q="ann")["data"]] == [
        ("name", "Ann")
    ]
    [by_number] = search(ringback, q="(415) 555-0123")["data"]
    assert (by_number["foundIn"], by_number["snippet"]) == ("number", phone.number)


def test_pages_of_the_api(ringback: Ringback, number: dict[str, Any]) -> None:
    for n in range(5):
        say(ringback, number, "+14155550123", f"word {n}")
    seen, cursor = [], ""
    while True:
        page = search(ringback, q="word", limit=2, cursor=cursor)
        seen += [hit["snippet"] for hit in page["data"]]
        cursor = page["nextCursor"]
        if not page["hasMore"]:
            break
    assert seen == [f"word {n}" for n in reversed(range(5))]


def test_what_is_found_is_marked_and_leads_there(
    ringback: Ringback, looking: Looking, number: dict[str, Any]
) -> None:
    sent = say(ringback, number, "+14155550123", "Your <b>refund</b> is on its way")
    call_id = called(ringback, number, "+14155550123", "where is my refund")
    for path in ("/console/conversations?q=refund", "/console/conversations/found?q=REFUND"):
        shown = looking.get(path).text
        assert shown.count("<mark>refund</mark>") == 2, path
        assert "You: Your &lt;b&gt;<mark>refund</mark>&lt;/b&gt; is on" in shown
        assert f'href="/console/calls/{call_id}"' in shown
    assert 'value="refund"' in looking.get("/console/conversations?q=refund").text
    [link] = re.findall(r'href="(/console/conversations/conv_[^"]+)"', shown)
    assert link.endswith(f"#m-{sent['id']}")
    opened = looking.get(link.replace("&amp;", "&").partition("#")[0]).text
    assert f'id="m-{sent["id"]}"' in opened
    assert "<mark>" in opened
    assert "Nothing has “lost &lt;i&gt;”" in looking.get("/console/conversations?q=lost+%3Ci%3E").text
    assert 'id="live-conversations"' in looking.get("/console/conversations/found?q=").text
    assert "at most 8 words" in looking.get("/console/conversations/found?q=a+b+c+d+e+f+g+h+i").text


def test_agents_and_numbers_of_ours_are_found_by_their_names(
    ringback: Ringback, looking: Looking, number: dict[str, Any]
) -> None:
    """Also where nobody has texted or called them yet, and only where all that was typed is in the name."""
    own = ringback.request("POST", "/v1/agents", json={"name": "Front <i>desk</i>"}).json
    e164 = number["phoneNumber"]
    for typed in ("front DESK", "front"):
        shown = looking.get(f"/console/conversations?q={quote(typed)}").text
        assert f'href="/console/agents/{own["id"]}"' in shown, typed
        assert "<mark>Front</mark> &lt;i&gt;" in shown
        assert number["agentId"] not in shown
    both = looking.get("/console/conversations/found?q=desk").text
    assert both.count('href="/console/agents/') == 2
    for typed in (e164, e164[5:], f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}"):
        shown = looking.get(f"/console/conversations/found?q={quote(typed)}").text
        assert f'href="/console/numbers#row-{number["id"]}"' in shown, typed
        assert "Your number, of Desk" in shown
    assert f'id="row-{number["id"]}"' in looking.get("/console/numbers").text
    for typed in ("front shop", e164[-2:], f"desk {e164}"):
        shown = looking.get(f"/console/conversations/found?q={quote(typed)}").text
        assert ("/console/agents/" in shown, "#row-" in shown) == (False, False), typed


def test_calls_are_found_by_the_names_of_agents_and_people(
    ringback: Ringback, looking: Looking, number: dict[str, Any], handset: Handsets
) -> None:
    phone = handset("+14155550123", name="Ada")
    ringback.request("POST", "/v1/contacts", json={"phoneNumber": "+14155550147", "name": "Desk lamps"})
    other = ringback.request("POST", "/v1/agents", json={"name": "Shop 2"}).json
    its = ringback.request("POST", "/v1/numbers", json={"agentId": other["id"]}).json
    by_ada = called(ringback, number, phone.number, "hello")
    by_lamps = called(ringback, its, "+14155550147", "hello")
    again = called(ringback, number, "+14155550199", "hello")

    def found(search: str, **more: str) -> list[str]:
        text = looking.get(f"/console/calls?{urlencode({'search': search, **more})}").text
        return re.findall(r'href="/console/calls/(call_\w+)"', text)

    assert found("desk") == [again, by_lamps, by_ada], "of the agent, and of a person of that name"
    assert found("shop 2") == [by_lamps]
    assert found("ADA") == [by_ada]
    assert found("desk", direction="inbound", status="completed") == [again, by_lamps, by_ada]
    assert found("desk", status="failed") == []
    assert found("desk", direction="outbound") == []
    assert found("nobody") == []
    assert found("555-0199") == [again]
    assert looking.get("/console/calls?search=desk&offset=2").text.count('class="cover"') == 1


def test_what_is_further_back_is_asked_for_and_shown_where_it_stands(
    ringback: Ringback, looking: Looking, number: dict[str, Any]
) -> None:
    first = say(ringback, number, "+14155550123", "needle 0")
    for n in range(1, 135):
        say(ringback, number, "+14155550123", f"{'needle' if n < 30 else 'straw'} {n}")
    shown = looking.get("/console/conversations?q=needle").text
    assert shown.count("<mark>needle</mark>") == 25
    [more] = re.findall(r'hx-get="([^"]+)" hx-target="closest .pager"', shown)
    rest = looking.get(more.replace("&amp;", "&")).text
    assert rest.count("<mark>needle</mark>") == 5
    assert "Found" not in rest
    [link] = re.findall(rf'href="([^"]+text={first["id"]})#', rest)
    opened = looking.get(link.replace("&amp;", "&")).text
    assert (">needle 0<" in opened, ">straw 134<" in opened) == (True, False)
    assert "Show the newest" in opened
    assert "Show the newest" not in looking.get(f"/console/conversations/{first['conversation_id']}").text


def test_nobody_finds_what_is_another_accounts(
    ringback: Ringback, looking: Looking, number: dict[str, Any]
) -> None:
    say(ringback, number, "+14155550123", "our secret")
    other = Looking(ringback)
    other.post("/console/sign-in", key=ringback.new_account("other"))
    assert "<mark>secret</mark>" in looking.get("/console/conversations?q=secret").text
    assert "<mark>" not in other.get("/console/conversations?q=secret").text


def test_a_phone_is_found_by_its_name_and_leads_to_its_conversation(
    ringback: Ringback, number: dict[str, Any], looking: Looking, handset: Handsets
) -> None:
    ada = handset(name="Ada Lovelace")
    say(ringback, number, ada.number, "hello")
    told = looking.get("/console/conversations/found?q=lovelace").text
    [link] = re.findall(r'href="(/console/conversations\?q=[^"]+)"', told)
    assert "on the simulated network" in told
    assert f'href="/console/conversations/{talk_of(ringback)}' in looking.get(link.replace("&amp;", "&")).text
    assert "Nothing has" in looking.get("/console/conversations/found?q=byron").text


def talk_of(ringback: Ringback) -> str:
    return str(ringback.request("GET", "/v1/conversations").json["data"][0]["id"])
