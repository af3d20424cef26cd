"""Whether the OpenAPI document that the server generates says what the contract says.

Two schemas that say one thing in two ways (`anyOf` with null, `const`, an exclusive bound of an integer) are brought
into one form first. Then requests must be equal, and answers may promise more than the contract, never less:

- a request takes what the contract lists, with its bounds and defaults; that it also takes null for what may be left
  out is no difference, since a null there means "not given";
- an answer has the contract's properties, each required one required, each value within the contract's types.

`ringback`, titles and descriptions are not compared, nor is the header `Idempotency-Key`, which every POST takes.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.openapi import Document, Operation, Schema, follow, operations

_KEPT = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format")
_JSON_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
# A store's integers end somewhere; a bound that no client meets is no difference.
_BEYOND_USE = 2**31 - 1
_OUR_HEADERS = {"idempotency-key", "authorization"}


def differences(
    generated: Document, contract: Sequence[Document], built: set[str] | None = None
) -> list[str]:
    """Each difference as one line, in the order of the generated document; none means agreement.

    `built` names the operations that the generated document must have; None stands for all of the contract.
    """
    known = {operation.name: operation for document in contract for operation in operations(document)}
    ids = {operation.id for operation in known.values()}
    found: list[str] = []
    seen: set[str] = set()
    for operation in operations(generated):
        expected = known.get(operation.name)
        if expected is not None:
            seen.add(expected.id)
            found += [f"{operation.name}: {line}" for line in _operation(operation, expected)]
        elif not (operation.method == "HEAD" and f"GET {operation.path}" in known):
            found.append(f"{operation.name}: is in neither contract")
    wanted = ids if built is None else built
    found += [f"{id_}: is no operation of the contract" for id_ in sorted(wanted - ids)]
    found += [f"{id_}: is not in the generated document" for id_ in sorted((wanted & ids) - seen)]
    return found


def _operation(ours: Operation, theirs: Operation) -> Iterator[str]:
    if ours.id != theirs.id:
        yield f"operationId is {ours.id!r}, the contract says {theirs.id!r}"
    yield from _parameters(ours, theirs)
    yield from _body(ours, theirs)
    yield from _responses(ours, theirs)


def _parameters(ours: Operation, theirs: Operation) -> Iterator[str]:
    mine, wanted = _by_place(ours), _by_place(theirs)
    for place in sorted(mine.keys() - wanted.keys()):
        if place not in {("header", name) for name in _OUR_HEADERS}:
            yield f"{' '.join(place)}: is not in the contract"
    for place in sorted(wanted.keys() - mine.keys()):
        yield f"{' '.join(place)}: is missing"
    for place in sorted(mine.keys() & wanted.keys()):
        where, one, other = " ".join(place), mine[place], wanted[place]
        if bool(one.get("required")) != bool(other.get("required")):
            yield f"{where}: required is {bool(one.get('required'))}"
        own = normal(one.get("schema", {}), ours.document)
        if other.get("allowEmptyValue"):
            own = _without_empty(own)
        schema = normal(other.get("schema", {}), theirs.document)
        yield from _Comparison(answer=False).compare(_given(own), _given(schema), where)


def _by_place(operation: Operation) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (parameter["in"], parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]): (
            parameter
        )
        for parameter in operation.parameters
    }


def _body(ours: Operation, theirs: Operation) -> Iterator[str]:
    mine = follow(ours.spec.get("requestBody") or {}, ours.document)
    wanted = follow(theirs.spec.get("requestBody") or {}, theirs.document)
    schema = normal(_json_schema(wanted), theirs.document)
    if not mine:
        if wanted and (wanted.get("required") or schema.get("properties")):
            yield "body: is missing"
        return
    if not wanted:
        yield "body: is not in the contract"
        return
    if bool(mine.get("required")) != bool(wanted.get("required")):
        yield f"body: required is {bool(mine.get('required'))}"
    own = normal(_json_schema(mine), ours.document)
    if not mine.get("required"):
        own = _given(own)
    yield from _Comparison(answer=False).compare(own, schema, "body")


def _responses(ours: Operation, theirs: Operation) -> Iterator[str]:
    mine, wanted = ours.spec["responses"], theirs.spec["responses"]
    for status in sorted(status for status in wanted if status.startswith("2") and status not in mine):
        yield f"{status}: is missing"
    for status, written in mine.items():
        other = wanted.get(status) or (None if status.startswith(("2", "3")) else wanted.get("default"))
        if other is None:
            yield f"{status}: is not in the contract"
            continue
        own_content = follow(written, ours.document).get("content") or {}
        content = follow(other, theirs.document).get("content") or {}
        if sorted(own_content) != sorted(content):
            yield f"{status}: content type is {sorted(own_content)}, the contract says {sorted(content)}"
        elif "application/json" in content:
            own = normal(own_content["application/json"].get("schema", {}), ours.document)
            schema = normal(content["application/json"].get("schema", {}), theirs.document)
            yield from _Comparison(answer=True).compare(own, schema, status)


def _json_schema(body: dict[str, Any]) -> Schema:
    schema: Schema = (body.get("content") or {}).get("application/json", {}).get("schema", {})
    return schema


# --- one form for what can be said in several ways


def normal(schema: Schema, document: Document, trail: tuple[str, ...] = ()) -> Schema:
    """The schema in one form: `types`, `nullable`, `enum`, inclusive bounds, `items`, `properties`, `map`, `anyOf`."""
    reference = schema.get("$ref")
    if reference is not None:
        if reference in trail:
            return {"recursive": reference.rsplit("/", 1)[-1]}
        trail = (*trail, reference)
        schema = follow(schema, document)
    parts = schema.get("allOf", [])
    if len(parts) == 1:
        schema = {**parts[0], **{key: value for key, value in schema.items() if key != "allOf"}}
        return normal(schema, document, trail)
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives is None:
        return _plain(schema, document, trail)
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
    branches = [normal(part, document, trail) for part in alternatives]
    nullable = any(branch.get("nullable") or branch.get("types") == [] for branch in branches)
    branches = [
        {key: value for key, value in branch.items() if key != "nullable"}
        for branch in branches
        if branch.get("types") != []
    ]
    if len(branches) == 1:
        result = {**branches[0], **_plain(rest, document, trail)}
    else:
        result = {"anyOf": sorted(branches, key=_text), **_plain(rest, document, trail)}
    if nullable:
        result["nullable"] = True
    return result


def _plain(schema: Schema, document: Document, trail: tuple[str, ...]) -> Schema:
    result: Schema = {key: schema[key] for key in _KEPT if key in schema}
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else list(types)
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is not None:
        types = types or [_JSON_NAMES.get(type(value), "null") for value in values]
        result["enum"] = sorted((value for value in values if value is not None), key=_text)
    if types:
        result["types"] = sorted(set(types) - {"null"})
        if "null" in types or (values is not None and None in values):
            result["nullable"] = True
    if schema.get("default") is not None:
        result["default"] = schema["default"]
    _bounds(schema, result)
    if "items" in schema:
        result["items"] = normal(schema["items"], document, trail)
    if "properties" in schema or "object" in types:
        _members(schema, document, trail, result)
    return result


def _bounds(schema: Schema, result: Schema) -> None:
    whole = result.get("types") == ["integer"]
    for key, bound, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        if key in schema:
            result[bound if whole else key] = schema[key] + step if whole else schema[key]


def _members(schema: Schema, document: Document, trail: tuple[str, ...], result: Schema) -> None:
    named = {name: part for name, part in schema.get("properties", {}).items() if name != "ringback"}
    if named:
        result["properties"] = {name: normal(part, document, trail) for name, part in named.items()}
        result["required"] = sorted(set(schema.get("required", [])) - {"ringback"})
    others = schema.get("additionalProperties")
    if others is False:
        result["closed"] = True
    elif isinstance(others, dict) and others:
        result["map"] = normal(others, document, trail)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _given(schema: Schema) -> Schema:
    """What may be left out, when it isn't: null is a way of leaving out."""
    return {key: value for key, value in schema.items() if key != "nullable"}


def _without_empty(schema: Schema) -> Schema:
    """Without the alternative of an empty string, which stands for "not given" as well."""
    branches = [
        branch
        for branch in schema.get("anyOf", [])
        if branch.get("enum") != [""] and branch.get("maxLength") != 0
    ]
    if not branches or len(branches) == len(schema["anyOf"]):
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**branches[0], **rest} if len(branches) == 1 else {**rest, "anyOf": branches}


# --- the comparison


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Of an answer, which may be narrower than the contract, or of a request, which must be the same."""

    answer: bool

    def compare(self, ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
        """A line for each difference of two schemas in normal form."""
        if "anyOf" in theirs or "anyOf" in ours:
            yield from self._alternatives(ours, theirs, where)
            return
        yield from self._types(ours, theirs, where)
        yield from self._enum(ours, theirs, where)
        yield from self._rules(ours, theirs, where)
        if "properties" in theirs or "properties" in ours:
            yield from self._properties(ours, theirs, where)
        for key, name in (("items", "[]"), ("map", ".*")):
            if key in theirs or (key in ours and not self.answer):
                yield from self.compare(ours.get(key, {}), theirs.get(key, {}), where + name)

    def _types(self, ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
        mine, wanted = ours.get("types"), theirs.get("types")
        allowed = set(wanted or ()) | ({"integer"} if self.answer and "number" in (wanted or ()) else set())
        fits = wanted is None or (mine is not None and set(mine) <= allowed)
        if not fits or (not self.answer and mine != wanted):
            yield f"{where}: type is {_types(mine)}, the contract says {_types(wanted)}"
        if wanted is None:
            return
        if ours.get("nullable") and not theirs.get("nullable"):
            yield f"{where}: may be null, the contract says never"
        if theirs.get("nullable") and not ours.get("nullable") and not self.answer:
            yield f"{where}: may not be null, the contract says it may"

    def _enum(self, ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
        mine, wanted = ours.get("enum"), theirs.get("enum")
        if mine == wanted or (self.answer and wanted is None):
            return
        if self.answer and mine is not None and all(value in (wanted or ()) for value in mine):
            return
        yield f"{where}: values are {mine or 'free'}, the contract says {wanted or 'free'}"

    def _rules(self, ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
        keys = (
            ("format",)
            if self.answer
            else (*_KEPT, "exclusiveMinimum", "exclusiveMaximum", "default", "closed")
        )
        for key in keys:
            mine, wanted = ours.get(key), theirs.get(key)
            if key == "maximum" and wanted is None and mine is not None and mine >= _BEYOND_USE:
                continue
            if mine != wanted and not (self.answer and wanted is None):
                yield f"{where}: {key} is {_told(mine)}, the contract says {_told(wanted)}"

    def _properties(self, ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
        mine, wanted = ours.get("properties", {}), theirs.get("properties", {})
        required, must = set(ours.get("required", ())), set(theirs.get("required", ()))
        if wanted or not self.answer:
            for name in sorted(mine.keys() - wanted.keys()):
                yield f"{where}.{name}: is not in the contract"
        for name in sorted(wanted.keys() - mine.keys()):
            yield f"{where}.{name}: is missing"
        for name in sorted(mine.keys() & wanted.keys()):
            if name in must - required:
                yield f"{where}.{name}: may be left out, the contract says it may not"
            if not self.answer and name in required - must:
                yield f"{where}.{name}: may not be left out, the contract says it may"
            own = mine[name]
            if not self.answer and name not in must and not wanted[name].get("nullable"):
                own = _given(own)
            yield from self.compare(own, wanted[name], f"{where}.{name}")

    def _alternatives(self, ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
        mine, wanted = _branches(ours), _branches(theirs)
        if ours.get("nullable") and not theirs.get("nullable"):
            yield f"{where}: may be null, the contract says never"
        if theirs.get("nullable") and not ours.get("nullable") and not self.answer:
            yield f"{where}: may not be null, the contract says it may"
        unmatched = [branch for branch in mine if not any(self._fits(branch, other) for other in wanted)]
        unserved = [other for other in wanted if not any(self._fits(branch, other) for branch in mine)]
        if unmatched or (unserved and not self.answer):
            yield f"{where}: is one of {_told(mine)}, the contract says one of {_told(wanted)}"
        if not self.answer and ours.get("default") != theirs.get("default"):
            yield f"{where}: default is {_told(ours.get('default'))}, the contract says {_told(theirs.get('default'))}"

    def _fits(self, ours: Schema, theirs: Schema) -> bool:
        return not list(self.compare(ours, theirs, ""))


def _branches(schema: Schema) -> list[Schema]:
    """The alternatives of a schema; a list of types is one for each."""
    parts = schema.get("anyOf") or [
        {key: value for key, value in schema.items() if key not in ("nullable", "default")}
    ]
    spread: list[Schema] = []
    for part in parts:
        types = part.get("types") or []
        spread += [{**part, "types": [name]} for name in types] if len(types) > 1 else [part]
    return spread


def _types(names: list[str] | None) -> str:
    return "free" if names is None else "|".join(names) or "null"


def _told(value: Any) -> str:
    return "absent" if value is None else _text(value)
