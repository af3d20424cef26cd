"""A server to throw things at: its operations from its own OpenAPI document, something of everything, its whole state."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from ringback.kit.ids import IdMaker
from ringback.storage.schema import metadata
from ringback.storage.statements import Statement
from ringback.testing import Handset, Ringback, WebhookInbox
from tests.openapi import Document, Operation, Schema, follow, operations
from tests.phones import until
from tests.switchboard import Exchange

JSON = {"Content-Type": "application/json"}
_QUIET = {"api_keys", "meta"}
"""Tables that may change by themselves: when a key was last used, what the clock says."""
_PREFIXES = {
    "agent_id": "agt",
    "call_id": "call",
    "number_id": "num",
    "conversation_id": "conv",
    "message_id": "msg",
    "handset_id": "hs",
    "fault_id": "flt",
    "sub_account_id": "sub",
    "contact_id": "con",
    "delivery_id": "whd",
    "version_id": "pv",
}


@dataclass(frozen=True, slots=True)
class Said:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    def problem(self, *statuses: int, field: str | None = None) -> str | None:
        """What is wrong with this as a refusal by one of `statuses` that names `field`; None if nothing is."""
        if self.status not in statuses:
            return f"answered {self.status}, not {statuses}: {self.content[:200]!r}"
        try:
            body = self.json
            error, detail = body["error"], body["detail"]
            named = [entry["field"] for entry in error["details"]]
            if not error["message"] or not error["code"] or not error["type"]:
                return f"an empty error: {error}"
        except (ValueError, KeyError, TypeError):
            return f"no error envelope: {self.content[:200]!r}"
        if self.status == 422 and not (
            error["code"] == "VALIDATION_ERROR" and isinstance(detail, list) and len(detail) == len(named)
        ):
            return f"a 422 that lists nothing: {body}"
        if self.status != 422 and detail != error["message"]:
            return f"detail differs: {body}"
        if field is not None and not any(name == field or name.startswith(f"{field}.") for name in named):
            return f"{field} is not named: {named}"
        return None


def exchange(url: str, method: str, path: str, raw: bytes | None, headers: Mapping[str, str]) -> Said:
    """One request on a connection of its own. Of a stream, which has no end, it takes the beginning."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request(method, path, body=raw, headers=dict(headers))
        answer = connection.getresponse()
        streams = answer.headers.get_content_type() == "text/event-stream"
        content = answer.read1() if streams else answer.read()
    finally:
        connection.close()
    return Said(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)


class Target:
    """The server under test with one thing of each kind, and another account's key."""

    def __init__(self, ringback: Ringback, phone: Handset) -> None:
        self.ringback = ringback
        self.key = ringback.api_key
        self.other_key = ringback.new_account("other")
        self.document: Document = self.ask("GET", "/openapi.json").json
        self.operations = [
            operation for operation in operations(self.document) if operation.spec.get("security")
        ]
        self.exchange = Exchange(ringback)
        self.endpoint = "http://127.0.0.1:9/once"
        """Where right bodies let webhooks go: nobody is there, unless a test puts somebody."""
        self.ids = {**self._furnish(phone), "handset_id": phone.id}
        fault = self.ask(
            "POST", "/sim/v1/faults", {"kind": "submit-refused", "match": {"from": "+12025550199"}}
        )
        self.ids["fault_id"] = fault.json["id"]
        placed = self.ask("POST", f"/sim/v1/handsets/{phone.id}/calls", {"to": "+12025580000"})
        self.sim_ids = {"call_id": placed.json["id"]}
        hung_up = self.ask("POST", f"/sim/v1/calls/{placed.json['id']}/hangup").json
        assert hung_up["endedAt"], hung_up

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        """One request; `key` "" is the first account's, None sends none."""
        sent = {} if key is None else {"Authorization": f"Bearer {key or self.key}"}
        if raw is None and body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            sent |= JSON
        return exchange(self.ringback.base_url, method, path, raw, sent | dict(headers or {}))

    def _furnish(self, phone: Handset) -> dict[str, str]:
        """An agent, two numbers (one attached), a conversation, a message each way, a sub-account, a contact, and a
        delivery to an endpoint that is gone."""

        def made(method: str, path: str, body: Any = None) -> Any:
            said = self.ask(method, path, body)
            assert said.status in (200, 201), said
            return said.json

        agent = made("POST", "/v1/agents", {"name": "Ada", "systemPrompt": "Be kind."})
        [version] = made("GET", f"/v1/agents/{agent['id']}/prompt-versions")["data"]
        number = made("POST", "/v1/numbers", {"agentId": agent["id"]})
        british = made("POST", "/v1/numbers", {"country": "GB"})
        phone.text(number["phoneNumber"], "hello")
        path = f"/v1/numbers/{number['id']}/messages"
        until(lambda: made("GET", path)["data"])
        sent = made(
            "POST", "/v1/messages", {"number_id": number["id"], "to_number": phone.number, "body": "hi"}
        )
        until(lambda: made("GET", path)["data"][0]["status"] == "delivered")
        contact = made("POST", "/v1/contacts", {"phoneNumber": "+12025550177", "name": "Ann"})
        call_id = self._called(number["phoneNumber"], phone.number)
        made("POST", "/v1/webhooks", {"url": "http://127.0.0.1:9/project"})
        made("POST", f"/v1/agents/{agent['id']}/webhook", {"url": "http://127.0.0.1:9/agent"})
        return {
            "delivery_id": self._told_once(made, phone, british),
            "agent_id": agent["id"],
            "version_id": version["id"],
            "call_id": call_id,
            "number_id": number["id"],
            "conversation_id": sent["conversation_id"],
            "message_id": sent["id"],
            "contact_id": contact["id"],
            "sub_account_id": made("POST", "/v1/sub-accounts", {"name": "Branch"})["id"],
        }

    def _called(self, number: str, caller: str) -> str:
        """The id of a call that is over, with its recording."""
        call_id: str = self.exchange.ring(number, caller)["call_id"]
        self.exchange.tell(call_id, "answered")
        self.exchange.say(call_id, "user", "hello")
        self.exchange.record(call_id, b"RIFF")
        self.exchange.tell(call_id, "ended", reason="user_hangup")
        return call_id

    @staticmethod
    def _told_once(made: Callable[..., Any], phone: Handset, number: dict[str, Any]) -> str:
        """The id of a delivery that is over, to an agent that was deleted since."""
        agent = made("POST", "/v1/agents", {"name": "Bob"})["id"]
        made("POST", f"/v1/agents/{agent}/numbers", {"numberId": number["id"]})
        deliveries = f"/v1/agents/{agent}/webhook/deliveries"
        with WebhookInbox() as inbox:
            made("POST", f"/v1/agents/{agent}/webhook", {"url": inbox.url})
            phone.text(number["phoneNumber"], "hello")
            [told] = until(lambda: [d for d in made("GET", deliveries) if d["success"]])
        made("DELETE", f"/v1/agents/{agent}")
        delivery_id: str = told["id"]
        return delivery_id

    @property
    def number(self) -> str:
        """The attached number, as E.164."""
        found: str = self.ask("GET", f"/v1/numbers/{self.ids['number_id']}").json["phoneNumber"]
        return found

    def path(self, operation: Operation, ids: Mapping[str, str] | None = None) -> str:
        """The operation's path with our ids in it, but for those in `ids`."""
        own = {**self.ids, **self.sim_ids} if operation.path.startswith("/sim/") else self.ids
        return operation.path.format(**{**own, **(ids or {})})

    def unknown_id(self, parameter: str) -> str:
        """An id of the right form that nothing has."""
        return IdMaker(self.ringback.server.clock).new(_PREFIXES.get(parameter, "x"))

    def state(self) -> dict[str, Any]:
        """Every row of the store, and what the network tells of itself."""

        def rows(db: Any) -> dict[str, Any]:
            return {
                table.name: sorted(map(repr, db.all(Statement(select(table)))))
                for table in metadata.sorted_tables
                if table.name not in _QUIET
            }

        found: dict[str, Any] = self.ringback.on_loop(self.ringback.server.store.read(rows))
        for path in ("/sim/v1/handsets", "/sim/v1/network", "/sim/v1/faults"):
            found[path] = self.ask("GET", path).json
        return found


def body_schema(operation: Operation) -> Schema | None:
    """The schema of the operation's JSON object, if it takes one."""
    content = operation.spec.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    for schema in choices(content["schema"], operation.document):
        if schema.get("properties"):
            return schema
    return None


def fields(schema: Schema, document: Document, prefix: str = "") -> Iterator[tuple[str, Schema]]:
    """Every field of an object's schema by its dotted name, those of its objects too."""
    for name, field in schema.get("properties", {}).items():
        yield f"{prefix}{name}", follow(field, document)
        for choice in choices(field, document):
            if choice.get("properties"):
                yield from fields(choice, document, f"{prefix}{name}.")


def choices(schema: Schema, document: Document) -> list[Schema]:
    """A schema and all that its unions offer."""
    schema = follow(schema, document)
    found = [schema]
    for key in ("anyOf", "oneOf", "allOf"):
        for choice in schema.get(key, []):
            found += choices(choice, document)
    return found


_SAMPLES = {
    "agentId": "agt_sample",
    "to_number": "+12025550143",
    "toNumber": "+12025550143",
    "to": "+12025550143",
    "name": "sample",
    "body": "sample",
    "url": "http://127.0.0.1:9/sample",
    "kind": "submit-refused",
    "from": "2026-01-01T00:00:00Z",
}


def with_needed(schema: Schema, body: dict[str, Any]) -> dict[str, Any]:
    """`body` with a right value for each field that the schema requires, so that nothing else is wrong with it."""
    wanted = {*schema.get("required", []), "to_number", "body"} & schema["properties"].keys()
    needed = {name: _SAMPLES[name] for name in wanted if name in _SAMPLES}
    return needed | body


def nested(name: str, value: Any) -> dict[str, Any]:
    """An object in which the dotted name holds a value."""
    for part in reversed(name.split(".")):
        value = {part: value}
    found: dict[str, Any] = value
    return found
