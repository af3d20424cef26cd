"""Everything that a request may hold has an end: texts, parameters, ids, headers. And what JSON calls an integer is one."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from ringback.doors.rest.guard import MAX_QUERY_VALUE
from ringback.doors.rest.json_body import _LISTS
from tests.fuzz.target import Said, Target, body_schema, choices, fields, nested, with_needed
from tests.openapi import Document, Operation, Schema

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(180)]

TOO_LONG = "x" * 100_001
"""One more than the longest field takes, an agent's prompt."""
EVIL = "a\r\nX-Evil: 1\r\n\r\n<b>"


def _bodies(target: Target) -> Iterator[tuple[Operation, Schema, str, Schema]]:
    """Every field of every JSON object that an operation takes: the object's schema, the field's name and schema."""
    for operation in target.operations:
        schema = body_schema(operation)
        if schema is not None:
            for name, field in fields(schema, target.document):
                yield operation, schema, name, field


def _takes(field: Schema, kind: str, document: Document) -> bool:
    return any(choice.get("type") == kind and "enum" not in choice for choice in choices(field, document))


def _texts(field: Schema, document: Document) -> Iterator[Any]:
    """What makes a text of a field too long."""
    if _takes(field, "string", document):
        yield TOO_LONG
    for choice in choices(field, document):
        if "items" in choice and _takes(choice["items"], "string", document):
            yield [TOO_LONG]


def test_every_text_in_a_body_has_an_end(target: Target) -> None:
    before, problems, tried = target.state(), [], 0
    for operation, schema, name, field in _bodies(target):
        for value in _texts(field, target.document):
            tried += 1
            said = target.ask(
                operation.method, target.path(operation), with_needed(schema, nested(name, value))
            )
            if problem := said.problem(422, field=name):
                problems.append(f"{operation.name} {name}: {problem}")
            if len(said.content) > 5_000:
                problems.append(f"{operation.name} {name}: {len(said.content)} bytes of answer")
    assert not problems, "\n".join(problems)
    assert tried > 60
    assert target.state() == before


def test_every_parameter_has_an_end(target: Target) -> None:
    before, problems = target.state(), []
    for operation in target.operations:
        if operation.path.endswith("/events"):
            continue
        body: Any = {} if operation.method in ("POST", "PATCH", "PUT") else None
        for parameter in operation.parameters:
            where, name = parameter["in"], parameter["name"]
            if where == "query":
                value = "1" * (MAX_QUERY_VALUE + 1)
                said = target.ask(operation.method, f"{target.path(operation)}?{name}={value}", body)
                problem = said.problem(422, field=name)
            elif where == "path":
                path = target.path(operation, {name: "x" * 100_000})
                problem = target.ask(operation.method, path, body).problem(414)
            else:
                said = target.ask(
                    operation.method, target.path(operation), body, headers={name: "x" * 20_000}
                )
                problem = said.problem(404, 422)
            if problem:
                problems.append(f"{operation.name} {where} {name}: {problem}")
    assert not problems, "\n".join(problems)
    assert target.state() == before


def test_a_long_query_of_short_values_is_taken(target: Target) -> None:
    assert target.ask("GET", "/v1/agents?" + "&".join(f"unknown{n}=1" for n in range(200))).status == 200
    value = quote("é" * 200)
    assert len(value) > MAX_QUERY_VALUE
    assert target.ask("GET", f"/v1/agents?unknown={value}").status == 200


def test_a_number_without_fraction_is_an_integer(target: Target) -> None:
    """However it is spelled. What has a fraction, and `true` and `"1"`, is none: `test_wrong_type_of_every_field`."""
    problems, taken = [], 0
    for operation, schema, name, field in _bodies(target):
        integers = [choice for choice in choices(field, target.document) if choice.get("type") == "integer"]
        if not integers:
            continue
        number = int(max(integers[0].get("minimum", 1), 1))
        body = json.dumps(with_needed(schema, nested(name, "?")))
        said = [
            target.ask(operation.method, target.path(operation), raw=body.replace('"?"', spelled).encode())
            for spelled in (f"{number}", f"{number}.0", f"{number}e0", f"{number * 10}E-1")
        ]
        taken += said[0].status == 200
        if {one.status for one in said} != {said[0].status}:
            problems.append(f"{operation.name} {name}: {said}")
    assert not problems, "\n".join(problems)
    assert taken > 4


def test_integers_inside_objects(target: Target) -> None:
    said = target.ask("PATCH", "/sim/v1/network", raw=b'{"inventory": {"US-415": 3.0}, "seed": 7e0}')
    assert (said.json["inventory"], said.json["seed"]) == ({"US-415": 3}, 7)
    refused = target.ask("PATCH", "/sim/v1/network", {"inventory": {"US-415": 3.5}})
    assert refused.problem(422, field="inventory") is None


def _queries(target: Target) -> Iterator[tuple[Operation, str, Schema]]:
    """Every parameter of every operation's query: its name and schema."""
    for operation in target.operations:
        for parameter in operation.parameters:
            if parameter["in"] == "query":
                yield operation, parameter["name"], parameter["schema"]


def test_every_integer_of_a_query_is_written_in_digits(target: Target) -> None:
    problems, tried = [], 0
    for operation, name, schema in _queries(target):
        if not _takes(schema, "integer", target.document):
            continue
        tried += 1
        for typed in ("1_0", "%2B1", "+1", "1+", "1.0", "%EF%BC%91", "%D9%A1"):
            said = target.ask(operation.method, f"{target.path(operation)}?{name}={typed}")
            if problem := said.problem(422, field=name):
                problems.append(f"{operation.name} {name}={typed}: {problem}")
    assert not problems, "\n".join(problems)
    assert tried > 20


def test_every_value_of_a_query_is_given_once(target: Target) -> None:
    problems, tried = [], 0
    for operation, name, _ in _queries(target):
        tried += 1
        said = target.ask(operation.method, f"{target.path(operation)}?{name}=1&{name}=1")
        problem = said.problem(422, field=name)
        if problem is None and name not in _LISTS and "once" not in said.json["error"]["message"]:
            problem = f"says {said.json}"
        if problem:
            problems.append(f"{operation.name} {name}: {problem}")
    assert not problems, "\n".join(problems)
    assert tried > 40


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Authorization", ("Bearer {key}", "Bearer {key}")),
        ("Authorization", ("Bearer {key}", "Bearer sk_live_another")),
        ("Idempotency-Key", ("once", "once")),
        ("Idempotency-Key", ("once", "twice")),
        ("X-Sub-Account-Id", ("{sub}", "sub_another")),
        ("Content-Type", ("application/json", "text/plain")),
        ("Content-Encoding", ("gzip", "identity")),
        ("Last-Event-Id", ("1", "2")),
        ("Host", ("localhost", "localhost")),
        ("Host", ("localhost", "evil.example")),
        ("Host", ()),
    ],
)
def test_a_header_that_stands_twice(target: Target, name: str, values: tuple[str, ...]) -> None:
    """One reader takes the first and another the last: it is nobody's to choose."""
    before = target.state()
    sent = {"Host": ["localhost"], "Authorization": [f"Bearer {target.key}"]} | {
        name: [value.format(key=target.key, sub=target.ids["sub_account_id"]) for value in values]
    }
    said = ask_with_headers(target, "POST", "/v1/agents", sent)
    if name == "Host":
        assert said.problem(400) is None, said
    else:
        assert said.problem(422, field=name) is None, said
    assert target.state() == before


def ask_with_headers(target: Target, method: str, path: str, headers: dict[str, list[str]]) -> Said:
    """A request with exactly these headers, each as often as it has values, and an agent to make."""
    parts = urlsplit(target.ringback.base_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, values in headers.items():
            for value in values:
                connection.putheader(name, value)
        connection.putheader("Content-Length", "14")
        connection.endheaders(b'{"name":"Ada"}')
        answer = connection.getresponse()
        return Said(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


def test_no_line_break_gets_into_an_answers_headers(target: Target) -> None:
    problems, tried = [], 0

    def look(what: str, said: Said) -> None:
        nonlocal tried
        tried += 1
        if "x-evil" in said.headers or any("\n" in value or "\r" in value for value in said.headers.values()):
            problems.append(f"{what}: {said}")

    for operation, schema, name, field in _bodies(target):
        if _takes(field, "string", target.document):
            body = with_needed(schema, nested(name, EVIL))
            look(f"{operation.name} {name}", target.ask(operation.method, target.path(operation), body))
    for operation in target.operations:
        if operation.path.endswith("/events"):
            continue
        for parameter in operation.parameters:
            if parameter["in"] == "path":
                path = target.path(operation, {parameter["name"]: quote(EVIL, safe="")})
                look(f"{operation.name} {path}", target.ask(operation.method, path))
            elif parameter["in"] == "query":
                path = f"{target.path(operation)}?{parameter['name']}={quote(EVIL, safe='')}"
                look(f"{operation.name} {path}", target.ask(operation.method, path))
    assert not problems, "\n".join(problems)
    assert tried > 100


def test_json_nested_deep_names_the_field_that_is(target: Target) -> None:
    """Whether Python could read it or not."""
    before = target.state()
    for deep in (100, 50_000):
        raw = b'{"name": "a", "metadata": ' + b"[" * deep + b"]" * deep + b"}"
        for operation in (each for each in target.operations if body_schema(each) is not None):
            said = target.ask(operation.method, target.path(operation), raw=raw)
            assert not said.problem(422, field="metadata"), operation.name
    assert target.state() == before
