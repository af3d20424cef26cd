"""What pages cost: bytes and requests, and the memory of a tab that is open for a day."""

import asyncio
from typing import Any

import pytest

from ringback.doors.console import live, view
from ringback.testing import Ringback
from tests.browser.watching import Console, furnished, weigh
from tests.callers import FAKE
from tests.console.looking import link_of
from tests.console.test_pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

BUBBLES, BATCH = 12, 100


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    return FAKE


def test_a_page_is_light(ringback: Ringback, chromium: Any) -> None:
    """Any page at most 110 kB and 10 requests for somebody who was never here, and 15 kB after that."""
    context = chromium.new_context()
    context.new_page().goto(ringback.base_url + link_of(ringback))
    state = context.storage_state()
    for path in [*PAGES, *furnished(ringback)]:
        context = chromium.new_context(storage_state=state)
        page, url = context.new_page(), f"{ringback.base_url}/console/{path}"
        cold, warm = weigh(page, url), weigh(page, url)
        context.close()
        assert len(cold) <= 10, (path, len(cold))
        assert sum(cold) <= 110_000, (path, sum(cold))
        assert sum(warm) <= 15_000, (path, sum(warm))


def test_ten_thousand_updates_leave_nothing_behind(ringback: Ringback, console: Console) -> None:
    """Less than 1 MB from the 1,000th on, and no more nodes than a page of texts has."""
    ringback.request("POST", "/v1/numbers", json={})
    page = console.open("phones")
    thread = page.locator("[data-blocks]").first.get_attribute("data-blocks").partition(",")[0]
    devtools = page.context.new_cdp_session(page)

    def update(first: int, last: int) -> tuple[int, int]:
        """Texts go by, one a frame; answers the heap in bytes and how many nodes there are."""
        for at in range(first, last, BATCH):
            ringback.on_loop(_send(ringback, thread, at, at + BATCH))
            page.locator(".thread .bubble", has_text=f"text {at + BATCH - 1} ").first.wait_for()
        devtools.send("HeapProfiler.collectGarbage")
        used = devtools.send("Runtime.getHeapUsage")["usedSize"]
        return used, devtools.send("Memory.getDOMCounters")["nodes"]

    early, late = update(0, 1_000), update(1_000, 10_000)
    assert late[0] - early[0] < 1_000_000, (early, late)
    assert late[1] - early[1] < 1_000, (early, late)


async def _send(ringback: Ringback, thread: str, first: int, last: int) -> None:
    """Frames as the server makes them, without their pace."""
    board = next(iter(ringback.server.console.live.boards))
    for newest in range(first, last):
        texts = [_text(n) for n in range(max(0, newest - BUBBLES + 1), newest + 1)]
        html = view.render("parts/thread.html", name=thread, texts=texts, peer="+14155550100")
        for page in board.pages:
            # More than the page has taken would let it go, as it should.
            while page.untaken > 100_000:
                await asyncio.sleep(0.01)
            page.send(live.framed(thread, html))


def _text(n: int) -> dict[str, Any]:
    at = "2026-11-26T12:00:00.000Z"
    return {
        "id": f"hsm_{n}",
        "direction": "out" if n % 2 else "in",
        "body": f"text {n} of many",
        "status": "delivered",
        "at": at,
        "media": [],
    }
