"""The wall of phones as its person left it."""

import pytest

from ringback.testing import Ringback
from tests.browser.watching import Console

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_a_phone_keeps_the_thread_that_was_chosen_on_it(ringback: Ringback, console: Console) -> None:
    numbers = [ringback.request("POST", "/v1/numbers", json={}).json["phoneNumber"] for _ in range(2)]
    page = console.open("phones")
    choice = page.get_by_label("Whom to text from").first
    other = next(number for number in numbers if number != choice.input_value())
    choice.select_option(other)
    page.locator(f".composer input[name=to][value='{other}']").first.wait_for(state="attached")
    page.get_by_role("button", name="New phone").click()
    page.locator(".handset").nth(1).wait_for()
    assert page.get_by_label("Whom to text from").nth(0).input_value() == other
    assert page.get_by_label("Whom to text from").nth(1).input_value() != other
    page.locator(".handset").nth(0).get_by_role("textbox", name="Text from").fill("It is still you.")
    page.keyboard.press("Enter")
    page.locator(".handset").nth(0).get_by_text("It is still you.").wait_for()


def test_the_clock_is_frozen_moved_and_let_go(ringback: Ringback, console: Console) -> None:
    def clock() -> tuple[str, float]:
        told = ringback.request("GET", "/sim/v1/clock").json
        return told["mode"], told["offsetSeconds"]

    def press(button: str) -> None:
        page.get_by_role("button", name="Clock", exact=True).click()
        with page.expect_navigation():
            page.get_by_role("button", name=button).click()

    page = console.open("phones")
    press("Freeze")
    page.get_by_text("Clock frozen").wait_for()
    before = clock()[1]
    press("1 hour on")
    assert clock()[0] == "frozen"
    assert clock()[1] - before > 3_500
    press("Let it run")
    page.get_by_text("Clock runs").wait_for()
    assert clock()[0] == "real"
