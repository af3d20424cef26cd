"""A secret in a wrong place: no answer to it and no line of the log repeats it, at any operation."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from ringback.testing import Handsets, Ringback
from tests.fuzz.target import Target, body_schema, fields, nested, with_needed
from tests.openapi import Operation

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(180)]

CANARY = "CANARY4f9c2d7e8a1b"
SECRETS = (
    f"sk_live_{CANARY}",
    f"whsec_{CANARY}",
    f"Bearer {CANARY}",
    f"http://user:{CANARY}@127.0.0.1:9/",
)


@pytest.fixture
def target(debug_log: io.StringIO, ringback: Ringback, handset: Handsets) -> Target:
    return Target(ringback, handset(name="target"))


def bodies(target: Target, operation: Operation) -> Iterator[Any]:
    """A secret as each field's value, alone and in a list or object, where a text or something else belongs."""
    schema = body_schema(operation)
    if schema is None:
        return
    for name, _ in fields(schema, target.document):
        for secret in SECRETS:
            for value in (secret, [secret], {"key": secret}):
                yield with_needed(schema, nested(name, value))


def test_secrets_in_bodies(target: Target, debug_log: io.StringIO) -> None:
    problems = []
    for operation in target.operations:
        for body in bodies(target, operation):
            said = target.ask(operation.method, target.path(operation), body)
            # A 404 tells which id nobody has; all other refusals tell of the field, never what stood in it.
            repeats = said.status >= 400 and said.status != 404 and CANARY.encode() in said.content
            if said.status >= 500 or repeats:
                problems.append(f"{operation.name} {body}: {said}")
        if CANARY in debug_log.getvalue():
            line = next(line for line in debug_log.getvalue().splitlines() if CANARY in line)
            problems.append(f"{operation.name} logged {line[:500]}")
            debug_log.truncate(0)
    assert not problems, "\n".join(problems)


def test_secrets_in_paths_queries_and_headers(target: Target, debug_log: io.StringIO) -> None:
    """Ids and values of a query may be told back to whoever sent them; a header, never. Logs: nothing."""
    problems = []
    secret = SECRETS[0]
    for operation in target.operations:
        if operation.path.endswith("/events"):
            continue
        raw = None if operation.method in ("GET", "DELETE") else b"{}"
        named = [p["name"] for p in operation.parameters if p["in"] == "query" and p["name"] != "wait"]
        paths = [f"{target.path(operation)}?{name}={secret}" for name in (*named, "api_key", "unknown")]
        paths += [
            target.path(operation, {p["name"]: secret}) for p in operation.parameters if p["in"] == "path"
        ]
        problems += [
            f"{operation.method} {path} broke"
            for path in paths
            if target.ask(operation.method, path, raw=raw).status >= 500
        ]
        for header in (
            "Authorization",
            "Idempotency-Key",
            "X-Sub-Account-Id",
            "Cookie",
            "Last-Event-ID",
            "X",
        ):
            for value in (secret, f"Bearer {secret}", f"Basic {CANARY}", f"{secret} \xe9"):
                said = target.ask(operation.method, target.path(operation), raw=b"{", headers={header: value})
                if said.status >= 500 or CANARY in f"{said.content!r}{said.headers}":
                    problems.append(f"{operation.name} {header}: {said}")
    written = debug_log.getvalue()
    assert "answered" in written
    problems += [line[:500] for line in written.splitlines() if CANARY in line][:20]
    assert not problems, "\n".join(problems)
