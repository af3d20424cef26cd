"""Where things stand on a page of the console: what opens at its button, phones side by side, words that can be read."""

from typing import Any

import pytest

from ringback.testing import Ringback
from tests.browser.watching import Console, furnished

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

GAP_PX = 16
"""Between a button and what opens at it, at most."""


def box(element: Any) -> tuple[float, float, float, float]:
    """Left, top, right and bottom, in pixels of the window."""
    found = element.bounding_box()
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]


def apart(one: Any, other: Any) -> float:
    """How far two boxes are from one another; 0 where they touch."""
    left, top, right, bottom = box(one)
    to_left, to_top, to_right, to_bottom = box(other)
    return max(0, to_left - right, left - to_right) + max(0, to_top - bottom, top - to_bottom)


def opened(page: Any) -> list[tuple[Any, Any]]:
    """The buttons of a page that open something, each with what it opens."""
    buttons = page.locator("[popovertarget]").all()
    return [(button, page.locator(f"#{button.get_attribute('popovertarget')}")) for button in buttons]


def test_what_opens_stands_at_its_button_and_wholly_in_the_window(
    ringback: Ringback, console: Console
) -> None:
    agent = furnished(ringback)[0]
    for path, least in (("phones", 3), ("numbers", 1), (agent, 1), ("settings", 1)):
        for width, height in ((1360, 880), (1024, 600), (390, 844)):
            console.page.set_viewport_size({"width": width, "height": height})
            page = console.open(path)
            found = opened(page)
            assert len(found) >= least, path
            for button, told in found:
                button.click()
                left, top, right, bottom = box(told)
                assert left >= 0, (path, width)
                assert top >= 0, (path, width)
                assert right <= width, (path, width)
                assert bottom <= height, (path, width)
                if width > 760:
                    assert apart(button, told) <= GAP_PX, (path, width, box(button), box(told))
                page.keyboard.press("Escape")
                told.wait_for(state="hidden")


@pytest.mark.parametrize("width", [1024, 1200, 1280, 1360, 1440])
def test_two_phones_stand_side_by_side(ringback: Ringback, console: Console, width: int) -> None:
    """Also where a scroll bar takes 15 pixels, which Chromium's own here does not."""
    ringback.request("POST", "/sim/v1/handsets", json={"name": "Ada"})
    console.page.set_viewport_size({"width": width - 15, "height": 880})
    page = console.open("phones")
    tops = [box(phone)[1] for phone in page.locator(".handset").all()]
    assert len(tops) == 2
    assert tops[0] == tops[1]


def test_what_happened_is_not_cut(ringback: Ringback, console: Console) -> None:
    """A text that went out and one that came in with a webhook, each with its steps."""
    furnished(ringback)
    for path, width in (("phones", 1280), ("phones", 1360), ("", 1360), ("phones", 390)):
        console.page.set_viewport_size({"width": width, "height": 880})
        page = console.open(path)
        page.locator(".activity .steps").first.wait_for()
        cut = page.evaluate(
            """() => [...document.querySelectorAll(".activity .what, .activity .steps span")]
            .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth)
            .map((element) => element.textContent)"""
        )
        assert cut == [], (path, width)
        within = page.evaluate(
            """() => [...document.querySelectorAll(".activity .steps span")].every((step) => {
              const row = step.closest("li").getBoundingClientRect(), own = step.getBoundingClientRect();
              return own.left >= row.left && own.right <= row.right && own.bottom <= row.bottom + 1;
            })"""
        )
        assert within, (path, width)


CUT = """() => {
  const pen = document.createElement("canvas").getContext("2d");
  const wide = (select) => {
    const style = getComputedStyle(select);
    pen.font = style.font;
    const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 18;
    return [...select.options].map((option) => option.text).filter((text) => pen.measureText(text).width > room);
  };
  const selects = [...document.querySelectorAll("main select")].filter((one) => one.checkVisibility() && !one.title).flatMap(wide);
  const cut = [...document.querySelectorAll("main *")].filter((one) => one.checkVisibility() && !one.children.length
    && getComputedStyle(one).textOverflow === "ellipsis" && one.scrollWidth > one.clientWidth && !one.title && !one.closest("[title]"));
  return [...selects, ...cut.map((one) => one.textContent)];
}"""
"""What stands on a page and can't be read to its end: choices that are wider than their field, and texts that end in dots and
are not whole on hover."""


def test_everything_on_a_page_can_be_read_to_its_end(ringback: Ringback, console: Console) -> None:
    agent, talk, call, delivery = furnished(ringback)
    own = ("phones", "numbers", "agents", agent, "conversations", talk, "calls", call, delivery)
    found = "conversations?q=bold"
    for width in (1360, 1180, 800):
        console.page.set_viewport_size({"width": width, "height": 880})
        for path in ("", *own, found):
            page = console.open(path)
            page.evaluate("document.fonts.ready")
            assert page.evaluate(CUT) == [], (path, width)
        pane, reading = page.locator("#found"), page.locator(".reading")
        assert not reading.is_visible() or box(pane)[2] <= box(reading)[0], width
