"""The first visitor of `/mcp` waits while the protocol is loaded, and nobody else does."""

import http.client
import json
import threading
import time
from pathlib import Path

import pytest

from tests.mcp.rpc import ACCEPT
from tests.scenarios.pages import served

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120), pytest.mark.realtime]


def test_others_are_answered_while_the_protocol_is_loaded(tmp_path: Path) -> None:
    with served(tmp_path) as desk:
        key = (tmp_path / "ringback-data/first-key").read_text(encoding="utf-8").strip()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **ACCEPT}
        asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        first: list[tuple[float, int]] = []

        def visit() -> None:
            connection, begun = http.client.HTTPConnection("127.0.0.1", desk.port), time.monotonic()
            connection.request("POST", "/mcp", asked, headers)
            status = connection.getresponse().status
            first.append((time.monotonic() - begun, status))
            connection.close()

        other, times = http.client.HTTPConnection("127.0.0.1", desk.port), list[float]()
        other.request("GET", "/v1/numbers", headers=headers)
        assert other.getresponse().read()
        visitor = threading.Thread(target=visit)
        visitor.start()
        while not first:
            begun = time.monotonic()
            other.request("GET", "/v1/numbers", headers=headers)
            assert other.getresponse().read()
            times.append(time.monotonic() - begun)
            time.sleep(0.005)
        visitor.join()
        other.close()
    [(waited, status)] = first
    assert status == 200
    assert len(times) > 20, f"{len(times)} were answered within {waited:.2f} s"
    assert max(times) < 0.5, f"one waited {max(times):.2f} s, the first visitor {waited:.2f} s"
