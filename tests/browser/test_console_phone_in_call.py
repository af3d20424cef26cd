"""A phone of the wall that is in a call by the browser's microphone: whatever else happens, it can be seen and ended."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Handset, Handsets, Ringback, WebhookInbox
from tests.browser.conftest import speak_into
from tests.callers import FAKE, call_of, desk, dial, wait_until
from tests.console.looking import link_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.realtime]

GREETING = "Hello, this is the desk."
TRACKS = """
// Which microphones of this page are open.
const tracks = [];
const media = navigator.mediaDevices;
const open = media.getUserMedia.bind(media);
media.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  tracks.push(...stream.getTracks());
  return stream;
};
window.openMicrophones = () => tracks.filter((track) => track.readyState === "live").length;
"""
Wall = Callable[..., Any]


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    return FAKE


@pytest.fixture
def wall(ringback: Ringback, browse: Callable[[Path], Any], tmp_path: Path) -> Wall:
    """`wall(before_s=...)`: the phones, before somebody who speaks some seconds after the microphone opens."""

    def wall(*, before_s: float = 60) -> Any:
        speak_into(tmp_path / "microphone.wav", "what are your hours", before_s=before_s)
        page = browse(tmp_path / "microphone.wav").context.browser.new_context().new_page()
        page.set_default_timeout(30_000)
        page.context.add_init_script(TRACKS)
        page.goto(ringback.base_url + link_of(ringback))
        return phones_of(ringback, page)

    return wall


def phones_of(ringback: Ringback, page: Any) -> Any:
    page.goto(f"{ringback.base_url}/console/phones")
    return page


def phone_on(page: Any, phone: Handset) -> Any:
    return page.locator(f"#handset-{phone.id}")


def choose(page: Any, phone: Handset, number: str) -> None:
    """Whom this phone is to call."""
    with page.expect_response(f"**/console/phones/{phone.id}?*"):
        phone_on(page, phone).locator("select[name=with]").select_option(number)


def call_from(page: Any, phone: Handset, number: str) -> Any:
    """Call by microphone; the phone on the page, once the call is up."""
    choose(page, phone, number)
    mine = phone_on(page, phone)
    mine.locator("[data-dial]").click()
    mine.get_by_text("Microphone on").wait_for()
    mine.locator(".incall[data-live]").get_by_text("Connected").wait_for()
    return mine


def living(ringback: Ringback, phone: Handset) -> list[Any]:
    query = {"status": "living"}
    found: list[Any] = ringback.request("GET", f"/sim/v1/handsets/{phone.id}/calls", query=query).json["data"]
    return found


def wait_for_no_microphone(page: Any) -> None:
    page.wait_for_function("openMicrophones() === 0")


def test_other_calls_of_the_phone_leave_the_microphones_on_the_screen(
    ringback: Ringback, handset: Handsets, wall: Wall
) -> None:
    ada, ben = (handset(name=name, call_personality="manual") for name in ("Ada", "Ben"))
    eva = handset(name="Eva", call_personality="silent")
    page = wall()
    # A call by script, beside which a person takes another: of a phone without a person nobody is refused.
    dial(ringback, ada.id, eva.number, {"pauseMs": 60_000})
    ada_seen = phone_on(page, ada)
    ada_seen.get_by_role("group", name="Call with Eva").get_by_text("Connected").wait_for()
    ring = ben.call(ada.number)
    ada_seen.get_by_role("button", name="Answer Ben").click()
    ada_seen.get_by_role("group", name="Call with Ben").wait_for()
    ada_seen.get_by_text("Microphone on").wait_for()
    assert [(one["from"], one["live"]) for one in living(ringback, ada)] == [
        (ben.number, True),
        (ada.number, False),
    ]
    refused = ringback.request("POST", f"/sim/v1/handsets/{ada.id}/calls", json={"to": ben.number})
    assert (refused.status, refused.json["error"]["code"]) == (409, "HANDSET_IN_CALL")
    assert eva.call(ada.number).wait().reason == "busy"
    ada_seen.get_by_role("group", name="Call with Ben").wait_for()
    ada_seen.get_by_role("button", name="Hang up on Eva").click()
    ada_seen.locator(".besides").wait_for(state="detached")
    assert page.evaluate("openMicrophones()") == 1
    ada_seen.get_by_role("button", name="Hang up", exact=True).click()
    ada_seen.locator(".incall").wait_for(state="detached")
    wait_for_no_microphone(page)
    assert ring.wait().status == "completed"


def test_a_microphone_without_its_call_on_the_screen_has_a_hang_up_of_its_own(
    ringback: Ringback, handset: Handsets, wall: Wall
) -> None:
    ada, ben = handset(name="Ada"), handset(name="Ben", call_personality="silent")
    page = wall()
    ada_seen = call_from(page, ada, ben.number)
    stop = ada_seen.locator("[data-stop]")
    assert not stop.is_visible()
    # As when the server is away while the call goes on: the block shows what it does not know.
    page.evaluate(f"document.querySelector('#handset-{ada.id} .incall').remove()")
    stop.click()
    ada_seen.get_by_text("Call ended").wait_for()
    wait_for_no_microphone(page)
    wait_until(lambda: not living(ringback, ada), "the call goes on")


def test_drawing_the_phone_anew_leaves_its_microphone_in_reach(
    ringback: Ringback, handset: Handsets, wall: Wall
) -> None:
    ada, ben = handset(name="Ada"), handset(name="Ben", call_personality="silent")
    page = wall()
    call_from(page, ada, ben.number)
    swapped = "htmx.ajax('GET', '/console/phones/{0}', {{target: '#handset-{0}', swap: 'outerHTML'}})"
    page.evaluate(swapped.format(ada.id))
    ada_seen = phone_on(page, ada)
    ada_seen.get_by_text("Microphone on").wait_for()
    ada_seen.get_by_role("button", name="Hang up").click()
    wait_for_no_microphone(page)
    page.evaluate(swapped.format(ada.id))
    call_from(page, ada, ben.number)
    page.evaluate("document.querySelector('.wall').remove()")
    page.evaluate("document.dispatchEvent(new Event('htmx:after:swap'))")
    wait_for_no_microphone(page)
    wait_until(lambda: not living(ringback, ada), "the call goes on")


@pytest.mark.parametrize("leave", ["reload", "elsewhere", "close"])
def test_two_tabs_and_one_is_left(ringback: Ringback, handset: Handsets, wall: Wall, leave: str) -> None:
    ada, ben = handset(name="Ada"), handset(name="Ben", call_personality="silent")
    talking = wall()
    watching = phones_of(ringback, talking.context.new_page())
    call_from(talking, ada, ben.number)
    seen = phone_on(watching, ada)
    seen.get_by_text("The microphone is on another page").wait_for()
    assert not phone_on(talking, ada).get_by_text("The microphone is on another page").is_visible()
    assert not seen.locator("[data-mic]").is_visible()
    assert (talking.evaluate("openMicrophones()"), watching.evaluate("openMicrophones()")) == (1, 0)
    if leave == "reload":
        talking.reload()
    elif leave == "elsewhere":
        talking.get_by_role("link", name="Calls", exact=True).first.click()
    else:
        talking.close()
    seen.locator(".incall").wait_for(state="detached", timeout=5_000)
    [call] = ringback.request("GET", f"/sim/v1/handsets/{ada.id}/calls").json["data"]
    assert (call["status"], call["reason"]) == ("completed", "hung_up")
    if leave == "reload":
        assert not phone_on(talking, ada).locator("[data-mic]").is_visible()
        phone_on(talking, ada).locator(".incall").wait_for(state="detached")


def test_the_other_tab_hangs_up(ringback: Ringback, handset: Handsets, wall: Wall) -> None:
    ada, ben = handset(name="Ada"), handset(name="Ben", call_personality="silent")
    talking = wall()
    watching = phones_of(ringback, talking.context.new_page())
    mine = call_from(talking, ada, ben.number)
    phone_on(watching, ada).get_by_role("button", name="Hang up").click()
    mine.get_by_text("Call ended").wait_for()
    mine.locator(".incall").wait_for(state="detached")
    wait_for_no_microphone(talking)


def test_an_agent_that_nothing_answers_for_says_so(ringback: Ringback, handset: Handsets, wall: Wall) -> None:
    _, number, number_id = desk(ringback)
    ada = handset(name="Ada")
    page = wall()
    call_from(page, ada, number)
    page.get_by_text("Desk has nothing that answers: give it a webhook").wait_for()
    assert call_of(ringback, number_id)["disconnectionReason"] == "webhook_error"
    wait_for_no_microphone(page)


def test_a_number_without_an_agent_says_so(ringback: Ringback, handset: Handsets, wall: Wall) -> None:
    number = ringback.request("POST", "/v1/numbers", json={}).json["phoneNumber"]
    ada = handset(name="Ada")
    page = wall()
    choose(page, ada, number)
    phone_on(page, ada).locator("[data-dial]").click()
    page.get_by_text("No agent has this number: attach one on Numbers.").wait_for()
    wait_for_no_microphone(page)


class TestWithoutAnEngine:
    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        return {**FAKE, "speech_stt": "whisper"}

    def test_what_is_missing_is_told(
        self, ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets, wall: Wall
    ) -> None:
        from ringback.speech.registry import STT

        if STT["whisper"].lacks() is None:
            pytest.skip("every engine is installed")
        _, number, _ = desk(ringback, webhook_inbox, beginMessage=GREETING)
        ada = handset(name="Ada")
        page = wall(before_s=6)
        choose(page, ada, number)
        phone_on(page, ada).locator("[data-dial]").click()
        page.get_by_text("Speech failed: whisper needs").wait_for()
        wait_for_no_microphone(page)
