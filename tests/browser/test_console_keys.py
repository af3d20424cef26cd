"""Every key of the console in a real Chromium: what it does, that it is off while somebody types, and off for good."""

from typing import Any

import pytest

from ringback.testing import Handsets, Ringback
from tests.browser.watching import Console
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PLACES = {
    "h": "",
    "p": "phones",
    "n": "numbers",
    "a": "agents",
    "c": "conversations",
    "l": "calls",
    "w": "webhooks",
    "e": "events",
    "u": "usage",
    "s": "settings",
}


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def test_g_and_a_letter_lead_to_every_page(console: Console) -> None:
    page = console.open("usage")
    for letter, place in PLACES.items():
        page.keyboard.type(f"g{letter}")
        page.wait_for_url(f"**/console/{place}")
    page.keyboard.press("g")
    page.wait_for_timeout(1_300)
    page.keyboard.press("w")
    page.wait_for_timeout(200)
    assert page.url.endswith("/settings")


def test_the_help_lists_every_key(console: Console) -> None:
    page = console.open("events")
    page.keyboard.press("?")
    help_ = page.locator("#help")
    help_.get_by_role("heading", name="Keys").wait_for()
    shown = {key for told in help_.locator(".kbd").all_inner_texts() for key in [told.strip()]}
    assert shown >= {
        "?",
        "Ctrl",
        "K",
        "/",
        "g",
        "j",
        "k",
        "Enter",
        "Esc",
        "n",
        "r",
        "Space",
        "x",
        ".",
        *PLACES,
    }
    page.keyboard.press("Escape")
    help_.wait_for(state="hidden")
    assert page.url.endswith("/events")


def test_the_palette_finds_a_page_with_either_modifier(console: Console) -> None:
    page = console.open("events")
    for chord, typed, place in (("Control+k", "num", "numbers"), ("Meta+k", "webh", "webhooks")):
        page.keyboard.press(chord)
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/console/{place}")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    page.locator("#palette").wait_for(state="hidden")


def test_rows_are_gone_through_opened_and_left(ringback: Ringback, console: Console) -> None:
    for name in ("one", "two"):
        ringback.request("POST", "/v1/agents", json={"name": name})
    page = console.open("agents")
    assert page.locator("[data-row]").count() == 2
    for key, place in (("j", 0), ("j", 1), ("j", 1), ("k", 0)):
        page.keyboard.press(key)
        rows = page.locator("[data-row]")
        chosen = [
            rows.nth(at).get_attribute("aria-selected") or rows.nth(at).get_attribute("aria-current")
            for at in (0, 1)
        ]
        assert [each == "true" for each in chosen] == [place == 0, place == 1]
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/agents/agt_*")
    page.keyboard.press("Escape")
    page.wait_for_url("**/console/agents")
    page.keyboard.press("n")
    page.wait_for_url("**/console/agents/new")


def test_search_new_and_out_of_a_field(console: Console) -> None:
    page = console.open("numbers")
    page.keyboard.press("/")
    assert focused(page) == "areaCode"
    page.keyboard.type("41n?.")
    assert page.url.endswith("/numbers")
    assert page.locator("#areaCode").input_value() == "41n"
    page.keyboard.press("Escape")
    assert focused(page) == ""
    console.open("settings")
    page.keyboard.press("n")
    assert focused(page) == "name"
    console.open("webhooks")
    page.keyboard.press("n")
    assert focused(page) == "url"


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement === document.body ? '' : document.activeElement.id"))


def test_a_point_pauses_what_is_live(ringback: Ringback, console: Console) -> None:
    page = console.open("events")
    page.wait_for_function("document.getElementById('live')._htmx?.ws?.connection?.socket?.readyState === 1")
    page.keyboard.press(".")
    page.get_by_text("Paused. Press . to go on.").wait_for()
    ringback.request("POST", "/v1/agents", json={"name": "unseen"})
    page.wait_for_timeout(500)
    assert page.get_by_text("Agent made").count() == 0
    page.keyboard.press(".")
    page.get_by_text("Agent made").wait_for()


def test_x_hangs_up_and_space_scrolls_where_nothing_plays(line: Line, console: Console) -> None:
    page = console.open("phones")
    page.keyboard.press("x")
    page.get_by_role("button", name="Call ").first.click()
    page.locator("[data-hang-up]").wait_for()
    page.keyboard.press("x")
    page.locator(".incall").wait_for(state="detached")
    phones = [each["id"] for each in line.ask("GET", "/sim/v1/handsets")["data"]]

    def ended() -> bool:
        made = [call for each in phones for call in line.ask("GET", f"/sim/v1/handsets/{each}/calls")["data"]]
        return len(made) == 1 and made[0]["status"] not in ("dialing", "ringing", "in-progress")

    until(ended)
    page.set_viewport_size({"width": 900, "height": 300})
    console.open("settings")
    page.keyboard.press("Space")
    page.wait_for_function("scrollY > 0")


def test_single_keys_can_be_switched_off_for_good(console: Console) -> None:
    page = console.open("events")
    page.keyboard.press("?")
    page.get_by_label("Single keys work").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.type("gn?")
    console.open("events")
    page.keyboard.type("gn?")
    page.wait_for_timeout(200)
    assert page.url.endswith("/events")
    assert not page.locator("#help").is_visible()
    page.keyboard.press("Control+k")
    page.locator("#palette").wait_for()
    page.keyboard.press("Escape")
    page.locator("#palette").wait_for(state="hidden")
    page.evaluate("localStorage.removeItem('keys-off')")
    page.keyboard.type("gn")
    page.wait_for_url("**/console/numbers")
