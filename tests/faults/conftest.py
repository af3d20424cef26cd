"""The seed of a run with chance in it."""

import os
import random
from collections.abc import Callable

import pytest


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Another for each run, told when the test fails; `RINGBACK_TEST_SEED` repeats one."""
    chosen = int(os.environ.get("RINGBACK_TEST_SEED") or random.SystemRandom().randrange(1 << 31))
    request.node.add_report_section("setup", "seed", f"RINGBACK_TEST_SEED={chosen}")
    return chosen


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Says how a run went: when the test fails, and with `-rP` in any case."""
    return lambda figures: request.node.add_report_section("call", "figures", figures)
