"""The vendor's page on phone numbers as a checklist: one test for each of its statements, in its order."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from ringback.testing import Clock, Handset, Handsets, Ringback
from tests.phones import at, until

pytestmark = pytest.mark.scenario

LONG_AGO, LONG_AHEAD = "2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"


class Account:
    """An account's own view of the API, and of the network behind it."""

    def __init__(self, base_url: str, key: str) -> None:
        self.http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    def ask(self, method: str, path: str, status: int = 200, **request: Any) -> Any:
        """The answer's body, whose status must be `status`."""
        response = self.http.request(method, path, **request)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def refused(self, method: str, path: str, *statuses: int, **request: Any) -> Any:
        """The error of an answer whose status must be one of `statuses`."""
        response = self.http.request(method, path, **request)
        assert response.status_code in statuses, f"{method} {path}: {response.status_code} {response.text}"
        error = response.json()["error"]
        assert error["message"]
        return error

    def wrong_field(self, field: str, method: str, path: str, **request: Any) -> None:
        """The request must be a 422 that names `field` and nothing else."""
        response = self.http.request(method, path, **request)
        assert response.status_code == 422, (
            f"{method} {path} {request}: {response.status_code} {response.text}"
        )
        body = response.json()
        assert body["error"]["code"] == "VALIDATION_ERROR"
        assert {entry["loc"][-1] for entry in body["detail"]} == {field}
        assert {entry["field"] for entry in body["error"]["details"]} == {field}

    def buy(self, **wishes: Any) -> Any:
        return self.ask("POST", "/v1/numbers", json=wishes)

    def total(self) -> int:
        return int(self.ask("GET", "/v1/numbers")["total"])

    def network(self, **settings: Any) -> Any:
        return self.ask("PATCH", "/sim/v1/network", json=settings)

    def left(self, area_code: str) -> int:
        return int(self.ask("GET", "/sim/v1/network")["inventory"][area_code])

    def send(self, status: int = 200, **message: Any) -> Any:
        return self.ask("POST", "/v1/messages", status, json=message)

    def messages(self, number_id: str, **params: Any) -> Any:
        return self.ask("GET", f"/v1/numbers/{number_id}/messages", params=params)

    def received(self, number: Any, handset: Handset, *bodies: str) -> list[Any]:
        """Text the number, each after the one before has come in; the messages oldest first."""
        found: list[Any] = []
        for body in bodies:
            handset.text(number["phoneNumber"], body)

            def look(body: str = body) -> Any:
                newest = self.messages(number["id"], limit=5)["data"]
                return next((m for m in newest if m["body"] == body), None)

            found.append(until(look))
        return found


@pytest.fixture
def account(ringback: Ringback) -> Iterator[Account]:
    account = Account(ringback.base_url, ringback.api_key)
    with account.http:
        yield account


@pytest.fixture
def second_account(ringback: Ringback) -> Iterator[Account]:
    account = Account(ringback.base_url, ringback.new_account("second"))
    with account.http:
        yield account


def test_01_a_number_texts_in_both_directions(account: Account, handset: Handsets) -> None:
    """A number made by the API takes part in SMS and in voice, both directions. (Voice comes with calls.)"""
    number, phone = account.buy(), handset()
    [heard] = account.received(number, phone, "Anybody there?")
    assert (heard["direction"], heard["from_"], heard["to"]) == (
        "inbound",
        phone.number,
        number["phoneNumber"],
    )
    sent = account.send(number_id=number["id"], to_number=phone.number, body="Yes, we are.")
    got = phone.wait_for(body="Yes, we are.")
    assert got.from_ == number["phoneNumber"]
    [newest, _] = account.messages(number["id"])["data"]
    assert (newest["id"], newest["direction"]) == (sent["id"], "outbound")
    assert number["inboundCallsEnabled"] is not False


def test_02_texts_come_in_without_registration(account: Account, handset: Handsets) -> None:
    """Inbound SMS works on a number right after it is made, with no registration."""
    account.network(registration="never")
    number = account.buy()
    [heard] = account.received(number, handset(), "First!")
    assert heard["status"] == "received"
    assert account.ask("GET", f"/v1/numbers/{number['id']}")["outboundSms"] == "registration_required"


def test_03_texts_go_out_with_registration_only(account: Account, handset: Handsets) -> None:
    """Outbound SMS from a US number needs 10DLC registration; without it the send is refused clearly, and with it the
    same send goes through."""
    number, phone = account.buy(), handset()
    assert number["outboundSms"] == "enabled"
    message = {"number_id": number["id"], "to_number": phone.number, "body": "Your table is ready."}
    account.network(registration="never")
    assert account.ask("GET", f"/v1/numbers/{number['id']}")["outboundSms"] == "registration_required"
    assert account.ask("GET", "/v1/numbers")["data"][0]["outboundSms"] == "registration_required"
    error = account.refused("POST", "/v1/messages", 403, json=message)
    assert error["code"] == "REGISTRATION_REQUIRED"
    assert account.messages(number["id"])["data"] == [], "a refused text is no message"
    account.network(registration="instant")
    assert account.ask("GET", f"/v1/numbers/{number['id']}")["outboundSms"] == "enabled"
    sent = account.send(**message)
    phone.wait_for(body="Your table is ready.")
    assert len(phone.inbox()) == 1
    assert [m["id"] for m in account.messages(number["id"])["data"]] == [sent["id"]]


def test_04_registration_says_nothing_of_voice(account: Account) -> None:
    """Voice, in and out, works at once whatever the registration says. (The calls come with calls.)"""
    for registration in ("never", "review", "instant"):
        account.network(registration=registration)
        number = account.buy()
        assert number["status"] == "active"
        assert number["inboundCallsEnabled"] is not False


def test_05_a_number_from_first_to_last(account: Account, handset: Handsets) -> None:
    """Numbers can be provisioned, attached to agents, listed, read for messages, and released."""
    number = account.buy()
    agent = account.ask("POST", "/v1/agents", json={"name": "Desk"})
    account.ask("POST", f"/v1/agents/{agent['id']}/numbers", json={"numberId": number["id"]})
    [listed] = account.ask("GET", "/v1/numbers")["data"]
    assert (listed["id"], listed["agentId"]) == (number["id"], agent["id"])
    [heard] = account.received(number, handset(), "Hello")
    assert account.messages(number["id"])["data"] == [heard]
    assert account.ask("DELETE", f"/v1/numbers/{number['id']}")["status"] == "released"
    assert account.ask("GET", "/v1/numbers") == {"data": [], "hasMore": False, "total": 0}


def test_06_country(account: Account) -> None:
    """`POST /v1/numbers` with no body or `{}` makes a US number; `country` takes two letters; another shape is a 422
    naming `country`."""
    json_type = {"Content-Type": "application/json"}
    requests: list[dict[str, Any]] = [
        {},
        {"headers": json_type},
        {"content": b"", "headers": json_type},
        {"json": {}},
    ]
    for request in requests:
        number = account.ask("POST", "/v1/numbers", **request)
        assert (number["country"], number["phoneNumber"][:2]) == ("US", "+1")
    for country, answered in (("US", "US"), ("CA", "CA"), ("ca", "CA"), (None, "US")):
        assert account.buy(country=country)["country"] == answered
    before = account.total()
    for wrong in ("USA", "U", "", "U1", "U ", " US", "US\n", 1, True, ["US"], {"code": "US"}):
        account.wrong_field("country", "POST", "/v1/numbers", json={"country": wrong})
    assert account.total() == before


def test_07_area_code(account: Account) -> None:
    """`areaCode: "415"` gives a 415 number while one is left."""
    account.network(inventory={"US-415": 3})
    bought = {account.buy(areaCode="415")["phoneNumber"] for _ in range(3)}
    assert len(bought) == 3
    assert all(number.startswith("+1415") for number in bought)
    assert account.left("US-415") == 0


def test_08_area_code_with_none_left(account: Account) -> None:
    """`areaCode` with none left gives another number of the same country, not an error."""
    account.network(inventory={"US-415": 1, "CA-416": 0})
    assert account.buy(areaCode="415")["phoneNumber"].startswith("+1415")
    other = account.buy(areaCode="415")
    assert (other["country"], other["status"]) == ("US", "active")
    assert not other["phoneNumber"].startswith("+1415")
    canadian = account.buy(country="CA", areaCode="416")
    assert (canadian["country"], canadian["status"]) == ("CA", "active")
    assert not canadian["phoneNumber"].startswith("+1416")


def test_09_area_codes_are_of_us_and_ca(account: Account) -> None:
    """`areaCode` is for US and CA; for another country it is refused with a clear message."""
    assert account.buy(country="CA", areaCode="604")["phoneNumber"].startswith("+1604")
    before = account.total()
    error = account.refused("POST", "/v1/numbers", 400, 422, json={"country": "GB", "areaCode": "415"})
    assert "area code" in error["message"].lower() or "areacode" in error["message"].lower()
    assert "US" in error["message"]
    for wrong in ("41", "4155", "abc", "", "+41", "415\n", "٤١٥", 415):
        account.wrong_field("areaCode", "POST", "/v1/numbers", json={"areaCode": wrong})
    assert account.total() == before
    british = account.buy(country="GB")
    assert (british["country"], british["phoneNumber"][:3]) == ("GB", "+44")


def test_10_agent_of_a_new_number(account: Account, second_account: Account) -> None:
    """`agentId` given: the number belongs to that agent in the answer and in the agent's detail. null or absent:
    `agentId` is null. Unknown agent: 404 and no number is bought."""
    agent = account.ask("POST", "/v1/agents", json={"name": "Desk"})
    foreign = second_account.ask("POST", "/v1/agents", json={"name": "Not yours"})
    number = account.buy(agentId=agent["id"])
    assert number["agentId"] == agent["id"]
    [held] = account.ask("GET", f"/v1/agents/{agent['id']}")["numbers"]
    assert (held["id"], held["phoneNumber"]) == (number["id"], number["phoneNumber"])
    assert account.buy(agentId=None)["agentId"] is None
    assert account.buy()["agentId"] is None
    account.network(inventory={"US-415": 1})
    before = account.total()
    for unknown in ("agt_nowhere", foreign["id"], number["id"], "x"):
        account.refused("POST", "/v1/numbers", 404, json={"agentId": unknown, "areaCode": "415"})
    assert account.total() == before
    assert account.left("US-415") == 1, "nothing was bought at the carrier either"
    assert second_account.ask("GET", f"/v1/agents/{foreign['id']}")["numbers"] == []


def test_11_what_the_answer_has(account: Account) -> None:
    """The answer has `id` (`num_...`), `phoneNumber` (E.164), `country`, `status: "active"`, `agentId`, `createdAt`
    (ISO 8601, Z)."""
    now = account.ask("GET", "/sim/v1/clock")["now"]
    number = account.buy()
    assert number["id"].startswith("num_")
    assert len(number["phoneNumber"]) == 12
    assert number["phoneNumber"][:2] == "+1"
    assert number["phoneNumber"][1:].isdecimal()
    assert (number["country"], number["status"]) == ("US", "active")
    assert "agentId" in number
    assert 0 <= (at(number["createdAt"]) - at(now)).total_seconds() < 30
    assert account.ask("GET", f"/v1/numbers/{number['id']}") == number
    assert account.ask("GET", "/v1/numbers")["data"] == [number]


@pytest.mark.parametrize("ringback_settings", [{"number_limit": 101}])
def test_12_the_list_is_paged(account: Account) -> None:
    """`GET /v1/numbers`: `limit` 20 by default, 1 to 100; `offset` 0 by default, not negative; outside: 422 naming the
    field."""
    bought = [account.buy()["id"] for _ in range(101)][::-1]

    def ids(**params: Any) -> tuple[list[str], bool, int]:
        page = account.ask("GET", "/v1/numbers", params=params)
        return [number["id"] for number in page["data"]], page["hasMore"], page["total"]

    assert ids() == (bought[:20], True, 101)
    assert ids(limit=1) == (bought[:1], True, 101)
    assert ids(limit=100) == (bought[:100], True, 101)
    assert ids(limit=100, offset=1) == (bought[1:], False, 101)
    assert ids(offset=0) == ids()
    assert ids(limit=2, offset=98) == (bought[98:100], True, 101)
    assert ids(limit=2, offset=99) == (bought[99:], False, 101)
    assert ids(offset=101) == ([], False, 101)
    assert ids(offset=1_000_000) == ([], False, 101)
    for limit in ("0", "101", "-1", "x", "1.5", "99999999999999999999"):
        account.wrong_field("limit", "GET", "/v1/numbers", params={"limit": limit})
    for offset in ("-1", "x", "0.5"):
        account.wrong_field("offset", "GET", "/v1/numbers", params={"offset": offset})


def test_13_the_list_is_of_this_account(account: Account, second_account: Account) -> None:
    """The list is of this project (account) only."""
    mine, theirs = account.buy(), second_account.buy()
    for owner, number in ((account, mine), (second_account, theirs)):
        page = owner.ask("GET", "/v1/numbers")
        assert [n["id"] for n in page["data"]] == [number["id"]]
        assert (page["total"], page["hasMore"]) == (1, False)


def test_14_release(account: Account, second_account: Account, handset: Handsets) -> None:
    """`DELETE /v1/numbers/{id}` releases at the carrier (the number is back in the pool there), marks it `released`
    here, keeps every message and conversation."""
    account.network(inventory={"US-415": 1})
    agent = account.ask("POST", "/v1/agents", json={"name": "Desk"})
    number, phone = account.buy(areaCode="415", agentId=agent["id"]), handset()
    assert account.left("US-415") == 0
    account.received(number, phone, "one", "two")
    account.send(number_id=number["id"], to_number=phone.number, body="three")
    until(lambda: account.messages(number["id"])["data"][0]["status"] == "delivered")
    kept = account.messages(number["id"])
    conversation = account.ask("GET", f"/v1/conversations/{kept['data'][0]['conversationId']}")
    answer = account.ask("DELETE", f"/v1/numbers/{number['id']}")
    assert (answer["success"], answer["status"]) == (True, "released")
    assert answer["phoneNumber"] == number["phoneNumber"]
    gone = account.ask("GET", f"/v1/numbers/{number['id']}")
    assert (gone["status"], gone["agentId"]) == ("released", None)
    assert account.ask("GET", f"/v1/agents/{agent['id']}")["numbers"] == []
    until(lambda: account.left("US-415") == 1)
    assert account.messages(number["id"]) == kept
    after = account.ask("GET", f"/v1/conversations/{conversation['id']}")
    assert after["messages"] == conversation["messages"]
    assert account.ask("GET", "/v1/conversations")["total"] == 1
    again = second_account.buy(areaCode="415")
    assert again["phoneNumber"] == number["phoneNumber"], "the only one left is the one sold"
    assert again["id"] != number["id"]
    assert second_account.messages(again["id"])["data"] == [], "its next owner sees nothing of the last"


def test_15_release_is_for_ever(account: Account, handset: Handsets) -> None:
    """It can't be undone: no call brings the number back to this account's record; sending from it, attaching it,
    buying under its id all fail clearly; its messages are still readable."""
    agent = account.ask("POST", "/v1/agents", json={"name": "Desk"})
    number, phone = account.buy(agentId=agent["id"]), handset()
    [heard] = account.received(number, phone, "one")
    path = f"/v1/numbers/{number['id']}"
    account.ask("DELETE", path)
    gone = account.ask("GET", path)
    message = {"to_number": phone.number, "body": "from beyond"}
    account.refused("POST", "/v1/messages", 400, 404, json={**message, "number_id": number["id"]})
    account.refused("POST", "/v1/messages", 400, 404, json={**message, "from_number": number["phoneNumber"]})
    account.refused("POST", "/v1/messages", 400, json={**message, "agent_id": agent["id"]})
    account.refused("POST", f"/v1/agents/{agent['id']}/numbers", 400, 404, json={"numberId": number["id"]})
    account.refused("DELETE", path, 400)
    account.refused("POST", "/v1/numbers", 409, 422, json={"ringback": {"phoneNumber": number["id"]}})
    account.http.patch(path, json={"externalId": "x", "expiresAt": LONG_AHEAD, "status": "active"})
    assert account.ask("GET", path)["status"] == "released"
    assert account.ask("GET", f"/v1/agents/{agent['id']}")["numbers"] == []
    assert phone.inbox() == []
    phone.text(number["phoneNumber"], "too late")
    bought = account.http.post("/v1/numbers", json={"ringback": {"phoneNumber": number["phoneNumber"]}})
    if bought.is_success:
        assert bought.json()["id"] != number["id"], "bought anew it is another record"
        assert account.messages(bought.json()["id"])["data"] == []
    assert account.ask("GET", path)["createdAt"] == gone["createdAt"]
    assert account.ask("GET", path)["status"] == "released"
    assert account.messages(number["id"])["data"] == [heard]


def test_16_anothers_number_is_not_there(
    account: Account, second_account: Account, handset: Handsets
) -> None:
    """Another account's number id: 404 for get, delete, messages."""
    theirs = second_account.buy()
    second_account.received(theirs, handset(), "private")
    path = f"/v1/numbers/{theirs['id']}"
    unknown = "/v1/numbers/num_00000000000000000000000000"
    agent = account.ask("POST", "/v1/agents", json={"name": "Desk"})
    for method, suffix in (("GET", ""), ("DELETE", ""), ("GET", "/messages"), ("PATCH", "")):
        request: dict[str, Any] = {"json": {"externalId": "mine"}} if method == "PATCH" else {}
        error = account.refused(method, path + suffix, 404, **request)
        same = account.refused(method, unknown + suffix, 404, **request)
        assert error["code"] == same["code"] == "PHONE_NUMBER_NOT_FOUND"
    account.refused("POST", f"/v1/agents/{agent['id']}/numbers", 400, 404, json={"numberId": theirs["id"]})
    text = {"number_id": theirs["id"], "to_number": "+14155550100", "body": "as you"}
    account.refused("POST", "/v1/messages", 400, 404, json=text)
    unchanged = second_account.ask("GET", path)
    assert (unchanged["status"], unchanged["externalId"], unchanged["agentId"]) == ("active", None, None)
    assert len(second_account.messages(theirs["id"])["data"]) == 1


def test_17_messages_are_paged(account: Account, handset: Handsets) -> None:
    """`GET /v1/numbers/{id}/messages`: `limit` 50 by default, 1 to 200; `before` and `after` ISO 8601 date-times or
    null."""
    number, phone = account.buy(), handset()
    path = f"/v1/numbers/{number['id']}/messages"
    for index in range(51):
        phone.text(number["phoneNumber"], f"text {index}")
    until(lambda: len(account.messages(number["id"], limit=200)["data"]) == 51)
    default = account.messages(number["id"])
    assert (len(default["data"]), default["hasMore"]) == (50, True)
    for limit, length, more in ((1, 1, True), (50, 50, True), (51, 51, False), (200, 51, False)):
        page = account.messages(number["id"], limit=limit)
        assert (len(page["data"]), page["hasMore"]) == (length, more)
        assert page["data"] == account.messages(number["id"], limit=200)["data"][:limit]
    for wrong in ("0", "201", "-1", "x", "1.5"):
        account.wrong_field("limit", "GET", path, params={"limit": wrong})
    for name in ("before", "after"):
        assert account.messages(number["id"], **{name: ""}) == default, "empty counts as not given"
    for everything in (
        {"before": LONG_AHEAD},
        {"after": LONG_AGO},
        {"before": "2099-01-01T00:00:00.000Z"},
        {"before": "2099-01-01T02:00:00+02:00"},
        {"after": LONG_AGO, "before": LONG_AHEAD},
    ):
        assert len(account.messages(number["id"], limit=200, **everything)["data"]) == 51
    assert account.messages(number["id"], before=LONG_AGO) == {"data": [], "hasMore": False}
    assert account.messages(number["id"], after=LONG_AHEAD) == {"data": [], "hasMore": False}


def test_18_what_a_message_has(account: Account, handset: Handsets) -> None:
    """Each message has `id`, `from_`, `to`, `body`, `receivedAt`; the page has `data` and `hasMore`."""
    number, phone = account.buy(), handset()
    text = "Grüße 👋 “quoted”\nsecond line"
    [message] = account.received(number, phone, text)
    page = account.messages(number["id"])
    assert page == {"data": [message], "hasMore": False}
    assert message["id"].startswith("msg_")
    assert (message["from_"], message["to"], message["body"]) == (phone.number, number["phoneNumber"], text)
    at(message["receivedAt"])
    assert (message["from"], message["fromNumber"], message["toNumber"]) == (
        phone.number,
        phone.number,
        number["phoneNumber"],
    )
    account.send(number_id=number["id"], to_number=phone.number, body="Danke")
    out = account.messages(number["id"])["data"][0]
    assert (out["from_"], out["to"]) == (number["phoneNumber"], phone.number)
    assert at(out["receivedAt"]) > at(message["receivedAt"])


Cursor = Callable[[Any], str]
CURSORS: list[Cursor] = [lambda message: str(message["receivedAt"]), lambda message: str(message["id"])]


@pytest.mark.parametrize("cursor", CURSORS, ids=["by time", "by id"])
def test_19_a_walk_visits_every_message_once(
    account: Account, handset: Handsets, clock: Clock, cursor: Cursor
) -> None:
    """Walking with `before` from the newest, and with `after` from the oldest, visits every message exactly once, also
    when many share one timestamp and while new ones arrive."""
    number, phones = account.buy(), [handset(), handset(), handset()]
    clock.freeze()
    for index in range(23):
        phones[index % 3].text(number["phoneNumber"], f"text {index}")
    until(lambda: len(account.messages(number["id"], limit=200)["data"]) == 23)
    first = [m["id"] for m in account.messages(number["id"], limit=200)["data"]]
    arrived = iter(range(100, 200))

    def arrives() -> None:
        account.received(number, phones[0], f"text {next(arrived)}")

    seen: list[str] = []
    page = account.messages(number["id"], limit=5)
    while True:
        seen += [m["id"] for m in page["data"]]
        if not page["hasMore"]:
            break
        arrives()
        page = account.messages(number["id"], limit=5, before=cursor(page["data"][-1]))
    assert seen == first, "back from the newest: every one once, newest first, whatever arrives meanwhile"

    seen, after = [], LONG_AGO
    for round_ in range(100):
        page = account.messages(number["id"], limit=5, after=after)
        assert page["data"], "hasMore promised one"
        seen += [m["id"] for m in page["data"]][::-1]
        after = cursor(page["data"][0])
        if round_ < 3:
            arrives()
        elif not page["hasMore"]:
            break
    everything = account.messages(number["id"], limit=200)["data"]
    assert seen == [m["id"] for m in everything][::-1], (
        "forth from the oldest: also those that arrived meanwhile"
    )
    times = [at(m["receivedAt"]) for m in everything]
    assert len(set(times)) == len(times)
    assert times == sorted(times, reverse=True)


def test_20_a_window_of_messages(account: Account, handset: Handsets) -> None:
    """`before` and `after` together give the window between them; a malformed date is a 422 naming it."""
    number = account.buy()
    path = f"/v1/numbers/{number['id']}/messages"
    sent = account.received(number, handset(), *(f"text {index}" for index in range(6)))
    times = [m["receivedAt"] for m in sent]
    window = account.messages(number["id"], after=times[1], before=times[4])
    assert window == {"data": [sent[3], sent[2]], "hasMore": False}, "both ends excluded"
    by_id = account.messages(number["id"], after=sent[1]["id"], before=times[4])
    assert by_id == window
    few = account.messages(number["id"], after=times[0], before=times[5], limit=2)
    assert (len(few["data"]), few["hasMore"]) == (2, True)
    assert account.messages(number["id"], after=times[4], before=times[1]) == {"data": [], "hasMore": False}
    assert account.messages(number["id"], after=times[2], before=times[2]) == {"data": [], "hasMore": False}
    for name in ("before", "after"):
        for wrong in (
            "yesterday",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-11-25",
            "12:00",
            "1764072000",
        ):
            account.wrong_field(name, "GET", path, params={name: wrong})
    both = account.http.get(path, params={"before": "x", "after": "y"})
    assert both.status_code == 422
    assert {entry["loc"][-1] for entry in both.json()["detail"]} <= {"before", "after"}


def test_21_no_key_no_answer(account: Account, ringback: Ringback, handset: Handsets) -> None:
    """Every call without key, or with a wrong or revoked one, is 401 and changes nothing."""
    number = account.buy()
    account.received(number, handset(), "one")
    before = account.ask("GET", f"/v1/numbers/{number['id']}")
    revoked = ringback.new_account("revoked")
    with httpx.Client(base_url=ringback.base_url, headers={"Authorization": f"Bearer {revoked}"}) as client:
        assert client.get("/v1/numbers").status_code == 200
        ringback.revoke_key(revoked)
    path = f"/v1/numbers/{number['id']}"
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/numbers", {"json": {}}),
        ("POST", "/v1/numbers", {"json": {"country": "wrong"}}),
        ("GET", "/v1/numbers", {}),
        ("GET", "/v1/numbers/available", {}),
        ("GET", path, {}),
        ("PATCH", path, {"json": {"externalId": "x"}}),
        ("GET", path + "/messages", {}),
        ("GET", path + "/messages", {"params": {"limit": 0}}),
        ("DELETE", path, {}),
        ("DELETE", "/v1/numbers/num_nowhere", {}),
        (
            "POST",
            "/v1/messages",
            {"json": {"number_id": number["id"], "to_number": "+14155550100", "body": "x"}},
        ),
        ("POST", "/v1/agents", {"json": {"name": "x"}}),
        ("POST", "/v1/webhooks", {"json": {"url": "http://127.0.0.1:9/"}}),
        ("PATCH", "/sim/v1/network", {"json": {"registration": "never"}}),
    ]
    keys = [
        None, "", "Bearer", "Bearer x", "Bearer sk_live_wrong", f"Bearer {ringback.api_key}x",
        f"Bearer {ringback.api_key[:-1]}", ringback.api_key, f"Basic {ringback.api_key}", f"Bearer {revoked}",
    ]  # fmt: skip
    with httpx.Client(base_url=ringback.base_url) as client:
        for key in keys:
            headers = {} if key is None else {"Authorization": key}
            for method, where, request in calls:
                response = client.request(method, where, headers=headers, **request)
                assert response.status_code == 401, f"{method} {where} with {key!r}: {response.text}"
                assert response.json()["error"]["code"] == "UNAUTHORIZED"
    assert account.total() == 1
    assert account.ask("GET", f"/v1/numbers/{number['id']}") == before
    assert len(account.messages(number["id"])["data"]) == 1
    assert account.ask("GET", "/v1/agents")["total"] == 0
    assert account.ask("GET", "/v1/webhooks") is None
    assert account.ask("GET", "/sim/v1/network")["registration"] == "instant"
