"""A server that is killed and started again under an open page; and one whose network goes away."""

import asyncio
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.calling import wait_until_it_answers
from tests.faults.processes import Process, environment

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
LIVE = "document.getElementById('live')._htmx?.ws?.connection?.socket?.readyState === 1"


def start(process: Process) -> None:
    """In a thread, since Playwright's loop runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(process.start())).result()
    wait_until_it_answers(process.url)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Served:
    """`ringback serve` in a folder, and its first key."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.data = folder / "data"
        self.process = Process(
            folder,
            "serve",
            "--port",
            str(free_port()),
            "--data",
            str(self.data),
            env=environment(speech_stt="fake", speech_tts="fake", **settings),
        )

    def start(self) -> None:
        start(self.process)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        key = (self.data / "first-key").read_text(encoding="utf-8").strip()
        request = Request(
            self.process.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            method=method,
        )
        with urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def link(self) -> str:
        """A one-time link, as `ringback link` asks for it."""
        told = json.loads((self.data / "server.json").read_text(encoding="utf-8"))
        request = Request(
            f"{self.process.url}/internal/v1/links",
            b"{}",
            {"Authorization": f"Bearer {told['token']}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=20) as answer:
            return self.process.url + str(json.loads(answer.read())["path"])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path)
    found.start()
    yield found
    found.process.kill()


def test_a_page_outlives_its_server(served: Served, chromium: Any) -> None:
    """What happened meanwhile is there, also where it is no live block, and what was half typed is too."""
    agent = served.ask("POST", "/v1/agents", {"name": "Front desk"})
    number = served.ask("POST", "/v1/numbers", {"agentId": agent["id"]})
    phone = served.ask("GET", "/sim/v1/handsets")["data"][0]
    context = chromium.new_context(viewport={"width": 1360, "height": 880})
    phones, form, hooks = (context.new_page() for _ in range(3))
    phones.goto(served.link())
    phones.goto(f"{served.process.url}/console/phones")
    form.goto(f"{served.process.url}/console/agents/{agent['id']}")
    hooks.goto(f"{served.process.url}/console/webhooks")
    for page in (form, hooks, phones):
        # Chromium may take a page in the background for hidden, which then waits until it is looked at.
        page.bring_to_front()
        page.wait_for_function(LIVE)
    phones.get_by_role("textbox", name="Text from").first.fill("half typed")
    form.locator("#f-systemPrompt").fill("Be kind,\nand half typed")
    form.get_by_label("Name", exact=True).fill("Another name")
    form.locator("[name=voiceMode]").select_option("hosted")
    form.locator("[name=enableMessaging]").set_checked(False)
    hooks.get_by_label("Address for all agents").fill("http://127.0.0.1:9/half")
    phones.bring_to_front()

    served.process.kill()
    phones.get_by_text("Not live.").wait_for()
    phones.wait_for_function(
        "/Trying again in \\d+ s\\./.test(document.getElementById('not-live').textContent)"
    )
    assert phones.locator("body.stale").count() == 1
    phones.get_by_role("textbox", name="Text from").first.press("Enter")
    phones.get_by_text("What you typed is still here").wait_for()

    served.start()
    served.ask(
        "POST", f"/sim/v1/handsets/{phone['id']}/messages", {"to": number["phoneNumber"], "body": "meanwhile"}
    )
    served.ask("POST", "/sim/v1/handsets", {"name": "Newcomer"})
    served.ask("PATCH", f"/v1/agents/{agent['id']}", {"description": "changed meanwhile"})
    served.ask("POST", "/v1/webhooks", {"url": "http://127.0.0.1:9/meanwhile"})
    phones.locator(".bubble", has_text="meanwhile").first.wait_for(timeout=20_000)
    phones.locator("#not-live").wait_for(state="hidden", timeout=20_000)
    assert phones.get_by_role("textbox", name="Text from").first.input_value() == "half typed"
    assert phones.locator("body.stale").count() == 0

    form.bring_to_front()
    form.wait_for_function(LIVE, timeout=20_000)
    form.wait_for_timeout(500)
    assert form.locator("#f-systemPrompt").input_value() == "Be kind,\nand half typed"
    assert form.get_by_label("Name", exact=True).input_value() == "Another name"
    assert form.locator("[name=voiceMode]").input_value() == "hosted"
    assert not form.locator("[name=enableMessaging]").is_checked()
    hooks.bring_to_front()
    hooks.get_by_text("http://127.0.0.1:9/meanwhile").wait_for(timeout=20_000)
    assert hooks.get_by_label("Address for all agents").input_value() == "http://127.0.0.1:9/half"
    form.bring_to_front()
    form.get_by_role("button", name="Save").click()
    form.get_by_text("Saved.").wait_for()
    assert served.ask("GET", f"/v1/agents/{agent['id']}")["name"] == "Another name"


def test_home_says_what_is_wrong_without_a_reload(tmp_path: Path, chromium: Any) -> None:
    sim = Process(tmp_path, "sim", "--port", str(free_port()), "--data", str(tmp_path / "sim"))
    start(sim)
    served = Served(tmp_path, sim_url=sim.url)
    served.start()
    try:
        page = chromium.new_page()
        page.goto(served.link())
        page.locator("#live-checks").get_by_text("All fine").wait_for()
        sim.kill()
        page.locator("#live-checks .wrong", has_text="Carrier").wait_for(timeout=20_000)
        page.get_by_text("Texts wait in their order").wait_for()
        page.locator("#live-trouble .banner").wait_for()
        start(sim)
        page.locator("#live-checks").get_by_text("All fine").wait_for(timeout=20_000)
        page.locator("#live-trouble .banner").wait_for(state="detached")
    finally:
        served.process.kill()
        sim.kill()
