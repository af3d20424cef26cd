"""The page of an agent in a real Chromium: tools, what is wrong beside its field, an earlier prompt; and the search."""

from typing import Any

import pytest

from ringback.testing import Ringback
from tests.browser.test_access import judge
from tests.browser.watching import Console
from tests.phones import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_an_agent_is_given_a_tool_and_its_earlier_prompt_back(ringback: Ringback, console: Console) -> None:
    body = {"name": "Desk", "voiceMode": "hosted", "systemPrompt": "You are Maya.\nBe kind."}
    agent_id = ringback.request("POST", "/v1/agents", json=body).json["id"]
    page = console.open(f"agents/{agent_id}")
    prompt = page.get_by_label("Prompt", exact=True)
    prompt.fill("You are Mia.\nBe kind.")
    page.get_by_label("Transfers to").fill("911")
    for _ in range(2):
        page.get_by_role("button", name="Add a tool").click()
    tool = page.locator(".tool").nth(0)
    page.locator(".tool").nth(1).get_by_role("button", name="Remove").click()
    tool.get_by_label("Name").fill("find order")
    tool.get_by_label("What it does").fill("Finds an order")
    tool.get_by_label("Address").fill("https://shop.example.com/orders")
    tool.get_by_label("Headers").fill("Authorization: Bearer shop-secret")
    page.get_by_role("button", name="Save").click()
    tool.locator(".error").wait_for()
    assert tool.locator("[aria-invalid]").input_value() == "find order"
    assert prompt.input_value() == "You are Mia.\nBe kind."
    assert tool.get_by_label("Headers").input_value() == "Authorization: Bearer shop-secret"
    tool.get_by_label("Name").fill("find_order")
    page.get_by_role("button", name="Save").click()
    page.locator("#e-transferNumber", has_text="never dialled").wait_for()
    page.get_by_label("Transfers to").fill("")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved. It holds").wait_for()
    assert page.locator("#e-transferNumber").inner_text() == ""
    assert tool.get_by_label("Headers").input_value() == "Authorization: ••••••"
    page.get_by_role("button", name="Versions 2").click()
    page.get_by_role("button", name="Version 1").click()
    page.locator(".diff .gone", has_text="You are Mia.").wait_for()
    page.locator(".diff .new mark", has_text="Maya").wait_for()
    asked: list[str] = []

    def refuse(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    page.evaluate("document.getElementById('f-systemPrompt').value = 'Half a thought'")
    page.get_by_role("button", name="Use this version").click()
    page.wait_for_timeout(300)
    [question] = asked
    assert "not saved" in question
    assert prompt.input_value() == "Half a thought"
    page.evaluate("document.getElementById('f-systemPrompt').value = 'You are Mia.\\nBe kind.'")
    page.get_by_role("button", name="Use this version").click()
    page.get_by_text("version 1 again").wait_for()
    assert len(asked) == 1
    page.get_by_role("button", name="Version 3").wait_for()
    page.keyboard.press("Escape")
    assert prompt.input_value() == "You are Maya.\nBe kind."
    kept = ringback.request("GET", f"/v1/agents/{agent_id}").json
    assert kept["systemPrompt"] == "You are Maya.\nBe kind."
    assert kept["customTools"][0]["headers"] == {"Authorization": "Bearer shop-secret"}
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved. It holds").wait_for()
    assert ringback.request("GET", f"/v1/agents/{agent_id}").json == kept


def test_words_are_looked_for_as_they_are_typed(ringback: Ringback, console: Console) -> None:
    number = ringback.request("POST", "/v1/numbers", json={}).json
    sent: list[dict[str, Any]] = []
    for n in range(3):
        text = {"number_id": number["id"], "to_number": "+14155550123", "body": f"refund {n}"}
        sent.append(ringback.request("POST", "/v1/messages", json=text).json)
    page = console.open("conversations")
    page.keyboard.press("/")
    page.keyboard.type("refund 1")
    page.locator(".found mark", has_text="refund").first.wait_for()
    [link] = page.locator(".found a[data-row]").all()
    text = {"number_id": number["id"], "to_number": "+14155550123", "body": "meanwhile"}
    ringback.request("POST", "/v1/messages", json=text)
    page.wait_for_timeout(400)
    link.click()
    page.wait_for_url("**/conversations/conv_*")
    assert page.locator(f"#m-{sent[1]['id']}").evaluate("bubble => bubble.matches(':target')")
    search = page.get_by_role("searchbox", name="Search").first
    assert search.input_value() == "refund 1"
    search.fill("")
    page.get_by_role("heading", name="Newest").wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens_here(ringback: Ringback, console: Console, theme: str) -> None:
    """A tool that is wrong, an earlier prompt, and what a search finds."""
    page = console.page
    page.emulate_media(color_scheme=theme)
    body = {"name": "Desk", "voiceMode": "hosted", "systemPrompt": "One"}
    agent_id = ringback.request("POST", "/v1/agents", json=body).json["id"]
    ringback.request("PATCH", f"/v1/agents/{agent_id}", json={"systemPrompt": "Two"})
    number = ringback.request("POST", "/v1/numbers", json={"agentId": agent_id}).json
    text = {"number_id": number["id"], "to_number": "+14155550123", "body": "refund"}
    sent = ringback.request("POST", "/v1/messages", json=text).json
    console.open(f"agents/{agent_id}")
    page.get_by_role("button", name="Add a tool").click()
    page.locator(".tool").wait_for()
    page.get_by_role("button", name="Save").click()
    page.locator(".tool .error").first.wait_for()
    judge(console, "a tool")
    page.get_by_role("button", name="Versions 2").click()
    page.get_by_role("button", name="Version 1").click()
    page.locator(".diff").wait_for()
    judge(console, "versions")
    opened = f"conversations/{sent['conversation_id']}?q=refund&text={sent['id']}"
    for path in ("conversations?q=refund", "conversations?q=lost", opened):
        console.open(path)
        judge(console, path)


def test_a_trial_says_whose_thread_it_is_and_keeps_it(ringback: Ringback, console: Console) -> None:
    ask = ringback.request
    agent = ask("POST", "/v1/agents", json={"name": "Desk"}).json
    number = ask("POST", "/v1/numbers", json={"agentId": agent["id"]}).json
    first = ask("GET", "/sim/v1/handsets").json["data"][0]
    page = console.open(f"agents/{agent['id']}")
    trial = page.locator("#trial")
    trial.get_by_text(first["name"]).wait_for()
    ada, sam = (ask("POST", "/sim/v1/handsets", json={"name": name}).json for name in ("Ada", "Sam"))
    text = {"to": number["phoneNumber"], "body": "Ada was here"}
    assert ask("POST", f"/sim/v1/handsets/{ada['id']}/messages", json=text).status == 200
    until(lambda: ask("GET", "/v1/conversations").json["data"])
    page.reload()
    phones = trial.get_by_label("From")
    assert phones.input_value() == ada["id"], "who texted it last"
    trial.locator(".bubble", has_text="Ada was here").wait_for()
    page.get_by_label("Prompt", exact=True).fill("half written")
    phones.select_option(sam["id"])
    trial.get_by_text("No texts yet").wait_for()
    trial.get_by_label("Text it").fill("From Sam")
    page.keyboard.press("Enter")
    trial.locator(".bubble.out", has_text="From Sam").wait_for()
    text = {"number_id": number["id"], "to_number": sam["phoneNumber"], "body": "To Sam, live"}
    assert ask("POST", "/v1/messages", json=text).status == 200
    trial.locator(".bubble", has_text="To Sam, live").wait_for()
    assert page.get_by_label("Prompt", exact=True).input_value() == "half written"
    phones.select_option(first["id"])
    trial.get_by_text("No texts yet").wait_for()
    page.reload()
    assert phones.input_value() == first["id"], "what was chosen stays"
    trial.get_by_text("No texts yet").wait_for()
