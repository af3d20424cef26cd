"""The socket of a page: who gets one, and that it tells each page what it shows, once a frame."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from ringback.doors.console import live
from ringback.testing import Ringback
from tests.console.looking import Looking, signed_in

pytestmark = pytest.mark.scenario
FRAME_S = 0.1


@contextmanager
def page(looking: Looking, *shows: str, origin: str | None = "") -> Iterator[Any]:
    """An open socket of a page that shows these blocks."""
    from websockets.sync.client import connect

    address = (
        f"ws{looking.base.removeprefix('http')}/console/live?{'&'.join(f'show={name}' for name in shows)}"
    )
    headers = {"Cookie": looking.cookie} if looking.cookie else {}
    own: Any = looking.base if origin == "" else origin
    with connect(
        address, additional_headers=headers, origin=own, compression=None, ping_interval=None
    ) as line:
        yield line


def heard(line: Any, seconds: float = 1.0) -> list[str]:
    """The frames that come within the time."""
    frames, until = [], time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        try:
            frames.append(str(line.recv(timeout=left)))
        except TimeoutError:
            break
    return frames


def blocks(frame: str) -> set[str]:
    return set(re.findall(r'<hx-partial hx-target="#live-([\w-]+)"', frame))


def test_a_page_gets_what_it_shows_at_once_and_then_what_changes(ringback: Ringback) -> None:
    with page(signed_in(ringback), "events", "numbers") as line:
        [first] = heard(line, 0.6)
        assert blocks(first) == {"events", "numbers"}
        assert "No numbers yet" in first
        number = ringback.request("POST", "/v1/numbers", json={}).json["phoneNumber"]
        told = "".join(heard(line))
        assert f"+1{number[2:]}" in told
        assert "Number bought" in told


def test_a_page_hears_nothing_of_what_it_does_not_show(ringback: Ringback) -> None:
    with page(signed_in(ringback), "calls") as line:
        heard(line, 0.6)
        ringback.request("POST", "/v1/numbers", json={})
        assert heard(line) == []


def test_many_events_are_few_frames(ringback: Ringback) -> None:
    with page(signed_in(ringback), "events") as line:
        heard(line, 0.6)
        begun = time.monotonic()
        for number in range(60):
            ringback.request("POST", "/v1/agents", json={"name": f"agent {number}"})
        newest = ringback.request("GET", "/v1/events").json["newest"]
        frames = heard(line, 0.1)
        while f">{newest}<" not in "".join(frames[-1:]):
            frames.append(str(line.recv(timeout=20)))
        assert len(frames) <= (time.monotonic() - begun) / FRAME_S + 2


def test_a_block_goes_out_at_once_and_waits_only_for_itself(
    ringback: Ringback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FRAME_S", 60.0)
    with page(signed_in(ringback), "agents", "numbers") as line:
        heard(line, 0.6)
        ringback.request("POST", "/v1/agents", json={"name": "first"})
        assert blocks(str(line.recv(timeout=10))) == {"agents"}
        ringback.request("POST", "/v1/numbers", json={})
        assert blocks(str(line.recv(timeout=10))) == {"numbers"}
        ringback.request("POST", "/v1/agents", json={"name": "second"})
        assert heard(line, 0.6) == []


def test_two_pages_of_an_account_share_one_board_and_the_last_one_closes_it(ringback: Ringback) -> None:
    open_pages = ringback.server.console.live
    looking = signed_in(ringback)
    with page(looking, "events") as one, page(looking, "events", "calls") as other:
        assert (heard(one, 0.6) != [], heard(other, 0.6) != []) == (True, True)
        assert open_pages.pages == 2
        ringback.request("POST", "/v1/agents", json={"name": "seen by both"})
        assert "Agent made" in heard(one)[0]
        assert "Agent made" in heard(other)[0]
    for _ in range(100):
        if open_pages.pages == 0:
            break
        time.sleep(0.02)
    assert open_pages.pages == 0


def test_nobody_hears_of_another_account(ringback: Ringback) -> None:
    other = Looking(ringback)
    other.post("/console/sign-in", key=ringback.new_account("other"))
    with page(other, "events", "agents", "activity", "home") as line:
        heard(line, 0.6)
        ringback.request("POST", "/v1/agents", json={"name": "Not for you"})
        assert heard(line) == []


def test_without_a_session_the_page_is_told_to_sign_in(ringback: Ringback) -> None:
    from websockets.exceptions import ConnectionClosed

    with page(Looking(ringback), "events") as line, pytest.raises(ConnectionClosed) as closed:
        line.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_no_page_of_somebody_else_listens(ringback: Ringback, origin: str | None) -> None:
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus) as refused, page(signed_in(ringback), "events", origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_blocks_that_there_are_not_are_left_out(ringback: Ringback) -> None:
    with page(signed_in(ringback), "nothing", "call:call_none", "events") as line:
        [frame] = heard(line, 0.6)
        assert blocks(frame) == {"events"}


def test_what_is_no_websocket_is_told_so(ringback: Ringback) -> None:
    assert signed_in(ringback).get("/console/live?show=events").status == 426


def test_what_a_page_sends_is_not_read(ringback: Ringback) -> None:
    with page(signed_in(ringback), "events") as line:
        heard(line, 0.6)
        line.send("<b>anything</b>")
        ringback.request("POST", "/v1/agents", json={"name": "still live"})
        assert "Agent made" in "".join(heard(line))


def test_a_text_moves_on_in_the_thread_it_belongs_to(ringback: Ringback) -> None:
    number = ringback.request("POST", "/v1/numbers", json={}).json
    handset = ringback.request("GET", "/sim/v1/handsets").json["data"][0]
    thread = f"thread:{handset['id']}~%2B{number['phoneNumber'][1:]}"
    with page(signed_in(ringback), thread) as line:
        assert "No texts yet" in heard(line, 0.6)[0]
        sent = {"to": number["phoneNumber"], "body": "<i>ticks</i>"}
        ringback.request("POST", f"/sim/v1/handsets/{handset['id']}/messages", json=sent)
        last = heard(line)[-1]
        assert "&lt;i&gt;ticks&lt;/i&gt;" in last
        assert 'aria-label="delivered"' in last


def test_a_page_ends_with_its_key(ringback: Ringback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_SESSION_S", 0.1)
    looking, key = Looking(ringback), ringback.new_account("somebody")
    looking.post("/console/sign-in", key=key)
    with page(looking, "agents") as line:
        heard(line, 0.6)
        ringback.revoke_key(key)
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=5)
        assert line.close_code == 4401
