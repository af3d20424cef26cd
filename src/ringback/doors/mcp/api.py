"""The API as tools use it: the server's own routes, called inside the process.

So a tool has every rule that a request over HTTP has, of every layer, and none is written twice: keys, sub-accounts,
validation, limits, opt-outs, idempotency, error bodies.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.types import ASGIApp, Message, Scope

from ringback.doors.rest.caller import DOOR, Caller
from ringback.doors.rest.once import Once
from ringback.kit.faults import Fault
from ringback.storage.idempotency import Answer, Claim

_FORWARDED = (b"authorization", b"x-sub-account-id")


class Refused(Exception):
    """The API refused: `code` and `message` are its error body's."""

    def __init__(self, code: str, message: str, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after


class Api:
    """Requests with the key, and for the sub-account, of the MCP request that is answered.

    `once` is the idempotency key that the tool was given. The API takes it on POST; other changes are kept here.
    `gone` is set when the client left: what is waited for for its sake alone then ends.
    """

    def __init__(self, app: ASGIApp, scope: Scope, kept: Once, caller: Caller, gone: asyncio.Event) -> None:
        self._app = app
        self._headers = [pair for pair in scope["headers"] if pair[0] in _FORWARDED]
        self._client = scope.get("client")
        self._kept = kept
        self._caller = caller
        self._gone = gone
        self.once: str | None = None

    async def get(self, *path: str, query: Mapping[str, Any] | None = None) -> Any:
        """What is at a path, given in parts that need no escaping. Raises `Refused`."""
        return json.loads(await self._ask("GET", _joined(path), query=query) or b"null")

    async def post(
        self, *path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        return json.loads(await self._ask("POST", _joined(path), body or {}, query) or b"null")

    async def patch(self, *path: str, body: Mapping[str, Any]) -> Any:
        return json.loads(await self._kept_once("PATCH", _joined(path), body))

    async def delete(self, *path: str) -> Any:
        return json.loads(await self._kept_once("DELETE", _joined(path), None) or b"null")

    async def _kept_once(self, method: str, path: str, body: Mapping[str, Any] | None) -> bytes:
        if self.once is None:
            return await self._ask(method, path, body)
        written = json.dumps(body, sort_keys=True)
        claim = Claim(
            self._caller.account_id,
            f"{method} {path}",
            self.once,
            hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest(),
        )

        async def act() -> Answer:
            return Answer(200, await self._ask(method, path, body))

        try:
            return bytes((await self._kept.answer(claim, self._caller, act)).body)
        except Fault as fault:
            raise Refused(fault.code, fault.message) from None

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> bytes:
        content = b"" if body is None else json.dumps(body).encode("utf-8", "surrogatepass")
        headers = [(b"host", b"localhost"), *self._headers]
        if body is not None:
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        if self.once is not None and method == "POST":
            headers.append((b"idempotency-key", self.once.encode("latin-1", "replace")))
        status, told, answer = await self._exchange(method, path, _query(query), headers, content)
        if status >= 400:
            raise _refusal(status, told, answer)
        return answer

    async def _exchange(
        self, method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]], content: bytes
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        raw = quote(path, errors="replace")
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": raw.encode(),
            "root_path": "",
            "query_string": query,
            "headers": headers,
            "client": self._client,
            "server": ("localhost", None),
            "state": {},
            DOOR: "mcp",
        }
        sent = False
        messages: list[Message] = []

        async def receive() -> Message:
            nonlocal sent
            if sent:
                await self._gone.wait()
                return {"type": "http.disconnect"}
            sent = True
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, send)
        start, *rest = messages
        return start["status"], dict(start["headers"]), b"".join(part.get("body", b"") for part in rest)


def _joined(path: tuple[str, ...]) -> str:
    """A path of its parts. An id with a slash would be another path: it is nobody's id."""
    return "/" + "/".join(part if index == 0 else part.replace("/", "_") for index, part in enumerate(path))


def _query(query: Mapping[str, Any] | None) -> bytes:
    given = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in (query or {}).items()
        if value is not None
    }
    return urlencode(given).encode()


def _refusal(status: int, headers: Mapping[bytes, bytes], answer: bytes) -> Refused:
    try:
        error = json.loads(answer)["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        code, message = "INTERNAL_ERROR", f"the server answered with status {status}"
    wait = headers.get(b"retry-after")
    return Refused(code, message, None if wait is None else wait.decode("latin-1"))
