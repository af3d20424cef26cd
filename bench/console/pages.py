"""Every page as somebody sees it who was never here: when it paints, and what it weighs."""

import statistics
from typing import Any

from tests.browser.watching import weigh
from tests.console.test_pages import PAGES

from bench.console.desk import Desk, chromium, desk, enter
from bench.console.table import head, row

_PHONES = 3
FIRST_MS, CONTENT_MS, WARM_BYTES, COLD_BYTES, REQUESTS = 250, 400, 15_000, 110_000, 10
WATCH = """
window.paints = { first: 0, content: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntriesByName("first-contentful-paint")) paints.first = entry.startTime;
}).observe({ type: "paint", buffered: true });
new PerformanceObserver((list) => {
  paints.content = list.getEntries().at(-1).startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
"""


def report(rounds: int) -> None:
    with desk(_PHONES) as found, chromium() as browser:
        paths = [*PAGES, *_one_of_each(found)]
        paints = {path: [_paint(browser, found, path) for _ in range(rounds)] for path in paths}
        head(f"Pages, cold, median of {rounds}")
        for path, seen in paints.items():
            name = path.partition("/")[0] + (" (one)" if "/" in path else "") or "home"
            row(f"{name}: first paint", statistics.median(first for first, _ in seen), FIRST_MS)
            row(f"{name}: content", statistics.median(content for _, content in seen), CONTENT_MS)
        head("Weight")
        for path in paths:
            page = enter(browser, found.server, found.cookie)
            name = path.partition("/")[0] + (" (one)" if "/" in path else "") or "home"
            for kind, goal in (("cold", COLD_BYTES), ("warm", WARM_BYTES)):
                sizes = weigh(page, f"{found.server.url}/console/{path}")
                row(f"{name}: {kind}", sum(sizes), goal, "bytes")
                if kind == "cold":
                    row(f"{name}: requests", len(sizes), REQUESTS, "")
            page.context.close()


def _one_of_each(found: Desk) -> list[str]:
    """Texts and a call, and then the pages of one agent, conversation and call."""
    ask = found.server.request
    found.texting(20, 2).result()
    ask(
        "POST",
        f"/sim/v1/handsets/{found.phones[0]}/calls",
        {"to": found.number, "script": [{"hangup": True}]},
    )
    found.server.rest(20)
    ids = ((kind, ask("GET", f"/v1/{kind}?limit=1")["data"]) for kind in ("agents", "conversations", "calls"))
    return [f"{kind}/{rows[0]['id']}" for kind, rows in ids if rows]


def _paint(browser: Any, found: Desk, path: str) -> tuple[float, float]:
    """When anything was there, and when the largest thing was, in ms from the click on."""
    page = enter(browser, found.server, found.cookie)
    page.add_init_script(WATCH)
    page.goto(f"{found.server.url}/console/{path}", wait_until="networkidle")
    page.wait_for_timeout(200)
    paints = page.evaluate("paints")
    page.context.close()
    return paints["first"], paints["content"]
