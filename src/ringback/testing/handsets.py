"""Phones on the simulated network."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ringback.testing.api import Api, camel
from ringback.testing.calls import Call, Step, steps
from ringback.testing.media import Media, to_url

_PAGE = 200
_LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Text:
    """A text as the phone shows it. `direction` is `in` or `out`; `at` is the server's clock."""

    id: str
    direction: str
    from_: str
    to: str
    body: str
    media_urls: tuple[str, ...]
    media: tuple[Media, ...]
    channel: str
    at: datetime
    status: str


class Handset:
    """A phone: it texts and calls, and shows what it got."""

    def __init__(self, api: Api, made: dict[str, Any]) -> None:
        self._api = api
        self.id: str = made["id"]
        self.number: str = made["phoneNumber"]
        self._path = f"/sim/v1/handsets/{self.id}"
        self._seen: str | None = None
        self._fresh: list[Text] = []

    def __repr__(self) -> str:
        return f"<Handset {self.number}>"

    def text(
        self,
        to: str,
        body: str | None = None,
        media_urls: Sequence[str] | None = None,
        *,
        media: Sequence[bytes | str | Path] = (),
    ) -> Text:
        """Send a text, to a number in any spelling. `media` are files, bytes or URLs."""
        asked: dict[str, Any] = {"to": to, "body": body}
        if urls := [*(media_urls or ()), *(to_url(self._api, one) for one in media)]:
            asked["mediaUrls"] = urls
        return self._text(self._api.call("POST", f"{self._path}/messages", asked))

    def inbox(self) -> list[Text]:
        """All texts that reached this phone, newest first."""
        found: list[Text] = []
        before, more = None, True
        while more:
            page, more = self._page(before=before)
            found += page
            before = page[-1].id if page else None
        return [text for text in found if text.direction == "in"]

    def wait_for(self, body: str | None = None, timeout: float = 5.0) -> Text:
        """The next text that reaches this phone, or has reached it and no `wait_for` has returned.

        With `body` the next one that says just that. Fails after `timeout` seconds of real time, telling what came.
        """
        end = time.monotonic() + timeout
        while True:
            for text in self._fresh:
                if body is None or text.body == body:
                    self._fresh.remove(text)
                    return text
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(self._told(body, timeout))
            self._look(min(left, _LONGEST_WAIT_S))

    def call(self, to: str, *script: Step, record: bool = True) -> Call:
        """Call somebody, and do this once it is answered: words to say, or steps such as `{"waitForSilenceMs": 700}`."""
        asked = {"to": to, "script": steps(script), "record": record}
        return Call(self._api, self._api.call("POST", f"{self._path}/calls", asked))

    def calls(self) -> list[Call]:
        """The calls of this phone, newest first; a hundred at most."""
        page = self._api.call("GET", f"{self._path}/calls", query={"limit": 100})
        return [Call(self._api, one) for one in page["data"]]

    def wait_for_ring(self, timeout: float = 10.0) -> Call:
        """The call that rings at this phone, or the next one that does. Fails after `timeout` seconds of real time."""
        query = {"status": "ringing", "limit": 1, "wait": round(min(timeout, _LONGEST_WAIT_S), 3)}
        page = self._api.call("GET", f"{self._path}/calls", query=query)
        if not page["data"]:
            raise AssertionError(f"nobody called the handset {self.number} within {timeout:g} s")
        return Call(self._api, page["data"][0])

    def set(self, **changes: Any) -> None:
        """Change the phone: `online=False`, `personality="slow"`, `call_personality="busy"`, `name`, `capabilities`."""
        self._api.call("PATCH", self._path, {camel(name): value for name, value in changes.items()})

    def _look(self, wait_s: float) -> None:
        page, more = self._page(after=self._seen, wait=round(wait_s, 3))
        if page and self._seen is None and more:
            # Without a cursor the page holds the newest; nothing is remembered yet, so read from the beginning.
            page = self._whole()
        if page:
            self._seen = page[0].id
        self._fresh += [text for text in reversed(page) if text.direction == "in"]

    def _whole(self) -> list[Text]:
        found, more = self._page()
        while more:
            page, more = self._page(before=found[-1].id)
            found += page
        return found

    def _page(self, **query: object) -> tuple[list[Text], bool]:
        page = self._api.call("GET", f"{self._path}/messages", query={"limit": _PAGE, **query})
        return [self._text(one) for one in page["data"]], page["hasMore"]

    def _text(self, wire: dict[str, Any]) -> Text:
        media = [Media(one["url"], one["contentType"], one["bytes"], self._api) for one in wire["media"]]
        return Text(
            id=wire["id"],
            direction=wire["direction"],
            from_=wire["from"],
            to=wire["to"],
            body=wire["body"],
            media_urls=tuple(wire["mediaUrls"]),
            media=tuple(media),
            channel=wire["channel"],
            at=datetime.fromisoformat(wire["at"]),
            status=wire["status"],
        )

    def _told(self, body: str | None, timeout: float) -> str:
        wanted = "no text" if body is None else f"no text {body!r}"
        fresh = {text.id for text in self._fresh}
        got = [
            f"\n    {text.body!r} from {text.from_}{'' if text.id in fresh else ' (waited for before)'}"
            for text in reversed(self.inbox())
        ]
        came = f"these came:{''.join(got)}" if got else "nothing came"
        return f"{wanted} reached the handset {self.number} within {timeout:g} s; {came}"


class Handsets:
    """Makes handsets."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def __call__(
        self, number: str | None = None, name: str | None = None, personality: str = "answers", **more: Any
    ) -> Handset:
        """A phone of its own. `more`: `country`, `area_code`, `call_personality`, `capabilities`."""
        asked = {"phone_number": number, "name": name, "personality": personality, **more}
        given = {camel(field): value for field, value in asked.items() if value is not None}
        return Handset(self._api, self._api.call("POST", "/sim/v1/handsets", given))
