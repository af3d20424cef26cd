"""From a text that a phone sends to its bubble on the page of phones."""

import time
from typing import Any

from bench.console.desk import Desk, chromium, desk, enter
from bench.console.table import head, percentile, row

_SETTLE_S = 1.0
_LATE_S = 8.0
SEEN = """
window.seen = new Map();
const within = (node) => node.nodeType === 1
  ? node.closest(".thread") || node.querySelector(".thread")
  : node.parentElement?.closest(".thread");
new MutationObserver((changes) => {
  const now = Date.now();
  for (const change of changes) {
    for (const node of change.type === "characterData" ? [change.target] : change.addedNodes) {
      if (!within(node)) continue;
      for (const [, n, at] of node.textContent.matchAll(/text (\\d+) sent at (\\d+)/g)) {
        if (!seen.has(n)) seen.set(n, now - at);
      }
    }
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
"""
CASES = ((10, 20, 100), (100, 2, 300), (100, 20, 300))
"""Texts a second, phones on the wall, and the goal for the 95th percentile in ms."""


def report(seconds: float) -> None:
    head(f"From the request of a text to its bubble in the DOM, {seconds:g} s each")
    with chromium() as browser:
        for rate, phones, goal in CASES:
            with desk(phones) as found:
                _report(browser, found, rate, seconds, goal)


def _report(browser: Any, found: Desk, rate: int, seconds: float, goal: float) -> None:
    page = enter(browser, found.server, found.cookie)
    page.add_init_script(SEEN)
    page.goto(f"{found.server.url}/console/phones", wait_until="networkidle")
    page.wait_for_timeout(_SETTLE_S * 1000)
    cpu, began = found.server.cpu_s(), time.perf_counter()
    texting = found.texting(rate, seconds)
    while not texting.done():
        page.wait_for_timeout(200)
    run = texting.result()
    cpu = (found.server.cpu_s() - cpu) / (time.perf_counter() - began)
    page.wait_for_timeout(_LATE_S * 1000)
    waits = [float(ms) for ms in page.evaluate("[...seen.values()]")]
    page.context.close()
    if not waits:
        raise SystemExit("no text was seen on the page")
    name = f"{rate}/s, {len(found.phones)} phones"
    row(f"{name}: p50", percentile(waits, 0.5))
    row(f"{name}: p95", percentile(waits, 0.95), goal)
    row(f"{name}: unseen", (len(run.latencies_s) - len(waits)) / len(run.latencies_s) * 100, unit="%")
    row(f"{name}: server's CPU, texts included", cpu * 100, unit="% of a core")
