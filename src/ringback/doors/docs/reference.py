"""The API reference as one page of Markdown, made of the OpenAPI document of what this server has built; its words are those
of the contract where the server has none."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ringback.doors.docs.meanings import HELD, TAKEN
from ringback.doors.docs.shelf import anchor

INDEX = "index"
"""The anchor of the list of all operations."""
_METHODS = ("get", "post", "put", "patch", "delete")
_DEPTH = 2
"""How deep the fields of a body are told; deeper ones are named by their kind."""


Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Words:
    """What the contract says of one operation: of itself, and of its parameters and fields by their name."""

    told: str = ""
    takes: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)


def reference(document: Document, contract: Iterable[Document] = ()) -> str:
    """An index of the operations, and each under its tag with parameters, body and answer. `contract` are documents with words
    for what has none in `document`."""
    known = {
        (method, path): _words(of, operation)
        for of in contract
        for method, path, operation in _operations(of)
    }
    by_tag: dict[str, list[str]] = {}
    index: dict[str, list[str]] = {}
    for method, path, operation in _operations(document):
        tag = _spelled((operation.get("tags") or ["other"])[0])
        words = known.get((method, path), _Words())
        name = f"{method.upper()} {path}"
        told = words.told or _told(operation)
        index.setdefault(tag, []).append(f"  - [`{name}`](#{anchor(name)}): {_first(told)}")
        by_tag.setdefault(tag, []).append("\n".join(_operation(document, name, operation, words)))
    head = (
        "# API reference\n\nEvery operation of this server; what must be given has a star. A request carries"
        " `Authorization: Bearer sk_live_...`, and `X-Sub-Account-Id` to act for [a sub-account](/docs/sub-accounts.md);"
        " refusals are told in [errors.md](/docs/errors.md), lists in [paging.md](/docs/paging.md). The document itself is"
        " [openapi.yaml](/docs/openapi.yaml) with [ringback.yaml](/docs/ringback.yaml), and `/openapi.json` with a key.\n"
    )
    listed = "\n".join(f"- [{tag}](#{anchor(tag)})\n" + "\n".join(told) for tag, told in index.items())
    parts = [f"## {tag}\n\n" + "\n".join(told) for tag, told in by_tag.items()]
    return f"{head}\n## Index\n\n{listed}\n\n" + "\n".join(parts)


def _operations(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method in operations:
                yield method, path, operations[method]


def _spelled(tag: str) -> str:
    """A tag as people read it: Agent webhooks."""
    return re.sub(r"(?<=[a-z])[A-Z]", lambda letter: f" {letter[0]}", tag).replace("-", " ").capitalize()


def _told(operation: Mapping[str, Any]) -> str:
    return " ".join(str(operation.get("description") or operation.get("summary") or "").split())


def _first(told: str) -> str:
    """Its first sentence."""
    return re.split(r"(?<=[.:;]) ", told, maxsplit=1)[0].rstrip(".:;")


def _words(document: Document, operation: Mapping[str, Any]) -> _Words:
    parameters = [_resolved(document, one) for one in operation.get("parameters", [])]
    summary, more = (" ".join(str(operation.get(name, "")).split()) for name in ("summary", "description"))
    return _Words(
        told=". ".join(part.rstrip(".") for part in (summary, more) if part) + "." * bool(more),
        takes={one["name"]: told for one in parameters if (told := _told_of(one))},
        body=_meanings(document, operation.get("requestBody", {})),
        answers={
            name: told
            for status, answer in operation.get("responses", {}).items()
            if str(status).startswith("2")
            for name, told in _meanings(document, answer).items()
        },
    )


def _told_of(parameter: Mapping[str, Any]) -> str:
    return str(parameter.get("description") or parameter.get("schema", {}).get("description", ""))


def _meanings(document: Document, holder: Mapping[str, Any]) -> dict[str, str]:
    return {name: told for name, _, _, told in _fields(document, _content(document, holder)) if told}


def _operation(document: Document, name: str, operation: Mapping[str, Any], words: _Words) -> Iterator[str]:
    yield f"### `{name}`\n"
    told = words.told or _told(operation)
    if told:
        yield f"{told}\n"
    parameters = [_resolved(document, one) for one in operation.get("parameters", [])]
    rows = [
        (
            one["name"],
            f"{_kind(document, one.get('schema', {}))} ({one['in']})",
            bool(one.get("required")),
            _told_of(one) or TAKEN.get(one["name"], ""),
        )
        for one in parameters
        if one["name"].lower() != "x-sub-account-id"
    ]
    yield from _table("Takes", rows, words.takes)
    body = _fields(document, _content(document, operation.get("requestBody", {})))
    yield from _table("Body", body, words.body)
    for status, answer in operation.get("responses", {}).items():
        if str(status).startswith("2"):
            fields = _fields(document, _content(document, answer), answers=True)
            yield from _table(f"Answers {status}", fields, words.answers)


def _table(
    head: str, fields: Iterable[tuple[str, str, bool, str]], meanings: Mapping[str, str]
) -> Iterator[str]:
    rows = list(fields)
    if rows:
        yield f"| {head} | Type | Meaning |\n| --- | --- | --- |"
        for name, kind, needed, told in rows:
            words = " ".join(
                (meanings.get(name) or told or HELD.get(re.split(r"[.\]]+", name)[-1], "")).split()
            ).replace("|", "\\|")
            yield f"| `{name}`{' *' if needed else ''} | {kind} | {words} |"
        yield ""


def _content(document: Document, holder: Mapping[str, Any]) -> Mapping[str, Any]:
    holder = _resolved(document, holder)
    schema: Mapping[str, Any] = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return _resolved(document, schema)


def _fields(
    document: Document,
    schema: Mapping[str, Any],
    prefix: str = "",
    depth: int = 0,
    answers: bool = False,
) -> Iterator[tuple[str, str, bool, str]]:
    """Name, kind, whether it must be given, and words, of each field and of those inside it."""
    needed = set(schema.get("required", [])) if not answers else set()
    for name, given in schema.get("properties", {}).items():
        field = _resolved(document, _without_null(given))
        told = given.get("description") or field.get("description") or ""
        yield f"{prefix}{name}", _kind(document, given), name in needed, told
        inner = _resolved(document, field.get("items", {})) if field.get("type") == "array" else field
        if depth + 1 < _DEPTH and inner.get("properties"):
            mark = "[]." if field.get("type") == "array" else "."
            yield from _fields(document, inner, f"{prefix}{name}{mark}", depth + 1, answers)


def _kind(document: Document, schema: Mapping[str, Any]) -> str:
    null = any(one.get("type") == "null" for one in schema.get("anyOf", ()))
    plain = _resolved(document, _without_null(schema))
    if "enum" in plain:
        kind = ", ".join(f"`{value}`" for value in plain["enum"])
    elif plain.get("type") == "array":
        kind = f"list of {_kind(document, plain.get('items', {}))}"
    else:
        kind = str(plain.get("format") or plain.get("type") or "any")
    for name, sign in (("minimum", "from"), ("maximum", "to"), ("maxLength", "up to")):
        kind += f", {sign} {_number(plain[name])}" if name in plain else ""
    if schema.get("default") not in (None, ""):
        kind += f", default `{schema['default']}`"
    return kind + (" or null" if null else "")


def _without_null(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    kinds = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return kinds[0] if len(kinds) == 1 else schema


def _resolved(document: Document, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to."""
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/")]
        schema = found
    return schema


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)
