"""The three packs against a real server, and what the server saw of them."""

from collections.abc import Iterator

import pytest

from ringback.testing import Ringback
from tests.conformance.npm.sdk import JUDGES
from tests.conformance.packs.pack import NAMES, Pack, Process
from tests.conformance.seen import requests, ringback_asgi

__all__ = ["requests", "ringback_asgi"]


@pytest.fixture(scope="session")
def process() -> Iterator[Process]:
    if not (JUDGES / "installed").exists():
        pytest.skip("the vendor's other clients are not installed: make .venv/judges/installed")
    process = Process()
    yield process
    process.end()


@pytest.fixture(params=NAMES)
def pack(request: pytest.FixtureRequest, process: Process, ringback: Ringback) -> Pack:
    if not list(JUDGES.glob(f"lib/python3*/site-packages/{request.param}_agentphone")):
        pytest.skip(f"{request.param} has no release for this Python")
    return Pack(process, request.param, ringback.base_url, ringback.api_key)
