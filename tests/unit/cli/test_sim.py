"""`ringback sim`: the network's own process."""

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringback.cli.serve import listen
from ringback.doors.http.limits import Limits

from .conftest import Ran

pytestmark = pytest.mark.unit


@pytest.fixture
def ran_with(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The network's arguments, in place of the network."""
    called: list[tuple[Any, ...]] = []
    fake = types.ModuleType("ringback.doors.sim.standalone")

    def run(*args: Any, names: tuple[str, ...], limits: Limits, exchange: tuple[str, ...]) -> int:
        called.append((*args, names, limits, exchange))
        return 0

    fake.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ringback.doors.sim.standalone", fake)
    import ringback.doors.sim

    monkeypatch.setattr(ringback.doors.sim, "standalone", fake, raising=False)
    monkeypatch.setattr("ringback.logs.set_up", lambda level: None)
    return called


def test_runs_the_network(
    ringback: Callable[..., Ran], ran_with: list[tuple[Any, ...]], folder: Path
) -> None:
    ran = ringback("sim", "--port", "0", "--data", "far", "--log-level", "debug")
    ((host, port, data, level, names, limits, exchange),) = ran_with
    assert (host, data, level) == ("127.0.0.1", folder.parent / "far", "debug")
    assert (names, limits) == ((), Limits())
    assert exchange[1:5] == ("-m", "ringback.exchange", "--data", str(data))
    assert data.is_dir()
    assert f"http://127.0.0.1:{port};" in ran.out
    assert ran.code == 0


def test_taken_port_is_one_line(ringback: Callable[..., Ran], ran_with: list[tuple[Any, ...]]) -> None:
    with listen("127.0.0.1", 0) as taken:
        ran = ringback("sim", "--port", str(taken.getsockname()[1]))
    assert ran.code == 2
    assert "is taken" in ran.err
    assert ran_with == []
