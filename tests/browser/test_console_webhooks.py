"""Webhooks in a real Chromium: caught live, looked at with keys, copied as a command that works, delivered again."""

import subprocess
from typing import Any

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from tests.browser.watching import Console
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def delivery(line: Line) -> Any:
    """The newest delivery, once it was attempted."""
    found = until(
        lambda: [each for each in line.ask("GET", "/v1/webhooks/deliveries")["data"] if each["attemptCount"]]
    )
    return found[0]


def test_the_catcher_shows_what_comes_and_keeps_what_is_open(line: Line, console: Console) -> None:
    page = console.open("webhooks")
    page.get_by_role("button", name="Catch them here").click()
    page.wait_for_url("**/console/catch")
    line.hear("the first")
    first = page.locator("#live-caught details").first
    first.wait_for()
    first.locator("summary").click()
    first.get_by_text("the first").wait_for()
    line.hear("the second")
    page.locator("#live-caught details").nth(1).wait_for()
    opened = page.locator("#live-caught details[open]")
    assert opened.count() == 1
    assert opened.get_by_text("the first").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_url("**/console/webhooks")
    page.get_by_role("link", name="See what came").wait_for()


def test_a_failed_delivery_is_opened_copied_and_redelivered_by_keys(
    line: Line, console: Console, webhook_inbox: WebhookInbox
) -> None:
    console.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=console.base)
    secret = line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})["secret"]
    webhook_inbox.secret = secret
    webhook_inbox.answer(500)
    line.hear("what went wrong")
    failing = delivery(line)
    line.ask("POST", "/sim/v1/clock", {"freeze": True})
    until(
        lambda: (
            line.ask("POST", "/sim/v1/clock", {"advanceSeconds": 20_000})
            and delivery(line)["status"] == "failed"
        )
    )
    page = console.open("webhooks")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/webhooks/deliveries/{failing['id']}")
    assert page.locator("#attempts-title").is_visible()
    page.get_by_role("button", name="Copy as curl").click()
    page.get_by_role("button", name="Copied").wait_for()
    command = page.evaluate("navigator.clipboard.readText()")
    assert secret not in command + page.content()
    webhook_inbox.answer(200, "thank you")
    before = len(webhook_inbox.received)
    subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=20)
    assert len(webhook_inbox.received) == before + 1
    assert webhook_inbox.wait_for(count=before + 1).raw == webhook_inbox.received[0].raw
    page.keyboard.press("r")
    page.locator(".facts").get_by_text("Delivered").wait_for()
    page.get_by_text("thank you").wait_for()
    assert len(webhook_inbox.received) == before + 2
    page.keyboard.press("Escape")
    page.wait_for_url("**/console/webhooks")


def test_r_redelivers_the_row_that_is_chosen(
    line: Line, console: Console, webhook_inbox: WebhookInbox
) -> None:
    line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})
    line.hear("once")
    until(lambda: delivery(line)["success"])
    page = console.open("webhooks")
    page.wait_for_load_state()
    page.keyboard.press("r")
    page.keyboard.press("j")
    page.locator("tr[aria-selected=true]").wait_for()
    page.keyboard.press("r")
    page.get_by_text("It goes out again.").wait_for()
    until(lambda: delivery(line)["attemptCount"] == 2)
    assert len(webhook_inbox.received) == 2
    page.locator("tr[aria-selected=true]").wait_for()
