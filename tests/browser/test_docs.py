"""The documentation in a real Chromium: on a narrow screen, in both themes, with script and without, by its own rules."""

from typing import Any

import pytest

from ringback.doors.docs import shelf
from ringback.testing import Ringback
from tests.browser.test_access import AXE, FOUND
from tests.browser.watching import WATCH

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PAGES = ("", "/api", *(f"/{name}" for name in shelf.names() if name != shelf.INDEX))
BACKGROUND = {"light": "rgb(246, 247, 248)", "dark": "rgb(13, 17, 20)"}


@pytest.mark.parametrize("script", [True, False])
def test_every_page_fits_in_both_themes(ringback: Ringback, chromium: Any, script: bool) -> None:
    context = chromium.new_context(java_script_enabled=script)
    page, loaded, said = context.new_page(), list[str](), list[str]()
    page.on("request", lambda request: loaded.append(request.url))
    page.on("console", lambda told: said.append(told.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    if script:
        page.add_init_script(WATCH)
    for name in PAGES:
        page.goto(f"{ringback.base_url}/docs{name}")
        for width in (1360, 390):
            page.set_viewport_size({"width": width, "height": 844})
            assert fits(page, width), (name, width)
            shown = page.locator(".docs-side" if width > 860 else ".docs-all")
            assert shown.is_visible(), (name, width)
        for theme, colour in BACKGROUND.items():
            page.emulate_media(color_scheme=theme)
            if script:  # which hears of it, and paints
                page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
            assert page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == colour
        if script:
            said += page.evaluate("window.broken")
    assert said == []
    assert [url for url in loaded if not url.startswith(ringback.base_url)] == []


@pytest.mark.parametrize("theme", BACKGROUND)
def test_axe_finds_nothing(ringback: Ringback, chromium: Any, theme: str) -> None:
    """On a page of each kind: the index, tables, code, the reference, and what is found, and where no page is."""
    page = chromium.new_page(color_scheme=theme, bypass_csp=True)
    for name in ("", "/errors", "/skill", "/api", "/search?q=webhook", "/nowhere"):
        page.goto(f"{ringback.base_url}/docs{name}")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        for width in (1360, 390):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate(FOUND) == [], (name, width)


def fits(page: Any, width: int) -> bool:
    """Nothing stands out at the side; what is wider scrolls in a box of its own."""
    inner = page.locator("html").evaluate("html => html.scrollWidth")
    return bool(inner <= width) and page.locator("main h1").is_visible()


def test_it_is_read_with_the_keyboard_alone(ringback: Ringback, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{ringback.base_url}/docs/errors")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator(".docs-all summary").focus()
    page.keyboard.press("Enter")
    page.locator(".docs-all").get_by_role("link", name="Quickstart").press("Enter")
    page.wait_for_url("**/docs/quickstart")
    page.goto(f"{ringback.base_url}/docs/errors#once-although-asked-twice")
    assert page.locator(":target").is_visible()


def test_they_are_searched_without_script(ringback: Ringback, chromium: Any) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(f"{ringback.base_url}/docs")
    page.get_by_role("searchbox").fill("dead endpoint")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="An endpoint that is dead").click()
    assert page.url.endswith("/docs/webhooks-delivery#an-endpoint-that-is-dead")
    assert page.locator(":target").is_visible()
