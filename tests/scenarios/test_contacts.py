"""Contacts: found in any spelling, one a number, told to webhooks, and others' faults with such lists, retold."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from ringback.testing import Clock, Handsets, Ringback, WebhookInbox
from tests.phones import at
from tests.scenarios.lines import Line, together

pytestmark = pytest.mark.scenario

PATH = "/v1/contacts"


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


@pytest.fixture
def add(ringback: Ringback) -> Callable[..., Any]:
    """Make a contact; answers it."""

    def add(number: str, name: str, **more: str) -> Any:
        return ringback.api.call("POST", PATH, {"phoneNumber": number, "name": name, **more})

    return add


@pytest.fixture
def find(ringback: Ringback) -> Callable[[str], list[str]]:
    """The names that a search finds, newest first."""

    def find(text: str) -> list[str]:
        answer = ringback.api.call("GET", PATH, query={"search": text})
        assert answer["total"] == len(answer["data"])
        return [contact["name"] for contact in answer["data"]]

    return find


def events(ringback: Ringback) -> list[str]:
    """The types of the events that speak of contacts, oldest first."""
    from sqlalchemy import select

    from ringback.storage.schema import events as table
    from ringback.storage.statements import Statement

    read = ringback.server.store.read(lambda db: db.all(Statement(select(table).order_by(table.c.seq))))
    return [row["type"] for row in ringback.on_loop(read) if row["type"].startswith("contact.")]


def test_conv_search_is_literal(add: Callable[..., Any], find: Callable[[str], list[str]]) -> None:
    add("+14155550114", "100% Real")
    add("+14155550115", "1000 Real")
    add("+14155550116", "a_b")
    add("+14155550117", "axb", notes="path a/b")
    assert find("100%") == ["100% Real"]
    assert find("100% Real") == ["100% Real"]
    assert find("a_b") == ["a_b"]
    assert find("a/b") == ["axb"]
    assert find("%") == ["100% Real"]
    assert find("_") == ["a_b"]
    for nothing in ("\\", "'", "' OR 1=1 --", "%Real%", "a?b", "a*b", "[a]", "/%", "\\%", '"'):
        assert find(nothing) == [], nothing
    assert len(find("(415) 555-01")) == 4


@pytest.mark.parametrize(
    "text",
    [
        "+14155550114",
        " 14155550114",
        "14155550114",
        "4155550114",
        "tel:+14155550114",
        "TEL: (415) 555-0114",
        "tel:415-555",
        "(415) 555-0114",
        "(415) 555-01",
        "415-555",
        "+1 (415",
        "555 0114",
        "0114",
        "１４１５５５５０１１４",
        "415\N{NO-BREAK SPACE}555\N{NON-BREAKING HYPHEN}0114",
    ],
)
def test_a_number_is_found_as_people_type_it(
    add: Callable[..., Any], find: Callable[[str], list[str]], text: str
) -> None:
    add("+14155550114", "Ann")
    add("+442079460018", "Ben")
    assert find(text) == ["Ann"]


def test_a_number_of_another_country_is_found(
    add: Callable[..., Any], find: Callable[[str], list[str]]
) -> None:
    add("+14155550114", "Ann")
    add("+442079460018", "Ben")
    for text in ("+44 20 7946 0018", "+44 (0)20 7946 0018", "011 44 20 7946 0018", "20 7946", "+44-20"):
        assert find(text) == ["Ben"], text
    assert find("2079460018") == ["Ben"], "although it could be a number of +1 207"
    assert find("+20 7946") == [], "a plus is where a number begins"
    assert find("1-1") == [], "two digits are no number"


@pytest.mark.parametrize(
    "text",
    [
        "größe",
        "GRÖSSE",
        "GRÖẞE",
        "O\u0308SSE",
        "李",
        "ÇELİK",
        "example.com",
        "ANN@",
        "Σίσυφος",
        "ΣΊΣΥΦΟΣ",
        "ﬁ",
    ],
)
def test_case_and_accents_of_every_script(
    add: Callable[..., Any], find: Callable[[str], list[str]], text: str
) -> None:
    add("+14155550114", "Café Größe 李", email="Ann@Example.com", notes="Çelİk, σίσυφος, ﬁn")
    add("+14155550115", "Cafe Grosse", email="b@example.org", notes="Celik")
    assert find(text) == ["Café Größe 李"]


def test_dotted_and_dotless_i_are_one(add: Callable[..., Any], find: Callable[[str], list[str]]) -> None:
    """Which of them a lower-case i or an upper-case I is depends on the language, which nobody tells."""
    add("+14155550114", "İstanbul Diyarbakır")
    add("+14155550115", "Ankara")
    for text in ("istanbul", "ISTANBUL", "İstanbul", "İSTANBUL", "ıstanbul", "diyarbakir", "DİYARBAKIR"):
        assert find(text) == ["İstanbul Diyarbakır"], text


def test_a_search_stays_within_one_line(add: Callable[..., Any], find: Callable[[str], list[str]]) -> None:
    """What separates the fields is nobody's name, and no match goes over the end of one."""
    add("+14155550114", "Ann", email="ann@example.com", notes="one\ntwo")
    for text in ("\n", "n\n", "Ann\n", "Ann\n+1415", "\n415 555", "one\ntwo"):
        assert find(text) == [], repr(text)
    assert find("two") == ["Ann"]


def test_a_search_stays_within_one_account(ringback: Ringback, add: Callable[..., Any]) -> None:
    add("+14155550114", "Ann")
    key = ringback.new_account()
    for query in ("", "?search=Ann", "?search=%25", "?search=415-555"):
        answer = ringback.request("GET", PATH + query, api_key=key)
        assert answer.json == {"data": [], "hasMore": False, "total": 0}
    same = ringback.request("POST", PATH, json={"phoneNumber": "+14155550114", "name": "x"}, api_key=key)
    assert same.status == 201, "each account has its own"


def test_pages_of_a_search(ringback: Ringback, add: Callable[..., Any]) -> None:
    for n in range(5):
        add(f"+1415555011{n}", f"Ann {n}")
        add(f"+1415555012{n}", f"Ben {n}")

    def page(limit: int, offset: int) -> tuple[list[str], bool, int]:
        answer = ringback.api.call("GET", PATH, query={"search": "ann", "limit": limit, "offset": offset})
        return [contact["name"] for contact in answer["data"]], answer["hasMore"], answer["total"]

    assert page(2, 0) == (["Ann 4", "Ann 3"], True, 5)
    assert page(2, 2) == (["Ann 2", "Ann 1"], True, 5)
    assert page(2, 4) == (["Ann 0"], False, 5)
    assert page(5, 0)[1:] == (False, 5)
    assert page(2, 5) == ([], False, 5)
    assert page(2, 99) == ([], False, 5)


def test_what_is_no_search(ringback: Ringback, line: Line, add: Callable[..., Any]) -> None:
    add("+14155550114", "x" * 200)
    assert ringback.api.call("GET", f"{PATH}?search=")["total"] == 1
    assert ringback.api.call("GET", f"{PATH}?search={'x' * 200}")["total"] == 1
    assert ringback.api.call("GET", f"{PATH}?search={quote('😀' * 200)}")["total"] == 0
    line.refused("GET", f"{PATH}?search={'x' * 201}", 422, field="search")
    line.refused("GET", f"{PATH}?search=%00", 422, field="search")


def test_page_huge_offset(line: Line, add: Callable[..., Any]) -> None:
    add("+14155550114", "Ann")
    for search in ("", "&search=Ann"):
        for offset in (2**63 - 1, 2**63, 99_999_999_999_999_999_999):
            answer = line.ask("GET", f"{PATH}?offset={offset}{search}")
            assert (answer["data"], answer["hasMore"], answer["total"]) == ([], False, 1)
        line.refused("GET", f"{PATH}?offset=-1{search}", 422, field="offset")
        for limit in ("1e2", "0", "201", "99999999999999999999"):
            line.refused("GET", f"{PATH}?limit={limit}{search}", 422, field="limit")
        assert line.ask("GET", f"{PATH}?limit={search}")["total"] == 1


def test_sixteen_at_once_make_one(ringback: Ringback) -> None:
    spellings = ["+14155550114", "(415) 555-0114", "1-415-555-0114", "tel:+1-415-555-0114"] * 4
    answers = together(
        *[
            lambda n=n, typed=typed: ringback.request(
                "POST", PATH, json={"phoneNumber": typed, "name": f"Ann {n}"}
            )
            for n, typed in enumerate(spellings)
        ]
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 15
    assert {answer.json["error"]["code"] for answer in answers if answer.status == 409} == {"CONTACT_EXISTS"}
    assert ringback.api.call("GET", PATH)["total"] == 1
    assert events(ringback) == ["contact.created"]


def test_a_repeated_post_makes_one(ringback: Ringback) -> None:
    asked = {"phoneNumber": "+14155550114", "name": "Ann"}
    first, again = (
        ringback.request("POST", PATH, json=asked, headers={"Idempotency-Key": "ann"}) for _ in range(2)
    )
    assert (first.status, again.status) == (201, 201)
    assert first.content == again.content
    other = ringback.request("POST", PATH, json=asked | {"name": "Ben"}, headers={"Idempotency-Key": "ann"})
    assert (other.status, other.json["error"]["code"]) == (409, "IDEMPOTENCY_MISMATCH")
    assert ringback.api.call("GET", PATH)["total"] == 1


def test_what_changes_and_what_is_told(ringback: Ringback, line: Line, clock: Clock) -> None:
    clock.freeze()
    made = line.ask("POST", PATH, {"phoneNumber": "+14155550114", "name": "Ann", "email": None}, 201)
    assert (made["email"], made["notes"], made["createdAt"]) == (None, None, made["updatedAt"])
    path = f"{PATH}/{made['id']}"
    clock.advance(seconds=60)
    for nothing in (None, {}, {"name": None, "phoneNumber": None}, {"phoneNumber": "415 555 0114"}):
        assert line.ask("PATCH", path, nothing) == made
    changed = line.ask("PATCH", path, {"email": "ann@example.com", "notes": "VIP", "unknown": 1})
    assert (changed["email"], changed["notes"], changed["name"]) == ("ann@example.com", "VIP", "Ann")
    assert at(changed["updatedAt"]) > at(changed["createdAt"]) == at(made["createdAt"])
    cleared = line.ask("PATCH", path, {"email": None, "notes": None})
    assert (cleared["email"], cleared["notes"]) == (None, None)
    moved = line.ask("PATCH", path, {"phoneNumber": "+442079460018"})
    assert line.ask("GET", path) == moved
    answer = ringback.request("DELETE", path)
    assert (answer.status, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    for method in ("GET", "PATCH", "DELETE"):
        assert line.refused(method, path, 404)["code"] == "CONTACT_NOT_FOUND"
    assert line.ask("GET", PATH) == {"data": [], "hasMore": False, "total": 0}
    assert events(ringback) == ["contact.created", *["contact.updated"] * 3, "contact.deleted"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phoneNumber", "nobody"),
        ("phoneNumber", ""),
        ("phoneNumber", "911"),
        ("phoneNumber", "89203"),
        ("phoneNumber", "+1 415 555 0106 ext. 4567"),
        ("phoneNumber", 4155550114),
        ("name", ""),
        ("name", " \t"),
        ("name", "x" * 201),
        ("name", "A\x00"),
        ("email", "ann"),
        ("email", "a@b@c"),
        ("email", "a b@example.com"),
        ("email", f"{'a' * 64}@{'b' * 200}"),
        ("notes", "x" * 4_001),
        ("notes", "\x00"),
    ],
)
def test_what_is_no_contact(line: Line, field: str, value: Any) -> None:
    """`body-nul` and its kin: refused by name of the field, on both ways in."""
    right = {"phoneNumber": "+14155550114", "name": "Ann", "email": "ann@example.com", "notes": "n"}
    line.refused("POST", PATH, 422, field=field, body=right | {field: value})
    assert line.ask("GET", PATH)["total"] == 0
    contact = line.ask("POST", PATH, right, 201)
    line.refused("PATCH", f"{PATH}/{contact['id']}", 422, field=field, body={field: value})
    assert line.ask("GET", f"{PATH}/{contact['id']}") == contact


@pytest.mark.parametrize("missing", ["phoneNumber", "name"])
def test_what_a_contact_needs(line: Line, missing: str) -> None:
    body = {"phoneNumber": "+14155550114", "name": "Ann"}
    line.refused("POST", PATH, 422, field=missing, body={**body, missing: None})
    del body[missing]
    line.refused("POST", PATH, 422, field=missing, body=body)


@pytest.mark.parametrize(
    "name", ["x" * 200, "A\r\nX-Evil: 1", "\u202egnp.exe", "<script>", "🎉" * 200, " Ann "]
)
def test_names_come_back_as_they_were(ringback: Ringback, line: Line, name: str) -> None:
    """`sec-line-break-in-a-header` and `con-direction-override`: text stays text."""
    made = line.ask("POST", PATH, {"phoneNumber": "+14155550114", "name": name, "notes": name}, 201)
    answer = ringback.request("GET", f"{PATH}/{made['id']}")
    assert (answer.json["name"], answer.json["notes"]) == (name, name)
    assert "x-evil" not in answer.headers


def test_hook_signature_over_bytes(line: Line, webhook_inbox: WebhookInbox) -> None:
    """Whoever texts is told with the text, as the account knows them when it is first told."""
    webhook_inbox.secret = line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})["secret"]
    line.hear("Who am I?")
    assert webhook_inbox.wait_for().body["data"]["contact"] is None
    person = {"phoneNumber": line.phone.number, "name": "Café Größe 李", "email": "c@example.com"}
    made = line.ask("POST", PATH, person, 201)
    line.hear("And now?")
    event = webhook_inbox.wait_for()
    assert event.body["data"]["contact"] == {
        "id": made["id"],
        "name": "Café Größe 李",
        "email": "c@example.com",
        "phoneNumber": line.phone.number,
    }
    assert "Café Größe 李".encode() in event.raw


def test_a_retried_webhook_stays_as_it_was(line: Line, webhook_inbox: WebhookInbox, clock: Clock) -> None:
    line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})
    made = line.ask("POST", PATH, {"phoneNumber": line.phone.number, "name": "Ann"}, 201)
    webhook_inbox.answer(status=503, times=1)
    line.hear("Hello")
    first = webhook_inbox.wait_for()
    line.ask("PATCH", f"{PATH}/{made['id']}", {"name": "Ben"})
    clock.advance(minutes=1)
    assert webhook_inbox.wait_for().raw == first.raw
    line.hear("Hello again")
    assert webhook_inbox.wait_for().body["data"]["contact"]["name"] == "Ben"


def test_another_accounts_contact_is_nobodys_business(
    ringback: Ringback, line: Line, webhook_inbox: WebhookInbox
) -> None:
    key = ringback.new_account()
    body = {"phoneNumber": line.phone.number, "name": "Theirs"}
    assert ringback.request("POST", PATH, json=body, api_key=key).status == 201
    line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})
    line.hear("Hello")
    assert webhook_inbox.wait_for().body["data"]["contact"] is None
    tested = line.ask("POST", "/v1/webhooks/test", {"from": line.phone.number})
    assert tested["success"] is True
    assert webhook_inbox.wait_for().body["data"]["contact"] is None
