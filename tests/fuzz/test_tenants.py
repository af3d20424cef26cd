"""Tenants are apart: what is another account's is, for every caller and every operation, what isn't there.

Everything here comes from the document that the server makes of itself, so that a new operation or a new field with an
id in it is tried the day it is built.
"""

import contextlib
import itertools
import json
from collections.abc import Callable, Collection, Iterator

import pytest

from ringback.doors.rest.endpoints.not_built import NOT_BUILT
from ringback.testing import Handsets, Ringback, WebhookInbox
from tests.fuzz.target import Said
from tests.fuzz.tenants import (
    KINDS,
    PREFIXES,
    SAMPLES,
    Place,
    Request,
    Tenant,
    Town,
    is_of_accounts,
    places,
    put,
    right_request,
    shape,
    unheard_of,
)
from tests.openapi import Operation, operations

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(240)]

REFUSED_FOR_ITSELF = {"UNSUPPORTED_CHANNEL", "NOT_IMPLEMENTED", "MESSAGE_NOT_UNCONFIRMED"}
"""Codes of operations that refuse the caller's own things too, because no line here can do it, or there is no need."""


@pytest.fixture
def town(ringback: Ringback, handset: Handsets, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    with contextlib.ExitStack() as stack:
        *inboxes, anybodys = [stack.enter_context(WebhookInbox()) for _ in range(5)]
        # Where nobody listens, what is redelivered would never be at rest.
        monkeypatch.setitem(SAMPLES, "url", anybodys.url)
        yield Town(ringback, handset(name="everybody's friend"), inboxes)


def told(town: Town) -> list[int]:
    """How much every endpoint and the phone have been told."""
    return [len(tenant.inbox.received) for tenant in town.tenants] + [len(town.phone.inbox())]


def variants(operation: Operation, place: Place, caller: Tenant, value: str) -> Iterator[Request]:
    """Requests of the caller with a value in one place: alone, and among ids of the caller's own."""
    ids = {**caller.ids, place.kind: value}
    if place.where == "path":
        # Of two ids in a path only one is another's.
        others = {p.kind: caller.ids[p.kind] for p in places(operation) if p != place}
        yield right_request(operation, {**ids, **others, place.kind: value})
        return
    request = right_request(operation, caller.ids)
    put(request, place, ids)
    yield request
    others_there = [p for p in places(operation) if p != place and p.where in ("query", "body")]
    if others_there and place.where != "header":
        request = right_request(operation, caller.ids)
        for other in others_there:
            if other.kind != "phone for sale":
                put(request, other, caller.ids)
        put(request, place, ids)
        yield request


def differences(place: Place, foreign: tuple[str, Said], unknown: tuple[str, Said]) -> str | None:
    """What tells a foreign id from an unknown one; None if nothing does."""
    (value, ours), (other, theirs) = foreign, unknown
    if place.must_be_there and (problem := ours.problem(404)):
        return problem
    if ours.status != theirs.status:
        return f"answered {ours.status}, an unknown id {theirs.status}: {ours.content[:200]!r}"
    if ours.status >= 400 or ours.headers["content-type"].startswith("text/event-stream"):
        same = ours.content.replace(value.encode(), b"?") == theirs.content.replace(other.encode(), b"?")
    else:
        same = shape(ours.json) == shape(theirs.json)
    return None if same else f"answered {ours.content[:200]!r}, an unknown id {theirs.content[:200]!r}"


def leaks(town: Town, caller: Tenant, said: Said, *, but_for: str = "") -> str | None:
    """What of others an answer to the caller holds."""
    for tenant in town.tenants:
        if tenant is caller:
            continue
        for secret in tenant.secrets_from(caller) - {but_for}:
            if secret.encode() in said.content:
                return f"tells {secret} of {tenant.name}"
    return None


class Trial:
    """One caller's tries at another's ids, and what went wrong."""

    def __init__(self, town: Town, caller: Tenant, owner: Tenant) -> None:
        self.town = town
        self.caller = caller
        self.owner = owner
        self.problems: list[str] = []
        self.count = 0

    def run(self, kinds_of: Callable[[Place], Collection[str]]) -> None:
        """Try every place of every operation with ids of the kinds that are asked for it."""
        before = self.town.quiet_rows()
        for operation in self.town.operations:
            refused = True
            for place in places(operation):
                for kind in sorted(kinds_of(place)):
                    refused &= self.attempt(operation, place, kind)
            if self.problems:
                return
            after = self.town.rows() if refused else self.town.quiet_rows()
            # What was not refused may change the caller's own world, and nobody else's.
            mine = set() if refused else {self.caller.account_id}
            for account in (before.keys() | after.keys()) - mine:
                if before.get(account) != after.get(account):
                    self.note(operation, f"changed the rows of {account}")
            before = after

    def attempt(self, operation: Operation, place: Place, kind: str) -> bool:
        """Try one id in one place; whether all was refused."""
        by = self.caller.holder if place.where == "header" else self.caller
        value = self.owner.foreign_to(by).get(kind) if self.owner is not by else None
        if value is None:
            return True
        other = self.town.unknown(kind, self.caller)
        refused = True
        for foreign, unknown in zip(
            variants(operation, place, self.caller, value),
            variants(operation, place, self.caller, other),
            strict=True,
        ):
            said, theirs = self.town.ask(self.caller, foreign), self.town.ask(self.caller, unknown)
            problem = differences(place, (value, said), (other, theirs)) or leaks(
                self.town, self.caller, said, but_for=value
            )
            if problem:
                self.note(operation, f"{kind} in {place.where} {place.name} {problem}")
            refused &= said.status >= 400 and theirs.status >= 400
            self.count += 1
        return refused

    def note(self, operation: Operation, problem: str) -> None:
        self.problems.append(f"{operation.name}, {self.caller.name} with {self.owner.name}'s: {problem}")


def test_every_id_is_known_to_these_tests(ringback: Ringback) -> None:
    document = ringback.request("GET", "/openapi.json").json
    built = list(operations(document))
    unknown = [line for operation in built for line in unheard_of(operation)]
    assert unknown == [], (
        "say in tenants.py whose ids these are, or that they are none (KINDS, NO_IDS, SHARED)"
    )
    without = [one.name for one in built if not is_of_accounts(one) and not one.path.startswith("/sim/v1/")]
    of_everybody = ["GET /healthz", "GET /metrics", "GET /readyz", "GET /sdk/{name}"]
    by_token = ["GET /v1/calls/web/connect", "GET /voices/{voice_id}/preview.wav"]
    assert sorted(without) == of_everybody + by_token, (
        "whoever needs no key must be told nothing of an account"
    )


def test_what_is_anothers_is_not_there(town: Town) -> None:
    tried = 0
    told_before = told(town)
    for caller, owner in itertools.permutations(town.tenants, 2):
        trial = Trial(town, caller, owner)
        trial.run(lambda place: [place.kind])
        assert not trial.problems, "\n".join(trial.problems)
        tried += trial.count
    assert tried > 12 * 40
    assert told(town) == told_before


def test_an_id_of_any_kind_in_any_place(town: Town) -> None:
    """A number's id where an agent's belongs is no way in either."""
    _, branch, sibling, _ = town.tenants

    def others(place: Place) -> set[str]:
        return PREFIXES.keys() - {place.kind} if "phone" not in place.kind else set()

    trial = Trial(town, sibling, branch)
    trial.run(others)
    assert not trial.problems, "\n".join(trial.problems)
    assert trial.count > 200


def test_what_is_not_built_lets_nobody_in_either(town: Town) -> None:
    parent, branch, sibling, stranger = town.tenants
    for method, path, _ in NOT_BUILT:
        request = Request(method, path.replace("{", "").replace("}", ""))
        for caller, account_id, status in (
            (parent, branch.account_id, 400),
            (parent, stranger.ids["sub_account"], 404),
            (parent, town.unknown("sub_account", parent), 404),
            (sibling, branch.account_id, 404),
            (sibling, parent.account_id, 404),
            (stranger, branch.account_id, 404),
        ):
            request.headers["X-Sub-Account-Id"] = account_id
            assert town.ask(caller, request).problem(status) is None, (request, caller.name)


def test_a_key_of_anothers_request_gives_nothing_of_its_answer(town: Town) -> None:
    """`Idempotency-Key` is looked up in the caller's own account, whoever used it before."""
    problems = []
    for owner, caller in itertools.permutations(town.tenants, 2):
        for operation in town.operations:
            if operation.method != "POST":
                continue
            request = right_request(operation, owner.ids)
            request.headers["Idempotency-Key"] = f"{owner.name} to {caller.name}"
            for place in places(operation):
                if place.where == "body" and place.name in ("number_id", "agentId"):
                    put(request, place, owner.ids)
            kept = town.ask(owner, request)
            rows = town.quiet_rows()[owner.account_id]
            said = town.ask(caller, request)
            name = f"{operation.name}, {caller.name} after {owner.name}"
            if town.quiet_rows()[owner.account_id] != rows:
                problems.append(f"{name}: changed the owner's rows")
            if "{" in operation.path and (problem := said.problem(404)):
                problems.append(f"{name}: {problem}")
            if '_id"' in json.dumps(request.body) and said.status < 400:
                problems.append(f"{name}: took the owner's ids: {said}")
            if said.status < 400 and '"id":' in kept.content.decode() and said.content == kept.content:
                problems.append(f"{name}: got the owner's answer")
            if kept.status < 400 and town.ask(owner, request).content != kept.content:
                problems.append(f"{name}: the owner's answer is lost")
    assert not problems, "\n".join(problems)


def test_ones_own_is_taken_and_nothing_of_others_comes_with_it(town: Town) -> None:
    """The tries above are right requests but for the id: with one's own ids each of them is taken."""
    order = {"GET": 0, "POST": 1, "PUT": 2, "PATCH": 2, "DELETE": 3}
    ordered = sorted(town.operations, key=lambda one: (order[one.method], -one.path.count("/"), one.path))
    problems = []
    for caller in town.tenants:
        for operation in ordered:
            request = right_request(operation, caller.ids)
            for place in places(operation):
                if place.where in ("query", "body") and place.kind != "phone for sale":
                    put(request, place, caller.ids)
            if "sub_account" in operation.path.replace("-", "_") and caller.parent is not None:
                continue
            said = town.ask(caller, request)
            name = f"{operation.name} of {caller.name}"
            if said.status >= 400 and said.json["error"]["code"] not in REFUSED_FOR_ITSELF:
                problems.append(f"{name}: answered {said}")
            if leak := leaks(town, caller, said):
                problems.append(f"{name}: {leak}")
    for tenant in town.tenants:
        for event in tenant.inbox.received:
            problems += [
                f"{tenant.name}'s endpoint was told of {other.name}: {event.raw!r}"
                for other in town.tenants
                if other is not tenant and other.mark.encode() in event.raw
            ]
    assert not problems, "\n".join(problems)
    used = {place.kind for operation in ordered for place in places(operation)}
    assert used == set(KINDS.values())
