"""A browser without a screen: it keeps its cookie, says where its requests come from, and follows links."""

import http.client
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ringback.testing import Ringback


@dataclass(frozen=True)
class Seen:
    status: int
    headers: dict[str, str]
    text: str


class Looking:
    """Requests to the console of one server, with a session once there is one."""

    def __init__(self, ringback: Ringback) -> None:
        self.base = ringback.base_url
        self.cookie = ""

    def send(
        self,
        method: str,
        path: str,
        form: dict[str, Any] | list[tuple[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Seen:
        parts = urlsplit(self.base)
        line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        sent = {"Cookie": self.cookie} if self.cookie else {}
        body = None if form is None else urlencode(form)
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            line.request(method, path, body, {**sent, **(headers or {})})
            answer = line.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            text = answer.read().decode("utf-8", "replace")
        finally:
            line.close()
        if "set-cookie" in found:
            self.cookie = found["set-cookie"].partition(";")[0]
        return Seen(answer.status, found, text)

    def get(self, path: str, **headers: str) -> Seen:
        return self.send("GET", path, headers=headers)

    def post(self, path: str, **form: Any) -> Seen:
        """As a page of the console sends a form."""
        return self.send("POST", path, form, {"Origin": self.base, "HX-Request": "true"})


def link_of(ringback: Ringback) -> str:
    """A fresh one-time link."""

    async def make() -> str:
        desk = ringback.server.console
        return desk.links.new(await desk.book.find(None))

    return ringback.on_loop(make())


def signed_in(ringback: Ringback) -> Looking:
    """Somebody who followed the link."""
    looking = Looking(ringback)
    assert looking.get(link_of(ringback)).status == 303
    return looking
