"""Pages of the console under watch: what goes wrong on them, and what they weigh."""

from typing import Any

from ringback.testing import Ringback
from tests.callers import dial, far_end, wait_for_end, wait_until
from tests.console.looking import link_of
from tests.console.test_pages import MARKUP, furnish

WATCH = """
window.broken = [];
addEventListener("securitypolicyviolation", (event) => broken.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
"""Keeps what a page tried to load or run although its rules forbid it."""


class Console:
    """A signed-in page that keeps what goes wrong on it."""

    def __init__(self, ringback: Ringback, page: Any) -> None:
        self.base, self.page = ringback.base_url, page
        self.wrong: list[str] = []
        self.loaded: list[str] = []
        page.on(
            "console",
            lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda request: self.loaded.append(request.url))
        page.add_init_script(WATCH)
        page.goto(self.base + link_of(ringback))

    def open(self, path: str) -> Any:
        self.page.goto(f"{self.base}/console/{path}")
        return self.page

    def check(self) -> None:
        """Nothing was loaded from elsewhere, nothing broke a rule, and no script failed."""
        self.wrong += self.page.evaluate("window.broken")
        assert self.wrong == []
        own = self.base.removeprefix("http")
        elsewhere = [
            url for url in self.loaded if not url.startswith((f"http{own}", f"ws{own}", "data:", "blob:"))
        ]
        assert elsewhere == []


def weigh(page: Any, url: str) -> list[int]:
    """The bytes on the wire of each answer that a page needs; cold in a context that was never here, else warm."""
    done: list[Any] = []

    def keep(request: Any) -> None:
        done.append(request)

    page.on("requestfinished", keep)
    page.goto(url, wait_until="networkidle")
    page.remove_listener("requestfinished", keep)
    sizes = [request.sizes() for request in done]
    return [size["responseBodySize"] + size["responseHeadersSize"] for size in sizes]


def furnished(ringback: Ringback) -> list[str]:
    """Put something on every page; the paths of one agent, one conversation, one call and one delivery."""
    ids = furnish(ringback, MARKUP)
    handset = ringback.request("GET", "/sim/v1/handsets").json["data"][0]["id"]
    number = ringback.request("GET", "/v1/numbers").json["data"][0]["phoneNumber"]
    call = dial(ringback, handset, number, {"say": "what are your hours"}, {"hangup": True})
    far_end(ringback, call)
    calls = wait_until(lambda: ringback.request("GET", "/v1/calls").json["data"], "the call is in no list")
    wait_for_end(ringback, calls[0]["id"])
    delivery = ringback.request("GET", "/v1/webhooks/deliveries").json["data"][0]["id"]
    own = [f"agents/{ids['agent']}", f"conversations/{ids['conversation']}", f"calls/{calls[0]['id']}"]
    return [*own, f"webhooks/deliveries/{delivery}"]
