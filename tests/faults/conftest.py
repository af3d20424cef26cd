"""The seed of a run with chance in it, and a server that can be killed."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.callers import children, wait_until
from tests.faults.killable import Killable
from tests.speech import need


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


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[Killable]:
    need("voice", "pipecat", "numpy")
    server = Killable(tmp_path)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        wait_until(lambda: not children(server.data), "media children are left", 5)
