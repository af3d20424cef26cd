"""The TypeScript client against a real server, and what the server saw of it."""

from collections.abc import Iterator

import pytest

from ringback.testing import Ringback
from tests.conformance.npm.sdk import JUDGES, Node, NpmClient
from tests.conformance.seen import requests, ringback_asgi

__all__ = ["requests", "ringback_asgi"]


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    if not (JUDGES / "installed").exists():
        pytest.skip("the vendor's other clients are not installed: make .venv/judges/installed")
    process = Node()
    yield process
    process.end()


@pytest.fixture
def client(node: Node, ringback: Ringback) -> NpmClient:
    return NpmClient(node, ringback.base_url, ringback.api_key)
