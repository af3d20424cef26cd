"""Whoever has no key, or asks for what can't be, learns nothing and changes nothing; `test_tenants.py` has foreign ids."""

import re
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest

from ringback.doors.rest.endpoints.not_built import NOT_BUILT, NOT_BUILT_WITHOUT_KEY
from ringback.testing import Clock
from tests.fuzz.target import Target
from tests.openapi import Operation

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(120)]


def _parameters(operation: Operation) -> list[str]:
    return [parameter["name"] for parameter in operation.parameters if parameter["in"] == "path"]


def test_no_operation_answers_without_a_living_key(target: Target, clock: Clock) -> None:
    book = target.ringback.server.book
    revoked = target.ringback.new_account("revoked")
    assert target.ask("GET", "/v1/agents", key=revoked).status == 200
    target.ringback.revoke_key(revoked)
    expired = target.ringback.on_loop(book.create_key("expired", 1)).key
    assert target.ask("GET", "/v1/agents", key=expired).status == 200
    clock.advance(days=1, seconds=1)
    clock.freeze()
    before, problems = target.state(), []
    for operation in target.operations:
        for key in (None, "sk_live_nobody", "", revoked, expired, target.key[:-1], target.key + "x", "é"):
            headers = {} if key is None else {"Authorization": f"Bearer {key}".encode().decode("latin-1")}
            for raw in (None, b"{}", b"{not json"):
                said = target.ask(
                    operation.method, target.path(operation), raw=raw, key=None, headers=headers
                )
                if problem := said.problem(401):
                    problems.append(f"{operation.name} with {key!r}: {problem}")
                elif "www-authenticate" not in said.headers or said.json["error"]["code"] != "UNAUTHORIZED":
                    problems.append(f"{operation.name} with {key!r}: {said}")
    for scheme in ("", "Basic {}", "bearer{}", "Token {}", "Bearer", "{}"):
        headers = {"Authorization": scheme.format(target.key)}
        if problem := target.ask("GET", "/v1/agents", key=None, headers=headers).problem(401):
            problems.append(f"{scheme}: {problem}")
    assert not problems, "\n".join(problems)
    assert target.state() == before
    assert (
        target.ask("GET", "/v1/agents", key=None, headers={"Authorization": f"bEARER {target.key}"}).status
        == 200
    )


def _hostile_ids() -> Iterator[str]:
    yield from (
        "%00",
        "%2e%2e",
        "..%2f..%2fhealthz",
        "%ff",
        "%ed%a0%80",
        "a%20b",
        "%F0%9F%8E%89",
        "'",
        '"',
        "%3Cb%3E",
    )
    yield from (
        "x" * 5_000,
        "+1",
        "%2B14155550123",
        "*",
        "%25",
        "%",
        "%zz",
        ";",
        "null",
        "0",
        "-1",
        "[]",
        "%0d%0aX:1",
    )


def test_hostile_ids(target: Target) -> None:
    before, problems = target.state(), []
    for operation in target.operations:
        for parameter in _parameters(operation):
            for value in _hostile_ids():
                path = target.path(operation, {parameter: value})
                raw = None if operation.method in ("GET", "DELETE") else b"{}"
                said = target.ask(operation.method, path, raw=raw)
                if problem := said.problem(404, 422, 405):
                    problems.append(f"{operation.name} {value[:30]}: {problem}")
    assert not problems, "\n".join(problems)
    assert target.state() == before


def test_ids_may_be_percent_encoded(target: Target) -> None:
    number_id = target.ids["number_id"]
    encoded = "".join(f"%{ord(character):02X}" for character in number_id)
    assert quote("num_") == "num_"
    plain = target.ask("GET", f"/v1/numbers/{number_id}")
    assert plain.status == 200
    assert target.ask("GET", f"/v1/numbers/{encoded}").json == plain.json
    assert target.ask("GET", f"/v1/numbers/{number_id.replace('_', '%5f')}").json == plain.json


def test_paths_and_methods_that_are_not_there(target: Target) -> None:
    before, problems = target.state(), []
    methods: dict[str, set[str]] = {}
    for operation in target.operations:
        methods.setdefault(operation.path, set()).add(operation.method)
    for operation in target.operations:
        path = target.path(operation)
        for wrong in (f"{path}/", f"/{path}", f"{path}/x/y/z", path.replace("/v1/", "/v2/"), path.upper()):
            said = target.ask(
                operation.method, wrong, raw=b"{}" if operation.method in ("POST", "PATCH") else None
            )
            if problem := said.problem(404, 405):
                problems.append(f"{operation.method} {wrong}: {problem}")
            if said.status == 404 and wrong == f"{path}/" and "{" not in operation.path:
                assert "no slash at the end" in said.json["detail"], wrong
            if "location" in said.headers:
                problems.append(f"{operation.method} {wrong} redirects")
        others = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - methods[operation.path]
        problems += [
            f"{method} {path}: {problem}"
            for method in sorted(others)
            if (problem := target.ask(method, path).problem(405, 404))
        ]
        said = target.ask("OPTIONS", path)
        if said.status != 204 or said.content:
            problems.append(f"OPTIONS {path}: {said}")
    assert not problems, "\n".join(problems)
    assert target.state() == before


def test_allow_names_every_method_of_a_path(target: Target) -> None:
    """`/v1/numbers/lookup` is a path of its own and may be the id of a number too, as far as the router knows."""
    there = [(operation.method, operation.path) for operation in target.operations]
    there += [(method, path) for method, path, _ in (*NOT_BUILT, *NOT_BUILT_WITHOUT_KEY)]
    patterns = [(method, re.compile(re.sub(r"{\w+}", "[^/]+", path))) for method, path in there]
    problems = []
    for operation in target.operations:
        path = target.path(operation)
        takes = {method for method, pattern in patterns if pattern.fullmatch(path)} | {"OPTIONS"}
        if "GET" in takes:
            takes.add("HEAD")
        for method in ("OPTIONS", "TRACE"):
            said = target.ask(method, path, key=None)
            if set(said.headers["allow"].split(", ")) != takes:
                problems.append(f"{method} {path}: {said.headers['allow']}, not {takes}")
    assert not problems, "\n".join(problems)


def test_head_answers_like_get(target: Target, clock: Clock) -> None:
    clock.freeze()
    before, problems = target.state(), []
    for operation in target.operations:
        if operation.method != "GET" or operation.path.endswith("/events"):
            continue
        path = target.path(operation)
        got, head = target.ask("GET", path), target.ask("HEAD", path)
        # The clock goes on, and with it the digits of how far it is set.
        same = ("content-type",) if path.endswith("/clock") else ("content-type", "content-length")
        if (got.status, [got.headers.get(name) for name in same]) != (
            head.status,
            [head.headers.get(name) for name in same],
        ):
            problems.append(f"{path}: {got.status} {got.headers}, HEAD {head.status} {head.headers}")
    assert target.ask("HEAD", "/v1/agents", key=None).status == 401
    assert target.ask("HEAD", "/sim/v1/events").headers["content-type"].startswith("text/event-stream")
    assert not problems, "\n".join(problems)
    assert target.state() == before


def test_host_header(target: Target) -> None:
    port = urlsplit(target.ringback.base_url).port
    before = target.state()
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example", "", "[", "a b",
                 "evil.example#@localhost", "localhost@evil.example", "xn--evil", "127.0.0.1,evil.example"):  # fmt: skip
        for method, path in (("GET", "/healthz"), ("GET", "/v1/agents"), ("POST", "/v1/agents")):
            said = target.ask(
                method, path, {"name": "x"} if method == "POST" else None, headers={"Host": host}
            )
            assert said.problem(403, 400) is None, (host, said)
    for host in (f"127.0.0.1:{port}", "localhost", "LOCALHOST:1", f"[::1]:{port}", "app.localhost"):
        assert target.ask("GET", "/healthz", headers={"Host": host}).status == 200, host
    assert target.state() == before
