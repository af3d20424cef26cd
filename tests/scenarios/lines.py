"""An agent with a number, and a phone: what the retold cases start from."""

import http.client
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ringback.testing import Answer, Handset, Handsets, Ringback
from tests.phones import until

T = TypeVar("T")


class Line:
    """One agent, its number, one phone, and the API as its owner sees it."""

    def __init__(self, ringback: Ringback, handsets: Handsets) -> None:
        self.ringback = ringback
        self.agent_id: str = self.ask("POST", "/v1/agents", {"name": "Ada"})["id"]
        number = self.ask("POST", "/v1/numbers", {"agentId": self.agent_id})
        self.number_id: str = number["id"]
        self.number: str = number["phoneNumber"]
        self.phone: Handset = handsets()

    def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """The answer's body, whose status must be `status`."""
        answer = self.ringback.request(method, path, json=body)
        assert answer.status == status, f"{method} {path} {body}: {answer.status} {answer.json}"
        return answer.json

    def refused(
        self, method: str, path: str, *statuses: int, field: str | None = None, body: Any = None
    ) -> Any:
        """The error of an answer with one of `statuses`, which names `field`."""
        answer = self.ringback.request(method, path, json=body)
        assert answer.status in statuses, f"{method} {path} {body}: {answer.status} {answer.json}"
        error = answer.json["error"]
        assert field is None or any(entry["field"].startswith(field) for entry in error["details"]), error
        return error

    def raw(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to a body as it stands, which is called JSON unless `headers` say otherwise."""
        parts = urlsplit(self.ringback.base_url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        sent = {"Authorization": f"Bearer {self.ringback.api_key}", "Content-Type": "application/json"}
        with closing(connection):
            connection.request(method, path, content, {**sent, **(headers or {})})
            response = connection.getresponse()
            got = response.read()
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, json.loads(got) if got else None, told, got)

    def send(self, body: str, to: str | None = None) -> Any:
        return self.ask("POST", "/v1/messages", self.text(body, to))

    def text(self, body: str, to: str | None = None) -> dict[str, str]:
        return {"number_id": self.number_id, "to_number": to or self.phone.number, "body": body}

    def messages(self) -> list[Any]:
        """Newest first."""
        found: list[Any] = self.ask("GET", f"/v1/numbers/{self.number_id}/messages?limit=200")["data"]
        return found

    def hear(self, body: str) -> Any:
        """The phone texts the number; the message once it has come in."""
        known = {message["id"] for message in self.messages()}
        self.phone.text(self.number, body)
        return until(
            lambda: next(
                (m for m in self.messages() if m["id"] not in known and m["direction"] == "inbound"), None
            )
        )


def together(*steps: Callable[[], T]) -> list[T]:
    """Do all at the same moment."""
    with ThreadPoolExecutor(len(steps)) as pool:
        return [done.result() for done in [pool.submit(step) for step in steps]]
