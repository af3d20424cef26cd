"""What holds for the whole suite."""

import io
import logging
import os
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
import structlog

from ringback import logs
from tests.wire import ContractGuard

_SKIPS_NOTHING = os.environ.get("CI") == "true"
"""Where the suite decides, a skipped test is a failed one: nothing that it needs may be missing there."""


_ON_REAL_MACHINES = ("browser", "conformance", "fault", "scenario")
"""Processes, sockets and pages in real time, with their time limits."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is said in real time loses a word when the machine is late: such a test may be asked three times.

    What waits for other processes may be asked twice; pure code and virtual time once. The summary names each test that
    was asked again.
    """
    for item in items:
        if item.get_closest_marker("realtime"):
            item.add_marker(pytest.mark.flaky(reruns=2))
        elif any(item.get_closest_marker(name) for name in _ON_REAL_MACHINES):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if _SKIPS_NOTHING and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CI skips nothing: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if _SKIPS_NOTHING and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, and CI skips nothing: {report.longrepr}"
    return report


@pytest.fixture
def ringback_asgi() -> Iterator[Callable[[Any], Any]]:
    """Every answer of every server under test is held against the contract."""
    guards: list[ContractGuard] = []

    def wrap(app: Any) -> ContractGuard:
        guards.append(ContractGuard(app))
        return guards[-1]

    yield wrap
    broken = [str(violation) for guard in guards for violation in guard.violations]
    assert not broken, "answers that break the contract:\n" + "\n".join(broken)


@pytest.fixture
def debug_log() -> Iterator[io.StringIO]:
    """All that a server logs at the level debug; ask for it before the server."""
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    out = io.StringIO()
    logs.set_up("debug", stream=out)
    yield out
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:] = kept
    root.setLevel(level)
