"""A reader of the event stream that can be cut off and resumes, as a program without a public URL has it."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ringback.testing import Ringback

Event = dict[str, Any]


class Stream:
    """One connection to `/v1/events/stream`; closed at the end of `with`."""

    def __init__(self, ringback: Ringback, query: str = "", **headers: str) -> None:
        parts = urlsplit(ringback.base_url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=15)
        sent = {
            "Authorization": f"Bearer {ringback.api_key}",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        self._connection.request("GET", f"/v1/events/stream{query}", headers=sent)
        self.answer = self._connection.getresponse()
        self.id = ""
        """The last id that was read, which a client resumes with."""

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()

    def events(self) -> Iterator[Event]:
        """Events as they come, until the server ends the stream."""
        fields: dict[str, str] = {}
        while line := self.answer.readline().decode():
            name, mark, value = line.rstrip("\n").partition(": ")
            if mark and name:
                fields[name] = value
            elif not line.strip():
                self.id = fields.get("id", self.id)
                if "data" in fields:
                    event: Event = json.loads(fields["data"])
                    assert (fields["event"], fields["id"]) == (event["type"], str(event["seq"]))
                    yield event
                fields = {}

    def next(self) -> Event:
        return next(self.events())
