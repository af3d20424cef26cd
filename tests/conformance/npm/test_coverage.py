"""Every method of the vendor's TypeScript client is either called by these tests, or answers that it isn't built yet."""

import re
from pathlib import Path

import pytest

from tests.conformance.npm.sdk import NpmClient, NpmError
from tests.conformance.npm.steps import ANYTHING
from tests.conformance.seen import Request

pytestmark = pytest.mark.conformance

NOT_BUILT = {
    "location": {"getLocation", "refreshLocations"},
    "registration": {"getRegistrationStatus", "registerA2P"},
}  # fmt: skip


def test_each_method_is_called_or_not_built(client: NpmClient) -> None:
    exists = {(resource, method) for resource, found in client.methods().items() for method in found}
    source = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    called = set(re.findall(r"\bclient\.(\w+)\.(\w+)\(", source))
    not_built = {(resource, method) for resource, methods in NOT_BUILT.items() for method in methods}
    assert called & not_built == set()
    assert called | not_built == exists
    assert len(client.methods()) == 13
    assert len(exists) == 67


def test_what_is_not_built_says_so_once(client: NpmClient, requests: list[Request]) -> None:
    told: dict[str, tuple[str, int | None, str]] = {}
    for resource, methods in NOT_BUILT.items():
        for method in methods:
            with pytest.raises(NpmError) as refused:
                getattr(getattr(client, resource), method)(ANYTHING)
            error = refused.value
            told[f"{resource}.{method}"] = (error.name, error.status, error.body["error"]["code"])
    assert told == dict.fromkeys(told, ("AgentPhoneError", 400, "NOT_IMPLEMENTED"))
    assert len(requests) == len(told), "a 5xx would have been asked for again"
