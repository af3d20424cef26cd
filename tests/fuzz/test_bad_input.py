"""Bodies and values that are wrong in every way, at every operation that the server's own document lists.

Whatever is sent: never a 5xx, a refusal has the common envelope and names its field, and it changes nothing.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.fuzz.target import Target, body_schema, choices, fields, nested, with_needed
from tests.openapi import Document, Operation, Schema

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(300)]

HUGE = 10**30
VALUES: tuple[Any, ...] = (
    True, False, 0, 1, -1, 1.5, HUGE, -HUGE, 1e308, "", " ", "x", "1", "true", "null", [], {}, [None], [[]], [{}],
    {"a": 1}, ["x", 1], {"": {}}, "\u202e", "🎉" * 3, "é" * 300, "x" * 200_000, ["x"] * 1_000,
)  # fmt: skip
UNSTORABLE = ('"a\\u0000b"', '"\\ud800"', '"a\\udfffb"', '["\\u0000"]', '{"\\u0000": 1}', '{"a": "\\ud800"}')
NOT_JSON = (
    b"{", b"}", b"{]", b'{"a":1,}', b"{'a':1}", b'{"a":1}{"b":2}', b"NaN", b'{"a":NaN}', b'{"a":-Infinity}',
    b"\xff\xfe{}", b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b"\x00", b"{}\x00", b'{"a":"\x01"}', b"nul", b"+1",
    b"[" * 100_000, b'{"a":' * 20_000, b"[" * 50_000 + b"]" * 50_000, b'{"a":' * 9_000 + b"1" + b"}" * 9_000,
    b"9" * 100_000, b'{"a":' + b"9" * 5_000 + b"}", "{}".encode("utf-16"), b"a=1&b=2", b"--x\r\n\r\n--x--",
)  # fmt: skip
NO_OBJECT = (b"[]", b'"x"', b"1", b"true", b"[{}]", b"1e999", b"-0")


def taking_bodies(target: Target) -> Iterator[tuple[Operation, Schema]]:
    """The operations that take a JSON object, and its schema."""
    for operation in target.operations:
        schema = body_schema(operation)
        if schema is not None:
            yield operation, schema


def _fits(value: Any, schema: Schema, document: Document) -> bool:
    validator = Draft202012Validator({**schema, "components": document.get("components", {})})
    return bool(validator.is_valid(value))


def test_text_that_is_no_json(target: Target) -> None:
    before = target.state()
    problems = [
        f"{operation.name} {raw[:30]!r}: {problem}"
        for operation, _ in taking_bodies(target)
        for raw in NOT_JSON
        if (problem := target.ask(operation.method, target.path(operation), raw=raw).problem(422))
    ]
    assert not problems, "\n".join(problems)
    assert target.state() == before


def test_json_that_is_no_object(target: Target) -> None:
    before = target.state()
    problems = [
        f"{operation.name} {raw!r}: {problem}"
        for operation, _ in taking_bodies(target)
        for raw in NO_OBJECT
        if (problem := target.ask(operation.method, target.path(operation), raw=raw).problem(422))
    ]
    assert not problems, "\n".join(problems)
    assert target.state() == before


def test_wrong_type_of_every_field(target: Target) -> None:
    before, problems, tried = target.state(), [], 0
    for operation, schema in taking_bodies(target):
        for name, field in fields(schema, target.document):
            for value in VALUES:
                if value is None or _fits(value, field, target.document):
                    continue
                tried += 1
                said = target.ask(operation.method, target.path(operation), nested(name, value))
                problem = said.problem(422, field=name)
                if problem:
                    problems.append(f"{operation.name} {name}={str(value)[:30]!r}: {problem}")
    assert not problems, "\n".join(problems)
    assert tried > 1_000
    assert target.state() == before


def test_text_that_no_store_can_hold(target: Target) -> None:
    before, problems = target.state(), []
    for operation, schema in taking_bodies(target):
        for name, field in fields(schema, target.document):
            for text in UNSTORABLE:
                if text[0] == "{" and any(
                    choice.get("properties") for choice in choices(field, target.document)
                ):
                    continue  # unknown names are ignored
                body = with_needed(schema, nested(name, "?"))
                raw = json.dumps(body).replace('"?"', text).encode()
                said = target.ask(operation.method, target.path(operation), raw=raw)
                problem = said.problem(422, field=name) if said.status == 422 else said.problem(400, 404)
                if problem:
                    problems.append(f"{operation.name} {name}={text}: {problem}")
    assert not problems, "\n".join(problems)
    assert target.state() == before


def test_values_that_fit_but_are_extreme(target: Target) -> None:
    """What the schema takes may be refused by a rule, and may be taken; it never breaks anything."""
    problems = []
    for operation, schema in taking_bodies(target):
        if operation.path == "/sim/v1/clock":
            continue
        for name, field in fields(schema, target.document):
            for value in VALUES:
                if not _fits(value, field, target.document):
                    continue
                said = target.ask(operation.method, target.path(operation), nested(name, value))
                if said.status >= 500 or (said.status >= 400 and said.problem(400, 403, 404, 409, 422)):
                    problems.append(f"{operation.name} {name}={str(value)[:30]!r}: {said}"[:400])
    assert not problems, "\n".join(problems)


def test_query_values(target: Target) -> None:
    values = (
        "x", "-1", "0", "1.5", "9" * 40, "-" + "9" * 40, "NaN", "1e3", "%20", "%00", "%ff", "%ed%a0%80", "null",
        "2026-13-01T00:00:00Z", "2026-02-30", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "%2B", "a&a",
        "msg_nobody", "x" * 5_000,
    )  # fmt: skip
    before, problems = target.state(), []
    for operation in target.operations:
        if operation.method != "GET" or operation.path.endswith("/events"):
            continue
        for parameter in operation.parameters:
            if parameter["in"] != "query" or parameter["name"] == "wait":
                continue
            needed = "".join(
                f"{other['name']}=sample&"
                for other in operation.parameters
                if other["in"] == "query" and other.get("required") and other != parameter
            )
            for value in values:
                said = target.ask("GET", f"{target.path(operation)}?{needed}{parameter['name']}={value}")
                if said.status != 200 and (problem := said.problem(422, 404, 400)):
                    problems.append(f"{operation.name}?{parameter['name']}={value[:30]}: {problem}")
                named = None if value == "%00" else parameter["name"]
                if said.status == 422 and (problem := said.problem(422, field=named)):
                    problems.append(f"{operation.name}?{parameter['name']}={value[:30]}: {problem}")
    assert not problems, "\n".join(problems)
    assert target.state() == before


def test_bodies_by_chance(target: Target) -> None:
    chance = random.Random(20_260_726)
    atoms = (None, *VALUES)

    def value(depth: int) -> Any:
        kind = chance.random()
        if depth and kind < 0.2:
            return [value(depth - 1) for _ in range(chance.randrange(4))]
        if depth and kind < 0.4:
            return {chance.choice(("a", "", "id", "é")): value(depth - 1) for _ in range(chance.randrange(4))}
        return chance.choice(atoms)

    problems = []
    for operation, schema in taking_bodies(target):
        names = [name for name, _ in fields(schema, target.document) if "." not in name]
        for _ in range(40):
            body = {name: value(3) for name in chance.sample(names, chance.randint(1, len(names)))}
            said = target.ask(operation.method, target.path(operation), body)
            if said.status >= 500:
                problems.append(f"{operation.name} {json.dumps(body)[:300]}: {said}")
    assert not problems, "\n".join(problems)


def test_wrong_content_types(target: Target) -> None:
    """JSON under another name is taken or refused, never misread; the vendor's clients send none at times."""
    before, problems = target.state(), []
    for operation, _ in taking_bodies(target):
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/xml",
            "x",
            "",
        ):
            said = target.ask(
                operation.method, target.path(operation), raw=b"a=1&b=2", headers={"Content-Type": kind}
            )
            if problem := said.problem(422, 415):
                problems.append(f"{operation.name} {kind!r}: {problem}")
    assert not problems, "\n".join(problems)
    assert target.state() == before


def test_bodies_at_and_over_the_limit(target: Target) -> None:
    limit = target.ringback.settings.max_body_bytes
    fits = b'{"name":"' + b"x" * (limit - 11) + b'"}'
    assert len(fits) == limit
    before, problems = target.state(), []
    for operation, schema in taking_bodies(target):
        if "name" not in schema["properties"]:
            continue
        path = target.path(operation)
        if problem := target.ask(operation.method, path, raw=fits).problem(400, 404, 422):
            problems.append(f"{operation.name}: {problem}")
        if problem := target.ask(operation.method, path, raw=fits + b" ").problem(413):
            problems.append(f"{operation.name} over the limit: {problem}")
    assert not problems, "\n".join(problems)
    assert target.state() == before
