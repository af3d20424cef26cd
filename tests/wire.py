"""The contract as a guard: an ASGI middleware that holds every answer of the server under test against it.

An answer that breaks the contract reaches the client as a 599 that says what is wrong, and stays in
`ContractGuard.violations`, so that a test fails even where it doesn't look. Requests are not judged.
"""

import functools
import json
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import extend

from tests.openapi import Document, Operation, Schema, contracts, follow, operations

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

EXEMPT = ("/internal/v1/", "/openapi.json", "/mcp", "/docs", "/llms", "/skill.md", "/console", "/catch")
"""What is no API; and `/`, which leads to the console. `/catch` is a receiver of webhooks."""
BROKEN = 599
_JSON = "application/json"
_EXCERPT = 500
_ANNOTATIONS = {"description", "title", "default", "example", "examples", "deprecated"}
_WALKED = {"properties", "items", "additionalProperties", "anyOf", "oneOf"}
_PLAIN = {"type", "required", "enum", "const", "format", "pattern", "minimum", "maximum", "exclusiveMinimum"} | {
    "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"
}  # fmt: skip
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z", re.ASCII)

formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    """RFC 3339, and as we promise: in UTC, with `Z`, no finer than milliseconds."""
    if not isinstance(value, str):
        return True
    return _TIME.fullmatch(value) is not None and bool(datetime.fromisoformat(value))


_NAMES = {
    str: "string", bool: "boolean", int: "integer", type(None): "null", list: "array", dict: "object"
}  # fmt: skip


def _surely_fits(value: object, schema: Schema) -> bool:
    """Whether `value` fits a schema of no more than a type and a date-time. False means: look closely."""
    kind, wanted = _NAMES.get(type(value)), schema.get("type")
    if kind is None or not (kind == wanted or (type(wanted) is list and kind in wanted)):
        return False
    if len(schema) == 1:
        return True
    return len(schema) == 2 and schema.get("format") == "date-time" and formats.conforms(value, "date-time")


def _properties(validator: Any, properties: Schema, instance: Any, schema: Schema) -> Iterator[Any]:
    """The keyword `properties`, several times as fast: most properties are plain and right."""
    if not validator.is_type(instance, "object"):
        return
    for name, subschema in properties.items():
        if name in instance and subschema is not True and not _surely_fits(instance[name], subschema):
            yield from validator.descend(instance[name], subschema, path=name, schema_path=name)


# 20.0 is an integer to JSON Schema; a typed client would trip over it.
_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    validators={"properties": _properties},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def _compiled(schema: Schema, document: Document) -> Any:
    return _Validator(closed(schema, document), format_checker=formats)


def closed(schema: Schema, document: Document, trail: tuple[str, ...] = ()) -> Schema:
    """`schema` without references, in which an object that names properties has no others but `ringback`.

    Maps (`additionalProperties` given, or no properties named) stay open. Keywords that this can't close
    (`allOf`, recursion) raise `ValueError`.
    """
    reference = schema.get("$ref")
    if reference is not None:
        if reference in trail:
            raise ValueError(f"a recursive schema can't be closed: {reference}")
        trail = (*trail, reference)
        schema = follow(schema, document)
    if unknown := schema.keys() - _ANNOTATIONS - _WALKED - _PLAIN:
        raise ValueError(f"keywords that this can't close: {sorted(unknown)}")
    result: Schema = {key: value for key, value in schema.items() if key in _PLAIN}
    for key in ("anyOf", "oneOf"):
        if key in schema:
            result[key] = [closed(part, document, trail) for part in schema[key]]
    for key in ("items", "additionalProperties"):
        if key in schema:
            part = schema[key]
            result[key] = closed(part, document, trail) if isinstance(part, dict) else part
    if "properties" in schema:
        named = {name: closed(part, document, trail) for name, part in schema["properties"].items()}
        result["properties"] = {"ringback": {"type": "object"}, **named}
        result.setdefault("additionalProperties", False)
    elif "additionalProperties" in result:
        result["properties"] = {"ringback": True}
    return result


@dataclass(frozen=True, slots=True)
class Violation:
    """One answer that broke the contract; `body` is its beginning."""

    method: str
    path: str
    status: int
    message: str
    body: str

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status}: {self.message}\n    {self.body}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one status of one operation must look like. `media` is None where there is no body."""

    media: str | None
    validator: Any = None

    @property
    def streams(self) -> bool:
        return self.media is not None and self.media != _JSON


_Pattern = tuple[tuple[str | None, ...], dict[str, Operation]]


class Contract:
    """Finds, for a method, path and status, what the documents say, and compiles it once."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._exact: dict[str, dict[str, Operation]] = {}
        self._patterns: dict[int, list[_Pattern]] = {}
        self._answers: dict[tuple[str, int], Answer | None] = {}
        found: dict[str, dict[str, Operation]] = {}
        for document in documents:
            for operation in operations(document):
                found.setdefault(operation.path, {})[operation.method] = operation
        for path, methods in found.items():
            if "{" not in path:
                self._exact[path] = methods
                continue
            parts = tuple(None if part.startswith("{") else part for part in path.split("/"))
            self._patterns.setdefault(len(parts), []).append((parts, methods))
        for patterns in self._patterns.values():
            patterns.sort(key=lambda pattern: pattern[0].count(None))
        refusal = next(iter(documents))["components"]["schemas"]["Error"]
        self.refusal = Answer(_JSON, _compiled(refusal, next(iter(documents))))

    def methods(self, path: str) -> dict[str, Operation]:
        """The operations of the template that `path` matches; a literal segment goes before a parameter."""
        exact = self._exact.get(path)
        if exact is not None:
            return exact
        parts = path.split("/")
        for pattern, methods in self._patterns.get(len(parts), ()):
            if all(part if want is None else part == want for part, want in zip(parts, pattern, strict=True)):
                return methods
        return {}

    def answer(self, operation: Operation, status: int) -> Answer | None:
        """What the documents say of this status, or None. `default` stands for errors only."""
        key = (operation.name, status)
        if key not in self._answers:
            self._answers[key] = self._compile(operation, status)
        return self._answers[key]

    def _compile(self, operation: Operation, status: int) -> Answer | None:
        responses = operation.spec["responses"]
        written = responses.get(str(status)) or (responses.get("default") if status >= 400 else None)
        if written is None:
            return None
        content = follow(written, operation.document).get("content") or {}
        if not content:
            return Answer(None)
        media, body = next(iter(content.items()))
        if media != _JSON:
            return Answer(media)
        return Answer(media, _compiled(body.get("schema", {}), operation.document))


@functools.cache
def the_contract() -> Contract:
    """Both documents, compiled once for a whole test run."""
    return Contract(contracts())


class ContractGuard:
    """Wraps the app. `violations` holds every answer that broke the contract, oldest first."""

    def __init__(
        self, app: App, *, contract: Contract | None = None, exempt: tuple[str, ...] = EXEMPT
    ) -> None:
        self.app = app
        self.violations: list[Violation] = []
        self._contract = contract or the_contract()
        self._exempt = exempt

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, receive, send)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception as error:
            exchange.end(f"the app raised {error!r}")
            raise
        exchange.end("the app ended without a whole answer")

    def report(self, method: str, path: str, status: int, problems: list[str], body: bytes) -> str:
        """Keep a violation; returns its message."""
        message = "; ".join(problems)
        excerpt = body[:_EXCERPT].decode("utf-8", "backslashreplace")
        self.violations.append(Violation(method, path, status, message, excerpt))
        return message

    def expected(self, method: str, path: str, status: int) -> tuple[Answer | None, str | None]:
        """What the answer must look like, and what is wrong with its status. Neither for an exempt path."""
        if path == "/" or path.startswith(self._exempt):
            return None, None
        methods = self._contract.methods(path)
        operation = methods.get(method) or (methods.get("GET") if method == "HEAD" else None)
        if operation is not None:
            answer = self._contract.answer(operation, status)
            return answer, None if answer else f"status {status} is not documented"
        if method == "OPTIONS" and status == 204:
            return Answer(None), None
        if 400 <= status < 500:
            # Not there, and told so in the common envelope: that is no operation outside the contract.
            return self._contract.refusal, None
        what = f"method {method} of a documented path" if methods else "this path"
        return None, f"{what} is in neither document"


class _Exchange:
    """One request: holds the answer back until it is whole and judged, unless it streams."""

    def __init__(self, guard: ContractGuard, scope: Message, receive: Receive, send: Send) -> None:
        self._guard = guard
        self._method = str(scope["method"])
        self._path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
        self._receive = receive
        self._send = send
        self._client_left = False
        self._done = False
        self._start: Message = {}
        self._answer: Answer | None = None
        self._problems: list[str] = []
        self._body = bytearray()
        self._streams = False
        self._refused = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._client_left = self._client_left or message["type"] == "http.disconnect"
        return message

    def end(self, why: str) -> None:
        """The app has returned or raised: that is a fault unless its answer is whole or nobody waits for it."""
        if not (self._done or self._client_left or self._streams):
            self._guard.report(self._method, self._path, 0, [why], bytes(self._body))

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            await self._begin(message)
        elif kind == "http.response.body" and not self._streams:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish()
        else:
            if kind == "http.response.body" and not message.get("more_body", False):
                self._done = True
            if not self._refused:
                await self._send(message)

    async def _begin(self, message: Message) -> None:
        self._start = message
        status = int(message["status"])
        headers = _headers(message)
        self._answer, wrong = self._guard.expected(self._method, self._path, status)
        self._problems = ([wrong] if wrong else []) + list(_head_problems(headers, status, self._answer))
        media = headers.get("content-type", [""])[0]
        self._streams = media.startswith("text/event-stream") or (
            self._answer is not None and self._answer.streams
        )
        if not self._streams:
            return
        if self._problems:
            self._refused = True
            await self._refuse()
        else:
            await self._send(message)

    async def _finish(self) -> None:
        self._done = True
        body = bytes(self._body)
        if self._answer is not None and (body or self._method != "HEAD"):
            self._problems += _body_problems(body, int(self._start["status"]), self._answer)
        if self._problems:
            await self._refuse()
            return
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body})

    async def _refuse(self) -> None:
        status = int(self._start["status"])
        told = self._guard.report(self._method, self._path, status, self._problems, bytes(self._body))
        text = f"breaks the contract: {self._method} {self._path} -> {status}: {told}"
        error = {"message": text, "code": "CONTRACT_BROKEN", "type": "contract", "details": []}
        body = b"" if self._method == "HEAD" else json.dumps({"error": error, "detail": text}).encode()
        headers = [(b"content-type", _JSON.encode()), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": BROKEN, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _headers(message: Message) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in message.get("headers", ()):
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


def _head_problems(headers: dict[str, list[str]], status: int, answer: Answer | None) -> Iterator[str]:
    request_ids = headers.get("x-request-id", [])
    if len(request_ids) != 1 or not request_ids[0].strip():
        yield f"X-Request-ID must be there once, got {request_ids}"
    sniff = headers.get("x-content-type-options", [])
    if sniff != ["nosniff"]:
        yield f"X-Content-Type-Options must be nosniff, got {sniff}"
    if status == 429 and not headers.get("retry-after", [""])[0].isdecimal():
        yield "a 429 must say Retry-After in seconds"
    if answer is None or answer.media is None:
        return
    media = headers.get("content-type", [])
    if answer.streams:
        if len(media) != 1 or answer.media not in (media[0].split(";")[0].strip(), "*/*"):
            yield f"the content type must be {answer.media}, got {media}"
    elif media != [_JSON]:
        yield f"the content type must be {_JSON}, got {media}"


def _body_problems(body: bytes, status: int, answer: Answer) -> list[str]:
    if answer.media is None:
        return [f"a {status} must have no body, got {len(body)} bytes"] if body else []
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except ValueError as error:
        return [f"the body is not JSON: {error}"]
    problems = [f"{error.json_path}: {error.message[:300]}" for error in answer.validator.iter_errors(value)]
    if not problems and status >= 400:
        problems += _refusal_problems(value, status)
    return problems[:5]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refusal_problems(value: Any, status: int) -> Iterator[str]:
    """What every error body promises beyond the schema: details are listed, and `detail` tells the message again."""
    error = value["error"]
    if "details" not in error:
        yield "$.error.details is missing"
    if not error["message"]:
        yield "$.error.message is empty"
    if status == 422:
        if error["code"] != "VALIDATION_ERROR":
            yield f"$.error.code of a 422 is {error['code']!r}"
        if not value["detail"] or len(error.get("details", ())) != len(value["detail"]):
            yield "a 422 lists each wrong field in detail and in error.details"
    elif value["detail"] != error["message"]:
        yield "$.detail differs from $.error.message"
