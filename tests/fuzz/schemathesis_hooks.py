"""What Schemathesis loads for test_schemathesis.py, in a process of its own.

Without help most of its requests would end at an id that nobody has or at a text that is no telephone number, so what
is well-formed gets real ids, and real values where the schema says no more than "text"; one in eight gets an id of
nobody's, or keeps the value that was drawn. What was drawn to be wrong stays wrong: only the parts of a request that are not are touched.

`filter_failure` tells what is right although the schema can't say so, failure by failure; no check is turned off.
Of all checks only that of others' objects finds nothing to do, since it knows one caller: see test_tenants.py.
"""

import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import schemathesis
from jsonschema import Draft202012Validator
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.openapi.checks import AllowHeaderMismatch, RejectedPositiveData

from tests.fuzz.target import choices
from tests.openapi import Document, Operation, Schema, operations

_WORLD = json.loads(Path(os.environ["RINGBACK_TEST_WORLD"]).read_text())
_LASTING: dict[str, str] = _WORLD["lasting"]
_OF_HANDSETS: dict[str, str] = _WORLD["of_handsets"]
"""Ids that mean something else below `/sim`: a call there is a handset's."""
_SPARE: list[dict[str, str]] = _WORLD["spare"]
"""What may be deleted, so that what others need is still there: no two operations take the same set."""
_DOCUMENT: Document = _WORLD["document"]
_OPERATIONS: dict[str, Operation] = {one.name: one for one in operations(_DOCUMENT)}
_DELETES = [name for name, one in _OPERATIONS.items() if one.method == "DELETE"]
_CALLS = Path(os.environ["RINGBACK_TEST_CALLS"])

URL = "http://127.0.0.1:9/there"
PHONE = "+14155550104"
REAL: dict[str, Any] = {
    "agent_id": _LASTING["agent_id"],
    "agentId": _LASTING["agent_id"],
    "number_id": _LASTING["number_id"],
    "numberId": _LASTING["number_id"],
    "from_number": _LASTING["number"],
    "to": _LASTING["number"],
    "to_number": "+12025550143",
    "toNumber": "+12025550143",
    "fromNumberId": _LASTING["number_id"],
    "phone_number": PHONE,
    "phoneNumbers": PHONE,
    "transferNumber": PHONE,
    "name": "A name",
    "body": "words",
    "category": "bug",
    "q": "words",
    "note": "words",
    "email": "ann@example.com",
    "systemPrompt": "Be brief.",
    "url": URL,
    "image_url": URL,
    "media_url": f"{URL}.gif",
    "media_urls": [f"{URL}.gif"],
    "mediaUrls": [_LASTING["media_url"]],
    "country": "US",
    "areaCode": "415",
    "expiresAt": "2099-01-01T00:00:00Z",
    "before": "2099-01-01T00:00:00Z",
    "after": "2000-01-01T00:00:00Z",
    "tz": "America/New_York",
    "webhook": "project",
}
"""Values for fields and parameters of which the schema says no more than that they are texts."""
NOT_HERE = ("recipients", "group_name", "imessageType", "type", "ringback")
"""Fields that only other lines, or other versions, can do with: mostly left out."""


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Put what is real into the parts of a request that are well-formed; wait for nothing."""
    if case.query and "wait" in case.query and _is_a_wait(case.query["wait"]):
        case.query = {**case.query, "wait": 0}
    if case.meta is None or case.meta.phase.name == "stateful":
        return
    chance = zlib.crc32(repr((case.path, case.path_parameters, case.query, case.body)).encode())
    negative = case.meta.is_negative_at
    if case.query and not negative(ParameterLocation.QUERY):
        case.query = {
            name: _real(name, value, chance >> 3) for name, value in case.query.items() if value is not None
        }
    if isinstance(case.body, dict) and not negative(ParameterLocation.BODY):
        case.body = {
            name: _fresh(name, _real(name, value, chance >> 6), chance)
            for name, value in case.body.items()
            if name not in NOT_HERE or chance >> 9 & 7 == 0
        }
    if case.path_parameters and not negative(ParameterLocation.PATH):
        ids = _ids(case, chance)
        case.path_parameters = {name: ids.get(name, value) for name, value in case.path_parameters.items()}
    alone = chance >> 12 & 7 or case.operation.label not in _done
    if case.headers and alone and not negative(ParameterLocation.HEADER):
        case.headers.pop("x-sub-account-id", None)


def _is_a_wait(value: Any) -> bool:
    try:
        return 0 <= float(value) <= 60
    except (TypeError, ValueError):
        return False


def _ids(case: Case[Any], chance: int) -> dict[str, str]:
    """Ids of what is there, or else of nothing; for a DELETE of what nobody else needs, as long as there is some."""
    nobodys = dict.fromkeys(case.path_parameters, "nobody_has_this")
    _asked[case.operation.label] += case.method.upper() == case.operation.method.upper()
    if (chance & 7 == 0 and case.operation.label in _done) or _asked[case.operation.label] == 2:
        return nobodys
    if case.operation.method.upper() != "DELETE":
        return {**_LASTING, **_OF_HANDSETS} if case.operation.path.startswith("/sim/") else _LASTING
    own = _SPARE[_DELETES.index(f"DELETE {case.operation.path}") :: len(_DELETES)]
    number = _taken[case.operation.path]
    _taken[case.operation.path] += 1
    return own[number] if number < len(own) else nobodys


_done: set[str] = set()
"""Operations that did once what they are for: until then what there is is asked for, whatever chance says."""
_taken: Counter[str] = Counter()
_asked: Counter[str] = Counter()
"""How often each operation was asked with well-formed ids: chance alone may leave nobody's out."""


def _real(name: str, value: Any, chance: int) -> Any:
    return REAL[name] if name in REAL and value not in (None, [], {}) and chance & 7 else value


def _fresh(name: str, value: Any, chance: int) -> Any:
    """A number that hardly anybody had before, where there may be one of each."""
    return f"+1415555{chance % 10_000:04}" if name == "phoneNumber" and value and chance >> 15 & 7 else value


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Note what was called, and how it was answered."""
    method = str(response.request.method)
    if method == case.operation.method.upper():
        code = "" if response.status_code < 400 else response.json()["error"]["code"]
        if not code:
            _done.add(case.operation.label)
        with _CALLS.open("a") as calls:
            calls.write(f"{method} {case.operation.path}\t{response.status_code}\t{code}\n")


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether it is one."""
    if isinstance(failure, RejectedPositiveData):
        return not _beyond_the_schema(response)
    if isinstance(failure, AcceptedNegativeData):
        return not _is_right_without_what_is_not_given(case, response)
    if isinstance(failure, AllowHeaderMismatch):
        return not _could_be_an_id(failure, case)
    return True


RULES = {
    "UNSUPPORTED_CHANNEL": "what takes an iMessage-class line, which no line here is",
    "NOT_IMPLEMENTED": "what is not built yet",
    "PHONE_NUMBER_RELEASED": "for ever",
    "CONTRADICTING_SENDER": "a number that is not the agent's",
    "AGENT_HAS_NO_NUMBER": "nothing to send from",
    "NUMBER_NOT_ATTACHED": "a number that is not the agent's",
}
"""Codes of refusals for what a schema can't know."""
FIELDS = {
    **dict.fromkeys(("from", "to", "to_number", "toNumber", "from_number"), "a telephone number"),
    **dict.fromkeys(("phone_number", "phoneNumber", "transferNumber"), "a telephone number"),
    **dict.fromkeys(("phoneNumbers", "recipients"), "several of them"),
    **dict.fromkeys(
        ("url", "image_url", "avatarUrl", "media_url", "media_urls", "mediaUrls"), "a web address"
    ),
    **dict.fromkeys(
        ("name", "category", "note", "tags", "reaction", "body"), "neither empty nor longer than is said"
    ),
    "number_id": "there, or else another sender",
    "channel": "one that the phone can",
    "email": "an address",
    "country": "one that there is",
    "areaCode": "one that the country has",
    "expiresAt": "in the future",
    "say": "words",
    "metadata": "no text that can't be kept",
    "systemPrompt": "there, for a hosted agent",
    **dict.fromkeys(("before", "after"), "the id of a message here, or a place in the events that there are"),
    "types": "types that events have, and that the endpoint gets",
    "tz": "a zone that there is",
    **dict.fromkeys(("advanceTo", "advanceSeconds"), "not before the clock's time, nor far beyond"),
    "seed": "of 64 bits",
    "inventory": "countries and area codes",
    "number": "a telephone number or a part of one, and there for one that is taken back",
    "q": "words, and few of them",
    "cursor": "where a page has ended",
    "Content-Type": "a kind of media that MMS carries",
}
"""What must hold of a field beyond what the contract's schema says of it."""


def _beyond_the_schema(response: Response) -> bool:
    error = response.json()["error"]
    if response.status_code == 400:
        return error["code"] in RULES
    return all("NUL" in entry["message"] or _name(entry["field"]) in FIELDS for entry in error["details"])


def _name(field: str) -> str:
    """The last name of a dotted one, whatever the place in a list."""
    return [part for part in field.split(".") if not part.isdecimal()][-1]


def _could_be_an_id(failure: AllowHeaderMismatch, case: Case[Any]) -> bool:
    """`lookup` of `/v1/numbers/lookup` could be an id to the methods that only `/v1/numbers/{number_id}` has."""
    pattern = f"{case.operation.path.rpartition('/')[0]}/{{"
    like = {
        one.method for one in _OPERATIONS.values() if one.path.startswith(pattern) and one.path.endswith("}")
    }
    return not failure.missing_methods and set(failure.undocumented_methods) <= like


def _is_right_without_what_is_not_given(case: Case[Any], response: Response) -> bool:
    """Empty query values and nulls of a body mean "not given": without them the request must fit the schema."""
    operation = _OPERATIONS[f"{case.operation.method.upper()} {case.operation.path}"]
    url = urlsplit(str(response.request.url))
    given = dict(parse_qsl(url.query, keep_blank_values=False))
    for parameter in operation.parameters:
        if parameter["in"] == "query":
            value = given.get(parameter["name"])
            if value is None:
                if parameter.get("required"):
                    return False
            elif not any(_fits(reading, parameter["schema"]) for reading in _readings(value)):
                return False
    content = operation.spec.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None or not isinstance(response.request.body, bytes | str):
        return True
    return _fits(_without_nulls(json.loads(response.request.body), content["schema"]), content["schema"])


def _readings(text: str) -> Iterator[Any]:
    yield text
    try:
        yield json.loads(text)
    except ValueError:
        return


def _without_nulls(value: Any, schema: Schema) -> Any:
    """A value without the nulls of objects that their schemas don't take."""
    offered = choices(schema, _DOCUMENT)
    if isinstance(value, list):
        items: Schema = next((choice["items"] for choice in offered if "items" in choice), {})
        return [_without_nulls(item, items) for item in value]
    if not isinstance(value, dict):
        return value
    known: dict[str, Schema] = {}
    for choice in offered:
        known |= choice.get("properties", {})
    return {
        name: _without_nulls(item, known.get(name, {}))
        for name, item in value.items()
        if item is not None or _fits(None, known.get(name, {}))
    }


def _fits(value: Any, schema: Schema) -> bool:
    whole = {**schema, "components": _DOCUMENT.get("components", {})}
    return bool(Draft202012Validator(whole).is_valid(value))
