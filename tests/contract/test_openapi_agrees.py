"""The comparison of a generated document with the contract, on documents small enough to see through."""

import copy
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from fastapi import FastAPI, Header, Query
from pydantic import BaseModel, Field

from tests.agreement import differences
from tests.openapi import Document, contracts

pytestmark = pytest.mark.contract

THING: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "kind": {"const": "released"},
        "note": {"type": ["string", "null"]},
        "mood": {"type": ["string", "null"], "enum": ["good", "bad", None]},
        "at": {"type": "string", "format": "date-time"},
        "speed": {"type": "number"},
        "places": {"type": "array", "items": {"type": ["string", "integer"]}},
        "free": {"type": ["object", "null"], "additionalProperties": {}},
        "counts": {"type": "object", "additionalProperties": {"type": "number"}},
        "near": {"anyOf": [{"$ref": "#/components/schemas/Place"}, {"type": "null"}]},
    },
    "required": ["id", "kind", "note", "mood", "at", "speed", "places", "free", "counts", "near"],
}
CONTRACT: Document = {
    "paths": {
        "/v1/things/{thing_id}": {
            "parameters": [
                {"name": "thing_id", "in": "path", "required": True, "schema": {"type": "string"}},
                {"name": "X-Sub-Account-Id", "in": "header", "schema": {"type": "string"}},
            ],
            "post": {
                "operationId": "makeThing",
                "parameters": [
                    {
                        "name": "limit",
                        "in": "query",
                        "schema": {"type": "integer", "default": 20, "minimum": 1, "maximum": 100},
                    },
                    {
                        "name": "hours",
                        "in": "query",
                        "allowEmptyValue": True,
                        "schema": {"type": "integer", "minimum": 1},
                    },
                ],
                "requestBody": {
                    "required": False,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "name": {"type": "string"},
                                    "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
                                    "count": {
                                        "type": ["integer", "null"],
                                        "minimum": 1,
                                        "maximum": 5,
                                        "default": 3,
                                    },
                                    "code": {"type": ["string", "null"], "pattern": "^[0-9]{3}$"},
                                    "tags": {
                                        "type": ["array", "null"],
                                        "items": {"type": "string"},
                                        "maxItems": 20,
                                    },
                                },
                                "required": ["name"],
                            }
                        }
                    },
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": THING}}},
                    "default": {"content": {"application/json": {"schema": {"type": "object"}}}},
                },
            },
        }
    },
    "components": {
        "schemas": {
            "Place": {
                "type": "object",
                "properties": {"lat": {"type": "number"}},
                "required": ["lat"],
            }
        }
    },
}


class Place(BaseModel):
    lat: float
    ringback: dict[str, Any] | None = None


class Answer(BaseModel):
    id: str
    kind: Literal["released"]
    note: str | None
    mood: Literal["bad", "good"] | None
    at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    speed: int
    places: list[str | int]
    free: dict[str, Any] | None
    counts: dict[str, float]
    near: Place | None
    ringback: dict[str, Any] | None = None


class Make(BaseModel):
    name: str
    mode: Literal["a", "b"] | None = "a"
    count: Annotated[int, Field(gt=0, le=5)] | None = 3
    code: Annotated[str, Field(pattern="^[0-9]{3}$")] | None = None
    tags: Annotated[list[str], Field(max_length=20)] | None = None
    ringback: dict[str, Any] | None = None


def made() -> Document:
    """What FastAPI writes for the same thing in its own words."""
    app = FastAPI()

    @app.post(
        "/v1/things/{thing_id}",
        operation_id="makeThing",
        response_model=Answer,
        responses={422: {"model": dict[str, Any]}},
    )
    async def _make(
        thing_id: str,
        body: Make | None = None,
        limit: Annotated[int, Query(ge=1, lt=101)] = 20,
        hours: Annotated[Annotated[int, Field(ge=1)] | Literal[""] | None, Query()] = None,
        x_sub_account_id: Annotated[str | None, Header()] = None,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> None: ...

    return app.openapi()


def test_the_same_in_other_words_agrees() -> None:
    assert differences(made(), [CONTRACT]) == []
    assert differences(CONTRACT, [CONTRACT]) == []


@pytest.mark.parametrize("which", [0, 1])
def test_each_contract_agrees_with_itself(which: int) -> None:
    document = contracts()[which]
    assert differences(document, contracts(), set()) == []


def test_what_is_built_must_be_there_and_nothing_else() -> None:
    empty: Document = {"paths": {}}
    assert differences(empty, [CONTRACT]) == ["makeThing: is not in the generated document"]
    assert differences(empty, [CONTRACT], set()) == []
    assert differences(empty, [CONTRACT], {"eatThing"}) == ["eatThing: is no operation of the contract"]
    other: Document = {"paths": {"/v1/other": {"get": {"operationId": "x", "responses": {}}}}}
    assert differences(other, [CONTRACT], set()) == ["GET /v1/other: is in neither contract"]


Change = Callable[[dict[str, Any], Document], None]


def _operation(document: Document) -> dict[str, Any]:
    operation: dict[str, Any] = document["paths"]["/v1/things/{thing_id}"]["post"]
    return operation


def _asked(operation: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    return schema


def _told(operation: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return schema


CHANGES: dict[str, tuple[Change, str]] = {
    "operation id": (lambda o, d: o.update(operationId="other"), "operationId is 'other'"),
    "a parameter more": (
        lambda o, d: o["parameters"].append({"name": "q", "in": "query", "schema": {"type": "string"}}),
        "query q: is not in the contract",
    ),
    "a parameter less": (lambda o, d: o["parameters"].pop(), "query hours: is missing"),
    "a header less": (
        lambda o, d: d["paths"]["/v1/things/{thing_id}"]["parameters"].pop(),
        "header x-sub-account-id: is missing",
    ),
    "parameter required": (
        lambda o, d: o["parameters"][0].update(required=True),
        "query limit: required is True",
    ),
    "parameter bound": (
        lambda o, d: o["parameters"][0]["schema"].update(maximum=200),
        "query limit: maximum is 200, the contract says 100",
    ),
    "parameter default": (
        lambda o, d: o["parameters"][0]["schema"].pop("default"),
        "query limit: default is absent, the contract says 20",
    ),
    "parameter type": (
        lambda o, d: o["parameters"][0]["schema"].update(type="string"),
        "query limit: type is string, the contract says integer",
    ),
    "body required": (lambda o, d: o["requestBody"].update(required=True), "body: required is True"),
    "no body": (lambda o, d: o.pop("requestBody"), "body: is missing"),
    "body property more": (
        lambda o, d: _asked(o)["properties"].update(extra={}),
        "body.extra: is not in the contract",
    ),
    "body property less": (lambda o, d: _asked(o)["properties"].pop("tags"), "body.tags: is missing"),
    "body property must be given": (
        lambda o, d: _asked(o)["required"].append("mode"),
        "body.mode: may not be left out",
    ),
    "body property may be left out": (
        lambda o, d: _asked(o)["required"].clear(),
        "body.name: may be left out",
    ),
    "null refused": (
        lambda o, d: _asked(o)["properties"]["code"].update(type="string"),
        "body.code: may not be null",
    ),
    "null taken where something must be given": (
        lambda o, d: _asked(o)["properties"]["name"].update(type=["string", "null"]),
        "body.name: may be null",
    ),
    "body enum": (
        lambda o, d: _asked(o)["properties"]["mode"]["enum"].append("c"),
        'body.mode: values are ["a", "b", "c"]'.replace('"', "'"),
    ),
    "body default": (lambda o, d: _asked(o)["properties"]["mode"].update(default="b"), "body.mode: default"),
    "body bound": (
        lambda o, d: _asked(o)["properties"]["count"].update(exclusiveMinimum=1, minimum=-9),
        "body.count: minimum is 2",
    ),
    "body pattern": (
        lambda o, d: _asked(o)["properties"]["code"].pop("pattern"),
        "body.code: pattern is absent",
    ),
    "body length": (
        lambda o, d: _asked(o)["properties"]["tags"].update(maxItems=21),
        "body.tags: maxItems is 21",
    ),
    "body items": (
        lambda o, d: _asked(o)["properties"]["tags"]["items"].update(type="integer"),
        "body.tags[]: type is integer",
    ),
    "body closed": (lambda o, d: _asked(o).update(additionalProperties=False), "body: closed is true"),
    "another status": (
        lambda o, d: o["responses"].update({"201": o["responses"].pop("200")}),
        "201: is not in the contract",
    ),
    "another media type": (
        lambda o, d: o["responses"]["200"].update(content={"text/plain": {}}),
        "200: content type is ['text/plain']",
    ),
    "answer property more": (
        lambda o, d: _told(o)["properties"].update(secret={"type": "string"}),
        "200.secret: is not in the contract",
    ),
    "answer property less": (lambda o, d: _told(o)["properties"].pop("note"), "200.note: is missing"),
    "answer property not always": (
        lambda o, d: _told(o)["required"].remove("note"),
        "200.note: may be left out",
    ),
    "answer null": (
        lambda o, d: _told(o)["properties"]["id"].update(type=["string", "null"]),
        "200.id: may be null, the contract says never",
    ),
    "answer type": (
        lambda o, d: _told(o)["properties"]["speed"].update(type="string"),
        "200.speed: type is string, the contract says number",
    ),
    "answer free where the contract lists": (
        lambda o, d: _told(o)["properties"]["mood"].pop("enum"),
        "200.mood: values are free",
    ),
    "answer format": (lambda o, d: _told(o)["properties"]["at"].pop("format"), "200.at: format is absent"),
    "answer list": (
        lambda o, d: _told(o)["properties"]["places"].update(items={"type": ["string", "boolean"]}),
        "200.places[]: type is boolean|string",
    ),
    "answer map": (
        lambda o, d: _told(o)["properties"]["counts"].update(additionalProperties={"type": "string"}),
        "200.counts.*: type is string",
    ),
    "answer behind a reference": (
        lambda o, d: d["components"]["schemas"]["Place"]["properties"].update(lon={"type": "number"}),
        "200.near.lon: is not in the contract",
    ),
    "an alternative more": (
        lambda o, d: _told(o)["properties"]["near"]["anyOf"].append({"type": "string"}),
        "200.near: is one of",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_each_difference_is_told(case: str) -> None:
    change, expected = CHANGES[case]
    document = copy.deepcopy(CONTRACT)
    change(_operation(document), document)
    lines = differences(document, [CONTRACT])
    assert any(expected in line for line in lines), lines
    assert all(line.startswith("POST /v1/things/{thing_id}: ") for line in lines)


def test_a_bound_that_no_client_meets_is_no_difference() -> None:
    document = copy.deepcopy(CONTRACT)
    schema = _operation(document)["parameters"][1]["schema"]
    schema["maximum"] = 2**31 - 1
    assert differences(document, [CONTRACT]) == []
    schema["maximum"] = 10_000
    assert differences(document, [CONTRACT]) != []


NARROWER: dict[str, Change] = {
    "never null": lambda o, d: _told(o)["properties"]["note"].update(type="string"),
    "fewer values": lambda o, d: _told(o)["properties"]["mood"].update(enum=["good"]),
    "values where any were allowed": lambda o, d: _told(o)["properties"]["id"].update(enum=["x"]),
    "an integer where a number is": lambda o, d: _told(o)["properties"]["speed"].update(type="integer"),
    "one type of two": lambda o, d: _told(o)["properties"]["places"].update(items={"type": "string"}),
}


@pytest.mark.parametrize("case", NARROWER)
def test_an_answer_may_promise_more(case: str) -> None:
    document = copy.deepcopy(CONTRACT)
    NARROWER[case](_operation(document), document)
    assert differences(document, [CONTRACT]) == []


def test_fastapis_own_422_is_told() -> None:
    app = FastAPI()

    @app.get("/healthz", operation_id="healthz")
    async def _healthz(extra: int = 0) -> dict[str, str]:
        return {}

    lines = differences(app.openapi(), contracts(), {"healthz"})
    assert "GET /healthz: query extra: is not in the contract" in lines
    assert "GET /healthz: 200.status: is missing" in lines
    assert any(line.startswith("GET /healthz: 422.error: is missing") for line in lines)
