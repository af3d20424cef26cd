"""Pages for everybody: axe finds nothing, the keyboard alone is enough, and a screen reader hears what comes."""

from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Ringback
from tests.browser.watching import Console, furnished
from tests.callers import FAKE
from tests.console.test_pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
FOUND = """async () => (await axe.run(document)).violations.map(
  (rule) => `${rule.impact} ${rule.id}: ${rule.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`
)"""
LISTEN = """() => {
  // What can be acted on and is shown; what Tab has reached of it; and what was reached and did not show it.
  const acts = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0'], audio[controls]";
  window.wanted = new Set([...document.querySelectorAll(acts)].filter((it) => !it.disabled && it.checkVisibility()));
  window.unseen = [];
  const ringed = (it) => {
    const box = it.getBoundingClientRect(), style = getComputedStyle(it);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 8 && box.height > 8;
  };
  addEventListener("focusin", ({ target }) => {
    if (wanted.delete(target) && ![target, target.closest("label")].some((it) => it && ringed(it))) unseen.push(target.outerHTML.slice(0, 160));
  });
  return wanted.size;
}"""
NAME = """() => {
  const it = document.activeElement;
  return (it.getAttribute("aria-label") || it.labels?.[0]?.textContent || it.textContent || "").trim();
}"""


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    return FAKE


def judge(console: Console, where: str) -> list[str]:
    """What axe finds on the page as it is."""
    console.page.evaluate(AXE.read_text(encoding="utf-8"))
    return [f"{where}: {found}" for found in console.page.evaluate(FOUND)]


@pytest.mark.parametrize("width", [1360, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(ringback: Ringback, console: Console, theme: str, width: int) -> None:
    console.page.emulate_media(color_scheme=theme)
    console.page.set_viewport_size({"width": width, "height": 844})
    found = []
    for path in PAGES:
        console.open(path)
        found += judge(console, f"{path}, empty")
    for path in [*PAGES, *furnished(ringback), "nowhere"]:
        console.open(path)
        found += judge(console, path)
    assert found == []
    console.wrong = [said for said in console.wrong if "404" not in said]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens(ringback: Ringback, console: Console, theme: str) -> None:
    page = console.page
    page.emulate_media(color_scheme=theme)
    found = []
    for path in [*PAGES, *furnished(ringback)]:
        console.open(path)
        for opener in page.locator("[popovertarget]:visible").all()[:4]:
            opener.click()
            found += judge(console, f"{path}: {opener.get_attribute('popovertarget')}")
            page.keyboard.press("Escape")
    page.keyboard.press("?")
    found += judge(console, "keys")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    found += judge(console, "palette")
    page.context.clear_cookies()
    console.open("events")
    found += judge(console, "sign in")
    assert found == []


def test_tab_reaches_every_action_and_shows_where_it_is(ringback: Ringback, console: Console) -> None:
    page = console.page
    for path in [*PAGES, *furnished(ringback)]:
        console.open(path)
        for _ in range(page.evaluate(LISTEN) + 12):
            page.keyboard.press("Tab")
        missed = page.evaluate(
            "[...wanted].filter((it) => it.isConnected).map((it) => it.outerHTML.slice(0, 160))"
        )
        assert missed == [], path
        assert page.evaluate("unseen") == [], path


def test_a_new_text_is_told_to_a_screen_reader(ringback: Ringback, console: Console) -> None:
    """It comes into a log that was there before; a log is a polite live region (WAI-ARIA 1.2)."""
    page = console.page
    [_, conversation, *_] = furnished(ringback)
    number, handset = (
        ringback.request("GET", path).json["data"][0] for path in ("/v1/numbers", "/sim/v1/handsets")
    )
    for path in ("phones", conversation):
        console.open(path)
        log = page.get_by_role("log").filter(has_text="bold").first
        log.wait_for()
        page.evaluate("(it) => { window.kept = it; }", log.element_handle())
        said = f"told on {path.partition('/')[0]}"
        sent = {"to": number["phoneNumber"], "body": said}
        ringback.request("POST", f"/sim/v1/handsets/{handset['id']}/messages", json=sent)
        log.get_by_text(said).wait_for()
        assert page.evaluate("(said) => kept.isConnected && kept.textContent.includes(said)", said)


def reach(page: Any, name: str, most: int = 150) -> None:
    """Tab until what has the focus is called so."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if name in page.evaluate(NAME):
            return
    raise AssertionError(f"Tab does not lead to {name}")


def test_a_newcomers_path_by_the_keyboard_alone(ringback: Ringback, console: Console) -> None:
    """A new phone, a text to the agent, its answer, a call, and hanging up."""
    page = console.page
    page.set_default_timeout(30_000)
    press = page.keyboard.press
    reach(page, "New agent")
    press("Enter")
    page.wait_for_url("**/agents/new")
    reach(page, "Name")
    page.keyboard.type("Front desk")
    press("Enter")
    page.get_by_role("button", name="Get a number for it").wait_for()
    reach(page, "Get a number for it")
    press("Enter")
    page.get_by_label("Text it").wait_for()
    page.wait_for_load_state()
    page.keyboard.type("gp")
    page.wait_for_url("**/phones")
    phones = page.locator(".handset").count()
    reach(page, "New phone")
    press("Enter")
    page.locator(".handset").nth(phones).wait_for()
    reach(page, "Text from")
    page.keyboard.type("Is anybody there?")
    press("Enter")
    new = page.locator(".handset").nth(phones)  # the page leads to the new one
    new.locator(".bubble.out", has_text="Is anybody there?").wait_for()
    number = ringback.request("GET", "/v1/numbers").json["data"][0]
    asked = ringback.request("GET", "/v1/conversations").json["data"][0]["participant"]
    answer = {"to_number": asked, "body": "Yes. How can I help?", "number_id": number["id"]}
    assert ringback.request("POST", "/v1/messages", json=answer).status == 200
    new.get_by_role("log").get_by_text("Yes. How can I help?").wait_for()
    assert "Text from" in page.evaluate(NAME)
    reach(page, "Call Front desk")
    press("Enter")
    page.get_by_role("button", name="Hang up").wait_for()
    reach(page, "Hang up")
    press("Enter")
    page.get_by_role("button", name="Hang up").wait_for(state="detached")
