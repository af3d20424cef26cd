"""Sub-accounts: what they share with their parent (a key that reaches in) and with nobody else (everything)."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import Table, select

from ringback.kit.clock import real_ms
from ringback.numbers import service as numbers
from ringback.storage import schema
from ringback.storage.statements import Statement
from ringback.testing import Clock, Handset, Handsets, Network, Ringback, WebhookInbox
from tests.phones import at, until
from tests.scenarios.lines import together

pytestmark = pytest.mark.scenario


class Branch:
    """A sub-account as its parent reaches it: by the header."""

    def __init__(self, ringback: Ringback, name: str = "Branch") -> None:
        self.ringback = ringback
        self.id: str = ringback.request("POST", "/v1/sub-accounts", json={"name": name}).json["id"]

    def answer(self, method: str, path: str, body: Any = None) -> Any:
        return self.ringback.request(method, path, json=body, headers={"X-Sub-Account-Id": self.id})

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.answer(method, path, body)
        assert answer.status == 200, (method, path, answer)
        return answer.json

    def delete(self) -> Any:
        return self.ringback.request("DELETE", f"/v1/sub-accounts/{self.id}")

    def key(self) -> str:
        return self.ringback.on_loop(
            self.ringback.server.book.create_key("own", None, account_id=self.id)
        ).key


@pytest.fixture
def branch(ringback: Ringback) -> Branch:
    return Branch(ringback)


def code(answer: Any) -> tuple[int, str]:
    return answer.status, answer.json["error"]["code"]


def total(ringback: Ringback) -> int:
    found: int = ringback.request("GET", "/v1/sub-accounts").json["total"]
    return found


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\x00b", 7, None, ["x"]])
def test_a_name_that_is_none(ringback: Ringback, branch: Branch, name: Any) -> None:
    for method, path in (("POST", "/v1/sub-accounts"), ("PATCH", f"/v1/sub-accounts/{branch.id}")):
        refused = ringback.request(method, path, json={"name": name})
        assert refused.status == 422
        assert refused.json["error"]["details"][0]["field"] == "name"
    assert total(ringback) == 1


def test_names_need_not_differ_and_may_be_long(ringback: Ringback) -> None:
    name = "Größe 李 " + "x" * 191
    made = [ringback.request("POST", "/v1/sub-accounts", json={"name": name}).json for _ in range(2)]
    assert [one["name"] for one in made] == [name, name]
    assert ringback.request("GET", "/v1/sub-accounts").json["data"] == made[::-1]


def test_pages_add_up(ringback: Ringback) -> None:
    made = [Branch(ringback, f"{n}").id for n in range(7)]
    seen, offset, more = [], 0, True
    while more:
        page = ringback.request("GET", f"/v1/sub-accounts?limit=3&offset={offset}").json
        assert page["total"] == 7
        seen += [one["id"] for one in page["data"]]
        offset, more = offset + 3, page["hasMore"]
    assert seen == made[::-1]
    assert len(ringback.request("GET", "/v1/sub-accounts?limit=").json["data"]) == 7
    for query in ("limit=0", "limit=101", "limit=x", "offset=-1"):
        assert ringback.request("GET", f"/v1/sub-accounts?{query}").status == 422


def test_asked_twice_made_once(ringback: Ringback) -> None:
    key = {"Idempotency-Key": "one branch"}
    first, again = [
        ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}, headers=key) for _ in range(2)
    ]
    assert first.content == again.content
    assert total(ringback) == 1


def test_a_sub_account_has_none_of_its_own(ringback: Ringback, branch: Branch) -> None:
    other = Branch(ringback)
    key = branch.key()
    for ask in (
        branch.answer,
        lambda method, path, body=None: ringback.request(method, path, json=body, api_key=key),
    ):
        assert ask("GET", "/v1/sub-accounts").json == {"data": [], "hasMore": False, "total": 0}
        assert code(ask("POST", "/v1/sub-accounts", {"name": "Twig"})) == (400, "SUB_ACCOUNT_NESTED")
        for target in (branch.id, other.id, "sub_nowhere"):
            path = f"/v1/sub-accounts/{target}"
            assert code(ask("PATCH", path, {"name": "Mine"})) == (404, "SUB_ACCOUNT_NOT_FOUND")
            assert code(ask("DELETE", path)) == (404, "SUB_ACCOUNT_NOT_FOUND")
    assert {one["name"] for one in ringback.request("GET", "/v1/sub-accounts").json["data"]} == {"Branch"}


def test_numbers_are_limited_for_each_account(ringback: Ringback, branch: Branch) -> None:
    limit = ringback.settings.number_limit
    for _ in range(limit):
        branch.ask("POST", "/v1/numbers", {})
    assert branch.answer("POST", "/v1/numbers", {}).status == 400
    assert ringback.request("POST", "/v1/numbers", json={}).status == 200


def test_webhooks_never_fall_back_to_the_parents(
    ringback: Ringback, branch: Branch, handset: Handsets, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    """The parent's endpoint is told nothing of a sub-account, not even where that has no endpoint of its own."""
    assert ringback.request("POST", "/v1/webhooks", json={"url": webhook_inbox.url}).status == 200
    number = branch.ask("POST", "/v1/numbers", {})
    phone = handset()
    phone.text(number["phoneNumber"], "for the branch")
    until(lambda: branch.ask("GET", "/v1/conversations")["data"])
    clock.advance(hours=5)
    assert webhook_inbox.received == []
    with WebhookInbox() as own:
        branch.ask("POST", "/v1/webhooks", {"url": own.url})
        phone.text(number["phoneNumber"], "again")
        assert own.wait_for().body["data"]["message"] == "again"
    assert webhook_inbox.received == []


def test_a_key_of_its_own_opens_it_alone(ringback: Ringback, branch: Branch) -> None:
    agent = branch.ask("POST", "/v1/agents", {"name": "Ada"})
    key = branch.key()
    assert ringback.request("GET", "/v1/agents", api_key=key).json["data"] == [agent]
    for other in (branch.id, Branch(ringback).id):
        refused = ringback.request("GET", "/v1/agents", api_key=key, headers={"X-Sub-Account-Id": other})
        assert code(refused) == (404, "SUB_ACCOUNT_NOT_FOUND")


def test_one_that_holds_numbers_stays(ringback: Ringback, branch: Branch) -> None:
    numbers = [branch.ask("POST", "/v1/numbers", {}) for _ in range(2)]
    for left, number in zip((2, 1), numbers, strict=True):
        refused = branch.delete()
        assert code(refused) == (409, "SUB_ACCOUNT_HOLDS_NUMBERS")
        assert f"holds {left} number" in refused.json["error"]["message"]
        branch.ask("DELETE", f"/v1/numbers/{number['id']}")
    assert branch.delete().json == {"success": True}


def test_deleted_it_answers_nobody(ringback: Ringback, branch: Branch) -> None:
    key = branch.key()
    assert ringback.request("GET", "/v1/agents", api_key=key).status == 200
    assert branch.delete().json == {"success": True}
    assert ringback.request("GET", "/v1/agents", api_key=key).status == 401
    for method, path in (("GET", "/v1/agents"), ("POST", "/v1/numbers"), ("GET", "/v1/calls")):
        assert code(branch.answer(method, path, {})) == (404, "SUB_ACCOUNT_NOT_FOUND")
    assert code(branch.delete()) == (404, "SUB_ACCOUNT_NOT_FOUND")
    renamed = ringback.request("PATCH", f"/v1/sub-accounts/{branch.id}", json={"name": "Back"})
    assert code(renamed) == (404, "SUB_ACCOUNT_NOT_FOUND")
    assert total(ringback) == 0
    with pytest.raises(Exception, match="there is no account"):
        branch.key()


def _heard(branch: Branch, phone: Handset, number: Any) -> None:
    phone.text(number["phoneNumber"], "hello")
    until(lambda: branch.ask("GET", "/v1/webhooks/deliveries")["total"])


def test_what_was_to_be_told_is_told_no_more(
    ringback: Ringback, branch: Branch, handset: Handsets, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    webhook_inbox.answer(status=503)
    clock.freeze()
    branch.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})
    number = branch.ask("POST", "/v1/numbers", {})
    _heard(branch, handset(), number)
    webhook_inbox.wait_for()
    branch.ask("DELETE", f"/v1/numbers/{number['id']}")
    assert branch.delete().status == 200
    clock.advance(days=1)
    assert len(webhook_inbox.received) == 1
    rows = rows_of(ringback, schema.deliveries)
    assert [(row["status"], row["error_message"]) for row in rows] == [("failed", "the account was deleted")]


def rows_of(ringback: Ringback, table: Table) -> list[dict[str, Any]]:
    statement = Statement(select(table).order_by(*table.primary_key.columns))
    return ringback.on_loop(ringback.server.store.read(lambda db: db.all(statement)))


def test_queued_texts_of_a_deleted_one_are_not_sent(
    ringback: Ringback, branch: Branch, handset: Handsets, clock: Clock, network: Network
) -> None:
    number, phone = branch.ask("POST", "/v1/numbers", {}), handset()
    clock.freeze()
    network.set(messages_per_second=1)
    for n in range(5):
        text = {"number_id": number["id"], "to_number": phone.number, "body": f"{n}"}
        branch.ask("POST", "/v1/messages", text)
    phone.wait_for("0")
    branch.ask("DELETE", f"/v1/numbers/{number['id']}")
    assert branch.delete().status == 200
    clock.advance(days=4)
    assert [text.body for text in phone.inbox()] == ["0"]


def test_a_purchase_under_way_holds_it(ringback: Ringback, branch: Branch) -> None:
    """As after a crash between order and answer: until the carrier has told, the account must stay."""
    ringback.on_loop(
        ringback.server.store.write(
            lambda tx: numbers.open_purchase(
                tx,
                branch.id,
                carrier="simulated",
                country="US",
                e164="+14155550170",
                limit=10,
                real_now=real_ms(),
                request={"agent_id": None},
            ),
            account=branch.id,
        )
    )
    assert code(branch.delete()) == (409, "SUB_ACCOUNT_HAS_OPEN_ORDERS")
    ringback.on_loop(ringback.server.keeper.recover())
    assert branch.delete().status == 200


def test_a_release_under_way_holds_it(ringback: Ringback, branch: Branch, network: Network) -> None:
    number = branch.ask("POST", "/v1/numbers", {})
    outage = network.fault("outage")
    branch.ask("DELETE", f"/v1/numbers/{number['id']}")
    assert code(branch.delete()) == (409, "SUB_ACCOUNT_HAS_OPEN_ORDERS")
    outage.clear()
    ringback.on_loop(ringback.server.keeper.recover())
    assert branch.delete().status == 200


def test_deleting_while_buying(ringback: Ringback) -> None:
    """Whoever is first: no number ends in an account that is gone."""
    branches = [Branch(ringback, f"{n}") for n in range(12)]
    for branch in branches:
        bought, deleted = together(partial(branch.answer, "POST", "/v1/numbers", {}), branch.delete)
        if deleted.status == 200:
            assert code(bought) == (404, "SUB_ACCOUNT_NOT_FOUND")
        else:
            assert (deleted.status, bought.status) == (409, 200)
    gone = {row["id"] for row in rows_of(ringback, schema.accounts) if row["deleted_at"] is not None}
    for table in (schema.numbers, schema.number_orders):
        assert not gone & {row["account_id"] for row in rows_of(ringback, table)}


def test_deleting_while_setting_a_webhook(ringback: Ringback) -> None:
    for n in range(12):
        branch = Branch(ringback, f"{n}")
        body = {"url": "http://127.0.0.1:9/"}
        made, deleted = together(partial(branch.answer, "POST", "/v1/webhooks", body), branch.delete)
        assert deleted.status == 200
        assert made.status in (200, 404)
    assert rows_of(ringback, schema.webhooks) == []


def test_the_parents_log_tells_of_them(ringback: Ringback, branch: Branch) -> None:
    """Events of a sub-account are its own; that it came, was renamed and went is its parent's to know."""
    branch.ask("POST", "/v1/agents", {"name": "Ada"})
    ringback.request("PATCH", f"/v1/sub-accounts/{branch.id}", json={"name": "New"})
    branch.delete()
    rows = rows_of(ringback, schema.events)
    told = [(row["account_id"][:4], row["type"]) for row in rows]
    assert [type_ for whose, type_ in told if whose == "acct"] == [
        "key.created",
        "sub_account.created",
        "sub_account.updated",
        "sub_account.deleted",
    ]
    assert [type_ for whose, type_ in told if whose == "sub_"] == ["agent.created"]


def test_a_sub_accounts_key_does_not_move_the_clock_of_all(
    ringback: Ringback, branch: Branch, clock: Clock
) -> None:
    key = branch.key()
    clock.freeze()
    before = clock.now
    for body in ({"advanceSeconds": 86_400}, {"resume": True}, {"freeze": True}):
        refused = ringback.request("POST", "/sim/v1/clock", json=body, api_key=key)
        assert code(refused) == (403, "PERMISSION_DENIED")
    looked = ringback.request("GET", "/sim/v1/clock", api_key=key).json
    assert (at(looked["now"]), looked["mode"]) == (before, "frozen")
    moved = branch.answer("POST", "/sim/v1/clock", {"advanceSeconds": 60})
    assert moved.status == 200, "with the parent's key"
