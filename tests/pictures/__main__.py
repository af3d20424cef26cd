"""Draws every page of the console in both themes, wide and narrow, with the machine's Chromium."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from ringback.testing.server import Ringback
from tests.pictures import talking
from tests.pictures.world import furnish, server

FOLDER = Path(__file__).parents[2] / "docs" / "pictures" / "console"
WIDTHS = {"wide": (1360, 880), "narrow": (390, 844)}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def pages(ids: dict[str, str]) -> dict[str, str]:
    """The pages by the name of their picture."""
    found = {
        "home": "/",
        "phones": "/phones",
        "numbers": "/numbers",
        "agents": "/agents",
        "agent": f"/agents/{ids['agent']}",
        "conversations": "/conversations",
        "conversation": f"/conversations/{ids['conversation']}",
        "search": "/conversations?q=friday",
        "calls": "/calls",
        "webhooks": "/webhooks",
        "delivery": f"/webhooks/deliveries/{ids['delivery']}",
        "events": "/events",
        "usage": "/usage",
        "settings": "/settings",
    }
    if "call" in ids:
        found["call"] = f"/calls/{ids['call']}"
    return found


def draw(only: set[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    calls = bool(not only or only & set(talking.NAMES))
    with server() as ringback, sync_playwright() as play, tempfile.TemporaryDirectory() as desk:
        ids = furnish(ringback)
        microphone = Path(desk, "microphone.wav")
        if calls:
            talking.speak_into(microphone, ringback)
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", *talking.flags(microphone)]
        )
        link = ringback.on_loop(_link(ringback))
        state = _sign_in(browser, ringback.base_url + link)
        for theme in THEMES:
            for size, (width, height) in WIDTHS.items():
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=theme,
                    storage_state=state,
                    timezone_id="Europe/Berlin",
                )
                page = context.new_page()
                for name, path in pages(ids).items():
                    if not only or name in only:
                        _take(
                            page, ringback.base_url + "/console" + path, folder / f"{name}-{size}-{theme}.png"
                        )
                if calls:

                    def take(name: str, page: Page = page, kind: str = f"{size}-{theme}") -> None:
                        page.screenshot(path=folder / f"{name}-{kind}.png")

                    talking.draw(ringback, ids["agent"], page, take)
                context.close()
        browser.close()


async def _link(ringback: Ringback) -> str:
    desk = ringback.server.console
    return str(desk.links.new(await desk.book.find(None)))


def _sign_in(browser: Browser, link: str) -> Any:
    context = browser.new_context()
    context.new_page().goto(link)
    state = context.storage_state()
    context.close()
    return state


def _take(page: Page, url: str, path: Path) -> None:
    page.goto(url)
    page.wait_for_timeout(450)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        sys.stderr.write(f"{path.name}: {wide} px too wide\n")
    page.screenshot(path=path)


if __name__ == "__main__":
    named = [word for word in sys.argv[1:] if not word.startswith("--to=")]
    to = next((Path(word[5:]) for word in sys.argv[1:] if word.startswith("--to=")), FOLDER)
    draw(set(named), to)
