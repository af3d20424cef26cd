"""Four accounts on one server, each with something of everything, and where an id can stand in a request."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import select

from ringback.kit.ids import IdMaker
from ringback.storage.schema import metadata
from ringback.storage.statements import Statement
from ringback.testing import Handset, Ringback, WebhookInbox
from tests.fuzz.target import Said, body_schema, choices, exchange
from tests.openapi import Document, Operation, Schema, follow, operations
from tests.phones import until
from tests.switchboard import Exchange

KINDS = {
    "agent_id": "agent",
    "agentId": "agent",
    "webhook": "agent",
    "call_id": "call",
    "number_id": "number",
    "numberId": "number",
    "fromNumberId": "number",
    "conversation_id": "conversation",
    "message_id": "message",
    "reply_to_message_id": "message",
    "before": "message",
    "after": "message",
    "contact_id": "contact",
    "delivery_id": "delivery",
    "id": "delivery",
    "version_id": "prompt version",
    "sub_account_id": "sub_account",
    "x-sub-account-id": "sub_account",
    "from_number": "own phone",
    "phoneNumbers": "any phone",
    "ringback.phoneNumber": "phone for sale",
}
"""What each name means, wherever in a request it stands: the kind of thing whose id it takes, or what phone number."""
NO_IDS = {
    "externalId": "the caller's own word for a number",
    "last-event-id": "a place in the caller's own events",
    "request_id": "the caller's word on what its feedback is about; nothing is looked up by it",
}
"""Names that look like an id's and are none of ours."""
SHARED = {
    "handset_id": "the network's, and everybody's",
    "fault_id": "the network's, and everybody's",
    "voice_id": "the server's, and everybody's",
    "name": "a file of the module for pages",
    "media_id": "whoever has the link may look: 128 random bits",
    "last-event-id": "a place in the network's stream",
}
"""Ids of the server's voices, and of the simulated network, which all accounts share as they do the real one
(docs/testing.md)."""
PREFIXES = {
    "agent": "agt",
    "call": "call",
    "number": "num",
    "conversation": "conv",
    "message": "msg",
    "contact": "con",
    "sub_account": "sub",
    "account": "acct",
    "webhook": "wh",
    "delivery": "whd",
    "prompt version": "pv",
}
NOWHERE = "+14155550177"
"""A number that nobody has."""
_LOOKS_LIKE_AN_ID = re.compile(r"(^|[_-])ids?$|[a-z]I[dD]s?$")
_QUIET = {"meta", "lanes", "carrier_refs", "voice_hosts"}
"""Tables that say nothing of a customer, or change by themselves."""

SAMPLES: dict[str, Any] = {
    "pattern": "7",
    "to_number": "+12025550143",
    "toNumber": "+12025550143",
    "phone_number": "+12025550143",
    "phoneNumber": "+12025550143",
    "body": "sample",
    "name": "sample",
    "note": "sample",
    "url": "http://127.0.0.1:9/sample",
    "image_url": "https://example.com/sample.png",
    "from": "2026-01-01T00:00:00Z",
    "q": "secret",
}
"""Right values for fields that a right request needs; others are made from their schema."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an operation's requests an id stands: `where` is path, query, header or body, `name` dotted."""

    where: str
    name: str

    @property
    def kind(self) -> str:
        return KINDS[self.name]

    @property
    def must_be_there(self) -> bool:
        """Whether an id that is not the caller's can be answered by 404 only."""
        return self.where in ("path", "header")


@dataclass(slots=True)
class Request:
    """What is sent for an operation."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None


@dataclass(slots=True)
class Tenant:
    """An account as one caller reaches it. `ids` are by kind; `mark` stands in every text of its own."""

    name: str
    key: str
    headers: dict[str, str]
    account_id: str
    parent: "Tenant | None"
    inbox: WebhookInbox
    by_parents_key: bool = False
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        return f"{self.name}s secret"

    @property
    def holder(self) -> "Tenant":
        """Whose key it calls with, and so whose sub-accounts its header may name."""
        return self.parent if self.by_parents_key and self.parent is not None else self

    def foreign_to(self, caller: "Tenant") -> dict[str, str]:
        """Those of its ids that the caller may not know."""
        known = {"account", "sub_account"} if self.parent is caller else set()
        return {kind: value for kind, value in self.ids.items() if kind not in known}

    def secrets_from(self, caller: "Tenant") -> set[str]:
        """What no answer to the caller may hold."""
        return {self.mark, *self.foreign_to(caller).values()} - {self.ids["own phone"]}


class Town:
    """The server with its tenants: a parent, two branches of it (one reached by the header, one by a key) and a stranger."""

    def __init__(self, ringback: Ringback, phone: Handset, inboxes: list[WebhookInbox]) -> None:
        self.ringback = ringback
        self.phone = phone
        self.exchange = Exchange(ringback)
        self._new_id = IdMaker(ringback.server.clock).new
        self.document: Document = ringback.request("GET", "/openapi.json").json
        self.operations = [one for one in operations(self.document) if is_of_accounts(one)]
        self.tenants = self._settle(inboxes)
        for tenant in self.tenants:
            self._furnish(tenant)

    def _settle(self, inboxes: list[WebhookInbox]) -> list[Tenant]:
        book = self.ringback.server.book
        parent_key, stranger_key = self.ringback.api_key, self.ringback.new_account("stranger")
        made = [
            self.ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}).json["id"]
            for _ in range(2)
        ]
        sibling_key = self.ringback.on_loop(book.create_key("own", None, account_id=made[1])).key
        whose = {key["id"]: key["accountId"] for key in self.ringback.on_loop(book.list_keys())}
        [parent_id] = {one for one in whose.values() if one.startswith("acct_")} - {
            self._account_of(stranger_key)
        }
        parent = Tenant("parent", parent_key, {}, parent_id, None, inboxes[0])
        return [
            parent,
            Tenant("branch", parent_key, {"x-sub-account-id": made[0]}, made[0], parent, inboxes[1], True),
            Tenant("sibling", sibling_key, {}, made[1], parent, inboxes[2]),
            Tenant("stranger", stranger_key, {}, self._account_of(stranger_key), None, inboxes[3]),
        ]

    def _account_of(self, key: str) -> str:
        known = self.ringback.on_loop(self.ringback.server.keys.find(key))
        assert known is not None
        return known.account_id

    def _furnish(self, tenant: Tenant) -> None:
        def made(method: str, path: str, body: Any = None) -> Any:
            said = self.ask(tenant, Request(method, path, body=body))
            assert said.status in (200, 201), (method, path, said)
            return said.json

        def newest(path: str) -> Any:
            return until(lambda: made("GET", path)["data"])[0]

        agent = made("POST", "/v1/agents", {"name": tenant.mark, "systemPrompt": tenant.mark})
        [version] = made("GET", f"/v1/agents/{agent['id']}/prompt-versions")["data"]
        number = made("POST", "/v1/numbers", {"agentId": agent["id"], "externalId": tenant.mark})
        hook = made("POST", f"/v1/agents/{agent['id']}/webhook", {"url": f"{tenant.inbox.url}/agent"})
        made("POST", "/v1/webhooks", {"url": f"{tenant.inbox.url}/project"})
        contact = made("POST", "/v1/contacts", {"phoneNumber": self.phone.number, "name": tenant.mark})
        self.phone.text(number["phoneNumber"], f"for the {tenant.mark}")
        tenant.inbox.wait_for()
        text = {"number_id": number["id"], "to_number": self.phone.number, "body": f"the {tenant.mark}"}
        sent = made("POST", "/v1/messages", text)
        path = f"/v1/numbers/{number['id']}/messages"
        until(lambda: newest(path)["status"] == "delivered")
        made("PATCH", f"/v1/conversations/{sent['conversation_id']}", {"metadata": {"of": tenant.mark}})
        call = self.exchange.ring(number["phoneNumber"], self.phone.number, tenant.name)["call_id"]
        self.exchange.tell(call, "answered")
        self.exchange.say(call, "user", f"the {tenant.mark}")
        self.exchange.record(call, tenant.mark.encode())
        self.exchange.tell(call, "ended", reason="user_hangup")
        tenant.inbox.wait_for(event="agent.call_ended")
        delivery = until(lambda: [d for d in made("GET", "/v1/webhooks/deliveries")["data"] if d["success"]])[
            0
        ]
        sub = tenant.account_id
        if tenant.parent is None:
            sub = made("POST", "/v1/sub-accounts", {"name": tenant.mark})["id"]
        tenant.ids = {
            "agent": agent["id"],
            "prompt version": version["id"],
            "call": call,
            "number": number["id"],
            "conversation": sent["conversation_id"],
            "message": sent["id"],
            "contact": contact["id"],
            "webhook": hook["id"],
            "delivery": delivery["id"],
            "account": tenant.account_id,
            "sub_account": sub,
            **dict.fromkeys(("own phone", "any phone", "phone for sale"), number["phoneNumber"]),
        }

    def ask(self, tenant: Tenant, request: Request) -> Said:
        """The answer to a tenant's request."""
        path = request.path + (f"?{urlencode(request.query)}" if request.query else "")
        headers = {**tenant.headers, **{name.lower(): value for name, value in request.headers.items()}}
        headers["authorization"] = f"Bearer {tenant.key}"
        raw = None
        if request.body is not None:
            raw, headers["content-type"] = json.dumps(request.body).encode(), "application/json"
        return exchange(self.ringback.base_url, request.method, path, raw, headers)

    def unknown(self, kind: str, caller: Tenant) -> str:
        """What the caller is told the same of as of another's: an id of this kind that nothing has, a number that
        nobody has, one that isn't for sale, or one's own where anybody may ask about any number."""
        phones = {
            "own phone": NOWHERE,
            "any phone": caller.ids["any phone"],
            "phone for sale": self.phone.number,
        }
        return phones.get(kind) or self._new_id(PREFIXES[kind])

    def rows(self) -> dict[str, dict[str, list[str]]]:
        """Every row of the store, by its account and table."""

        def read(db: Any) -> dict[str, dict[str, list[str]]]:
            found: dict[str, dict[str, list[str]]] = {}
            for table in metadata.sorted_tables:
                if table.name in _QUIET:
                    continue
                owner = "id" if table.name == "accounts" else "account_id"
                for row in db.all(Statement(select(table))):
                    row.pop("last_used_at", None)
                    found.setdefault(row[owner], {}).setdefault(table.name, []).append(repr(row))
            return {
                account: {name: sorted(rows) for name, rows in tables.items()}
                for account, tables in found.items()
            }

        return self.ringback.on_loop(self.ringback.server.store.read(read))

    def quiet_rows(self) -> dict[str, dict[str, list[str]]]:
        """`rows` once nothing is under way any more."""

        def at_rest() -> dict[str, dict[str, list[str]]] | None:
            first = self.rows()
            under_way = any(
                "outbox" in tables or any("'status': 'sent'" in row for row in tables.get("messages", ()))
                for tables in first.values()
            )
            return first if not under_way and first == self.rows() else None

        return until(at_rest)


# --- requests


def is_of_accounts(operation: Operation) -> bool:
    """Whether the operation serves an account: all but the simulated network's, and what needs no key."""
    return bool(operation.spec.get("security")) and not operation.path.startswith("/sim/v1/")


def places(operation: Operation) -> list[Place]:
    """Where an id can stand in the operation's requests."""
    return [
        place
        for place, schema in _with_schemas(operation)
        if place.name in KINDS and not _counts(schema, operation.document)
    ]


def unheard_of(operation: Operation) -> list[str]:
    """What could take an id and of which these tests know nothing: every path parameter, and what looks like one."""
    return [
        f"{operation.name}: {place.where} {place.name}"
        for place, schema in _with_schemas(operation)
        if place.name not in KINDS
        and place.name.removesuffix("[]") not in (NO_IDS if is_of_accounts(operation) else SHARED)
        and (
            place.where == "path"
            or _LOOKS_LIKE_AN_ID.search(place.name.removesuffix("[]").rsplit(".", 1)[-1])
            or re.match(r"\^[a-z]+_", _pattern(schema, operation.document))
        )
    ]


def _counts(schema: Schema, document: Document) -> bool:
    """Whether a place takes a whole number: the sequence of an event is nobody's id."""
    return any(choice.get("type") == "integer" for choice in choices(schema, document))


def _with_schemas(operation: Operation) -> Iterator[tuple[Place, Schema]]:
    for parameter in operation.parameters:
        name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
        yield Place(parameter["in"], name), parameter.get("schema", {})
    schema = body_schema(operation)
    if schema is not None:
        for name, found in _fields(schema, operation.document):
            yield Place("body", name), found


def _fields(schema: Schema, document: Document, prefix: str = "") -> Iterator[tuple[str, Schema]]:
    """Every field of an object by its dotted name, those inside objects and arrays too (`tools[].name`)."""
    for name, written in schema.get("properties", {}).items():
        yield f"{prefix}{name}", written
        for choice in choices(written, document):
            yield from _fields(choice, document, f"{prefix}{name}.")
            if "items" in choice:
                yield f"{prefix}{name}[]", choice["items"]
                for item in choices(choice["items"], document):
                    yield from _fields(item, document, f"{prefix}{name}[].")


def _pattern(schema: Schema, document: Document) -> str:
    patterns = [str(choice.get("pattern", "")) for choice in choices(schema, document)]
    return next((pattern for pattern in patterns if re.match(r"\^[a-z]+_", pattern)), "")


def right_request(operation: Operation, ids: Mapping[str, str]) -> Request:
    """A request that is right in all that is required, with `ids` (by kind) in it."""
    taken = {
        place.name: quote(ids[place.kind], safe="") for place in places(operation) if place.where == "path"
    }
    request = Request(operation.method, operation.path.format(**taken))
    for parameter in operation.parameters:
        if parameter["in"] == "query" and parameter.get("required"):
            put(request, Place("query", parameter["name"]), ids)
    schema = body_schema(operation)
    if schema is not None:
        wanted = {*schema.get("required", [])} | ({"to_number", "body"} & schema["properties"].keys())
        request.body = {
            name: _sample(name, follow(schema["properties"][name], operation.document), ids)
            for name in sorted(wanted)
        }
    return request


def put(request: Request, place: Place, ids: Mapping[str, str]) -> None:
    """Let an id, or a sample, stand at a place outside the path."""
    value = ids[place.kind] if place.name in KINDS else SAMPLES[place.name]
    if place.where == "query":
        request.query[place.name] = value
    elif place.where == "header":
        request.headers[place.name] = value
    else:
        assert request.body is not None
        inner = request.body
        *parts, last = place.name.split(".")
        for part in parts:
            inner = inner.setdefault(part, {})
        inner[last] = value


def _sample(name: str, schema: Schema, ids: Mapping[str, str]) -> Any:
    if name in KINDS and schema.get("type") != "integer":
        return ids[KINDS[name]]
    if name in SAMPLES:
        return SAMPLES[name]
    if "enum" in schema:
        return schema["enum"][0]
    kinds: dict[str, Any] = {"integer": schema.get("minimum", 1), "number": 1, "boolean": True, "array": []}
    return kinds.get(str(schema.get("type")), "sample")


def shape(value: Any) -> Any:
    """What an answer looks like, without what it says."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__
