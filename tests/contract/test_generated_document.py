"""The document that the server generates: the contract's operations that are built, and no others."""

from typing import Any
from unittest.mock import MagicMock

import pytest

from ringback.doors.rest import app as rest
from ringback.doors.rest.endpoints.not_built import NOT_BUILT, NOT_BUILT_WITHOUT_KEY
from ringback.doors.sim.media import build_media_router
from ringback.doors.sim.router import build_router
from ringback.doors.sim.talk import build_talk_router
from ringback.testing import Ringback
from tests.agreement import differences, normal
from tests.openapi import Document, contracts, load, operations

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def generated() -> dict[str, Any]:
    """Routes need no parts to be described."""
    simulated = [
        build_media_router(MagicMock()),
        build_talk_router(MagicMock()),
        build_router(MagicMock(), MagicMock(), MagicMock()),
    ]
    app = rest.create(MagicMock(), more=simulated)
    return app.openapi()


def test_it_agrees_with_the_contract_for_all_that_is_built(generated: dict[str, Any]) -> None:
    not_built = {operation for _, _, operation in (*NOT_BUILT, *NOT_BUILT_WITHOUT_KEY)}
    known = {operation.id for document in contracts() for operation in operations(document)}
    assert not_built <= known
    assert differences(generated, contracts(), known - not_built) == []


def test_what_is_not_built_is_named_as_the_contract_names_it() -> None:
    theirs = {
        (operation.method.upper(), operation.path, operation.id)
        for document in contracts()
        for operation in operations(document)
    }
    assert {*NOT_BUILT, *NOT_BUILT_WITHOUT_KEY} <= theirs


def test_it_says_what_needs_a_key(ringback: Ringback) -> None:
    """The served document and the contract name the same operations as open to everybody."""

    def opened(document: Document) -> set[str]:
        """The operations that need none."""
        everywhere = document.get("security")
        return {
            operation.name
            for operation in operations(document)
            if not operation.spec.get("security", everywhere)
        }

    served = ringback.request("GET", "/openapi.json").json
    built = {operation.name for operation in operations(served)}
    assert opened(served) == built & set[str]().union(*(opened(document) for document in contracts()))


def test_what_is_ours_in_a_call_is_as_the_contract_has_it(generated: dict[str, Any]) -> None:
    ours, theirs = generated["components"]["schemas"], load("ringback.yaml")["components"]["schemas"]
    found = normal(ours["CallStory"], generated)
    assert found == normal(theirs["CallStory"], load("ringback.yaml"))
    assert found["properties"]["timeline"]["items"]["properties"].keys() >= {"turnId", "replyMs"}
