"""Requests to the server under test, with the standard library alone."""

import http.client
import json as json_module
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

TIMEOUT_S = 90


class RequestRefused(Exception):
    """The server refused a request that a fixture made: `status`, `code` and `message` say why."""

    def __init__(self, method: str, path: str, status: int, body: Any) -> None:
        error = body.get("error", {}) if isinstance(body, dict) else {}
        self.status = status
        self.code: str = error.get("code", "")
        self.message: str = error.get("message", "") or str(body)
        super().__init__(f"{method} {path} was answered {status} {self.code}: {self.message}")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the server. `json` is None where there is no JSON body; `headers` have small letters."""

    status: int
    json: Any
    headers: Mapping[str, str]
    content: bytes


class _Own:
    """Stands for "the first account's key"."""


OWN: Final = _Own()


class Api:
    """Calls one server with one key."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self._host = host
        self._port = port
        self._key = key

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        api_key: str | _Own | None = OWN,
    ) -> Answer:
        """Make a request and return the answer, whatever its status. `api_key=None` sends no key.

        The body is `json`, or `content` as it is, whose type `headers` say.
        """
        key = self._key if isinstance(api_key, _Own) else api_key
        sent = {"Authorization": f"Bearer {key}"} if key is not None else {}
        body = content
        if json is not None:
            body = json_module.dumps(json).encode()
            sent["Content-Type"] = "application/json"
        if query:
            path = f"{path}?{urlencode({name: value for name, value in query.items() if value is not None})}"
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body=body, headers={**sent, **(headers or {})})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        got = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, _parsed(content), got, content)

    def call(
        self, method: str, path: str, json: Any = None, *, query: Mapping[str, object] | None = None
    ) -> Any:
        """The answer's body. Raises `RequestRefused` for any status but a success."""
        return _accepted(method, path, self.request(method, path, json=json, query=query)).json

    def upload(self, path: str, content: bytes, content_type: str) -> Any:
        """As `call`, for a body that is no JSON."""
        answer = self.request("POST", path, content=content, headers={"Content-Type": content_type})
        return _accepted("POST", path, answer).json

    def fetch(self, path: str) -> bytes:
        """What anybody without a key gets. Raises `RequestRefused` for any status but a success."""
        return _accepted("GET", path, self.request("GET", path, api_key=None)).content


def _accepted(method: str, path: str, answer: Answer) -> Answer:
    if not 200 <= answer.status < 300:
        raise RequestRefused(method, path, answer.status, answer.json)
    return answer


def _parsed(content: bytes) -> Any:
    try:
        return json_module.loads(content)
    except ValueError:
        return None


def camel(name: str) -> str:
    """A field's name as the wire has it."""
    head, *rest = name.rstrip("_").split("_")
    return head + "".join(part.capitalize() for part in rest)
