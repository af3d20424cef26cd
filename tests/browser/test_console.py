"""The console in a real Chromium: what a newcomer does first, live, over a restart, and without one broken rule."""

import pytest

from ringback.testing import Ringback
from tests.browser.watching import Console
from tests.console.test_pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_a_newcomer_makes_an_agent_gets_a_number_and_texts_it(ringback: Ringback, console: Console) -> None:
    page = console.page
    page.get_by_role("link", name="New agent").first.click()
    page.get_by_label("Name", exact=True).fill("Front <b>desk</b>")
    page.get_by_role("button", name="Make agent").click()
    page.get_by_role("button", name="Get a number for it").click()
    page.get_by_label("Text it").fill("Is anybody there?")
    page.keyboard.press("Enter")
    page.locator(".trial .bubble", has_text="Is anybody there?").wait_for()
    console.open("phones")
    phone = page.locator(".handset").first
    phone.locator(".bubble", has_text="Is anybody there?").wait_for()
    draft = phone.get_by_role("textbox", name="Text from")
    draft.fill("half typed")
    number, handset = (
        ringback.request("GET", path).json["data"][0] for path in ("/v1/numbers", "/sim/v1/handsets")
    )
    sent = {"to_number": handset["phoneNumber"], "body": "Yes, <i>here</i>", "number_id": number["id"]}
    assert ringback.request("POST", "/v1/messages", json=sent).status == 200
    phone.locator(".bubble", has_text="Yes, <i>here</i>").wait_for()
    page.locator(".activity li", has_text="Yes, <i>here</i>").wait_for()
    assert draft.input_value() == "half typed"
    draft.fill("second")
    draft.press("Enter")
    phone.locator(".bubble.out", has_text="second").wait_for()
    phone.locator(".under.out svg[aria-label=delivered]").nth(1).wait_for()
    assert draft.input_value() == ""
    console.open("conversations")
    page.get_by_role("link", name="second").click()
    page.get_by_label("Reply").fill("As the agent")
    page.keyboard.press("Enter")
    page.locator(".bubble.out", has_text="As the agent").wait_for()


def test_a_number_is_searched_and_bought(ringback: Ringback, console: Console) -> None:
    page = console.open("numbers")
    page.get_by_label("Area code").fill("415")
    button = page.get_by_role("button", name="Buy (415)").first
    bought = button.get_attribute("aria-label").removeprefix("Buy ")
    button.dblclick()
    page.get_by_text("is yours.").wait_for()
    assert page.locator(".toast.bad").count() == 0, "the second click buys nothing and is not refused"
    page.locator("#live-numbers").get_by_text("(415)").first.wait_for()
    page.locator("#offers li", has_text=bought).get_by_text("Bought").wait_for()
    assert page.get_by_role("button", name=f"Buy {bought}").count() == 0
    assert ringback.request("GET", "/v1/numbers").json["total"] == 1
    first = page.get_by_role("button", name="Buy (415)").first.get_attribute("aria-label")
    page.get_by_role("button", name="Get any number").click()
    page.get_by_text("Bought", exact=True).wait_for(state="detached")
    assert page.get_by_role("button", name=first).count() == 1, "the same search again"
    for number in ringback.request("GET", "/v1/numbers").json["data"]:
        e164 = number["phoneNumber"]
        assert page.locator(f'#offers [title="{e164}"]').count() == 0


def test_a_new_key_is_in_the_table_and_revoked_there(console: Console) -> None:
    page = console.open("settings")
    page.get_by_label("Name", exact=True).fill("for a robot")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_text("It is shown this once").wait_for()
    row = page.locator("#keys-table tr", has_text="for a robot")
    row.get_by_role("button", name="Revoke for a robot").click()
    row.locator("[popover]").get_by_role("button", name="Revoke").click()
    page.locator("#keys-table tr", has_text="for a robot").get_by_text("Revoked").wait_for()


def test_a_call_from_a_phone_is_seen_answered_and_hung_up(ringback: Ringback, console: Console) -> None:
    """Also where no calls can be held: the phone hears why."""
    ringback.request("POST", "/v1/numbers", json={})
    page = console.open("phones")
    page.get_by_role("button", name="Call Your number").click()
    handset = ringback.request("GET", "/sim/v1/handsets").json["data"][0]["id"]
    calls = f"/sim/v1/handsets/{handset}/calls"
    for _ in range(200):
        if found := ringback.request("GET", calls).json["data"]:
            break
        page.wait_for_timeout(50)
    if found[0]["status"] in ("dialing", "ringing", "in-progress"):
        page.get_by_role("button", name="Hang up").click(timeout=20_000)
    page.locator(".incall").wait_for(state="detached", timeout=20_000)


def test_every_page_keeps_every_rule_wide_and_narrow(console: Console) -> None:
    page = console.page
    for width in (1360, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        for path in PAGES:
            console.open(path)
            console.check()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_a_page_that_lost_its_server_says_so_and_catches_up(ringback: Ringback, console: Console) -> None:
    ringback.request("POST", "/v1/numbers", json={})
    page = console.open("phones")
    page.get_by_role("textbox", name="Text from").fill("half typed")

    async def let_go() -> None:
        ringback.server.console.live.end()

    hold = "window.WebSocket = class extends EventTarget { constructor() { super(); setTimeout(() => this.dispatchEvent(new CloseEvent('close', { code: 1006 }))); } close() {} }"
    page.evaluate("() => { window.kept = window.WebSocket; " + hold + " }")
    ringback.on_loop(let_go())
    page.get_by_text("Not live.").wait_for()
    number, handset = (
        ringback.request("GET", path).json["data"][0] for path in ("/v1/numbers", "/sim/v1/handsets")
    )
    missed = {"to": number["phoneNumber"], "body": "while nobody looked"}
    ringback.request("POST", f"/sim/v1/handsets/{handset['id']}/messages", json=missed)
    page.evaluate("() => { window.WebSocket = window.kept; }")
    page.locator(".bubble", has_text="while nobody looked").wait_for(timeout=15_000)
    page.locator("#not-live").wait_for(state="hidden")
    assert page.get_by_role("textbox", name="Text from").input_value() == "half typed"


def test_a_session_that_is_over_leads_to_signing_in(ringback: Ringback, console: Console) -> None:
    console.page.context.clear_cookies()
    console.page.goto(f"{console.base}/console/events")
    console.page.get_by_role("heading", name="Sign in").wait_for()


def test_keys_lead_everywhere_and_not_while_somebody_types(console: Console) -> None:
    page = console.open("numbers")
    page.get_by_label("City").fill("")
    page.keyboard.type("ge")
    assert page.url.endswith("/numbers")
    page.locator("h1").click()
    page.keyboard.type("ge")
    page.wait_for_url("**/console/events")
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("usage")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/usage")
    page.keyboard.press("Control+k")
    page.keyboard.type("docu")
    page.keyboard.press("Enter")
    page.wait_for_url("**/docs")
    console.open("usage")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Documentation").click()
    page.wait_for_url("**/docs")


def test_ten_tabs_are_live_at_once(ringback: Ringback, console: Console) -> None:
    number = ringback.request("POST", "/v1/numbers", json={}).json
    tabs = [console.page, *(console.page.context.new_page() for _ in range(9))]
    for tab in tabs:
        tab.goto(f"{console.base}/console/events")
    for tab in tabs:
        tab.wait_for_function(
            "document.getElementById('live')._htmx?.ws?.connection?.socket?.readyState === 1"
        )
    assert ringback.server.console.live.pages == 10
    ringback.request("DELETE", f"/v1/numbers/{number['id']}")
    for tab in tabs:
        tab.get_by_text("Number released").wait_for()
