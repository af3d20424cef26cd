"""Phones whose network runs in a process of its own: the same wall, as live, with a clock that can't be moved."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ringback.testing import Ringback
from tests.calling import wait_until_it_answers
from tests.console.looking import signed_in
from tests.console.test_live import heard, page
from tests.faults.processes import Process

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("sim")
    process = Process(folder, "sim", "--port", "0", "--data", str(folder))
    asyncio.run(process.start())
    wait_until_it_answers(process.url)
    yield process
    assert process.stop() == 0


@pytest.fixture
def ringback_settings(sim: Process) -> dict[str, Any]:
    return {"sim_url": sim.url}


def test_the_wall_is_there_and_live(ringback: Ringback) -> None:
    looking = signed_in(ringback)
    shown = looking.get("/console/phones")
    assert shown.status == 200, shown.text[:400]
    assert "Clock runs" not in shown.text
    number = ringback.request("POST", "/v1/numbers", json={}).json
    handset = ringback.request("GET", "/sim/v1/handsets").json["data"][0]
    with page(looking, f"thread:{handset['id']}~%2B{number['phoneNumber'][1:]}") as line:
        heard(line, 0.6)
        looking.post(
            f"/console/phones/{handset['id']}/texts", to=number["phoneNumber"], body="from elsewhere"
        )
        assert "from elsewhere" in "".join(heard(line, 2.0))
