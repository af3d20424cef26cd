"""The target of all tests here."""

from typing import Any

import pytest

from ringback.testing import Handsets, Ringback
from tests.fuzz.target import Target


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    return {"number_limit": 1_000}


@pytest.fixture
def target(ringback: Ringback, handset: Handsets) -> Target:
    return Target(ringback, handset(name="target"))
