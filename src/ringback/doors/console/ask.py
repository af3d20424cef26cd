"""What the console asks of the server: the operations of its own API, in this process.

So every rule, refusal and limit has one author, and nothing can be done on a page that a program could not do as well.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope

from ringback.doors.rest.caller import DOOR, SPEAKS_FOR, Caller


class Refused(Exception):
    """The API said no. `message` says what was wrong in its words, `field` where; `faults` are all fields and what was
    wrong with each; `code` is the stable code."""

    def __init__(
        self,
        status: int,
        message: str,
        field: str | None = None,
        faults: Mapping[str, str] | None = None,
        code: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field
        self.faults: Mapping[str, str] = faults or ({field: message} if field else {})
        self.code = code


class Ask:
    """Requests that speak for one account."""

    def __init__(self, api: FastAPI, caller: Caller, host: str = "localhost") -> None:
        self.api = api
        self.caller = caller
        self._host = host

    async def get(self, path: str, **query: object) -> Any:
        """The JSON answer; a parameter that is None or empty is left out. Raises `Refused`."""
        return await self._json("GET", path, query=query)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self._json("POST", path, body=body)

    async def patch(self, path: str, body: Any) -> Any:
        return await self._json("PATCH", path, body=body)

    async def delete(self, path: str) -> Any:
        return await self._json("DELETE", path)

    async def upload(self, path: str, content: bytes, content_type: str) -> Any:
        """A body that is not JSON."""
        return await self._json("POST", path, raw=content, content_type=content_type)

    async def read(self, path: str, **query: object) -> bytes:
        """An answer that is not JSON."""
        status, answer = await self._run(self._scope("GET", path, query, []), b"")
        if status >= 400:
            raise refusal(status, json.loads(answer))
        return answer

    async def stream(self, path: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """The events of a stream (`text/event-stream`): type and data, until it ends or the reader goes."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        receive = _body(b"")

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await queue.put(message.get("body", b""))

        async def run() -> None:
            try:
                await self.api(self._scope("GET", path, {}, []), receive, send)
            finally:
                await queue.put(None)

        work = asyncio.create_task(run())
        try:
            rest = b""
            while (piece := await queue.get()) is not None:
                *entries, rest = (rest + piece).split(b"\n\n")
                for entry in entries:
                    fields = dict(line.partition(b": ")[::2] for line in entry.split(b"\n"))
                    if b"data" in fields:
                        yield fields.get(b"event", b"message").decode(), json.loads(fields[b"data"])
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Any = None,
        raw: bytes | None = None,
        content_type: str = "application/json",
    ) -> Any:
        content = raw or b""
        if body is not None:
            try:
                content = json.dumps(body, allow_nan=False).encode()
            except ValueError:
                raise Refused(422, "NaN and Infinity are no numbers of JSON") from None
        headers = [(b"content-type", content_type.encode())] if content else []
        status, answer = await self._run(self._scope(method, path, query or {}, headers), content)
        told = json.loads(answer) if answer else None
        if status >= 400:
            raise refusal(status, told)
        return told

    def _scope(
        self, method: str, path: str, query: Mapping[str, object], headers: list[tuple[bytes, bytes]]
    ) -> Scope:
        given = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in query.items()
            if value not in (None, "")
        }
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": quote(path).encode(),
            "root_path": "",
            "query_string": urlencode(given).encode(),
            "headers": [(b"host", self._host.encode()), *headers],
            "client": None,
            "server": None,
            "state": {},
            SPEAKS_FOR: self.caller,
            DOOR: "console",
        }

    async def _run(self, scope: Scope, content: bytes) -> tuple[int, bytes]:
        status, pieces = 500, list[bytes]()

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                pieces.append(message.get("body", b""))

        await self.api(scope, _body(content), send)
        return status, b"".join(pieces)


def _body(content: bytes) -> Receive:
    """A body at once, and then one who stays until there is an answer."""
    told = False

    async def receive() -> Message:
        nonlocal told
        if told:
            await asyncio.Event().wait()
        told = True
        return {"type": "http.request", "body": content, "more_body": False}

    return receive


def refusal(status: int, told: Any) -> Refused:
    """The refusal in an error body of the API."""
    error = told.get("error", {}) if isinstance(told, dict) else {}
    details = error.get("details") or [{}]
    field = details[0].get("field")
    message = details[0].get("message") if status == 422 else None
    faults = {entry["field"]: entry["message"] for entry in reversed(details) if entry.get("field")}
    said = message or error.get("message") or f"the server answered {status}"
    return Refused(status, said, field, faults, error.get("code", ""))


async def every(ask: Ask, path: str, *, most: int = 500, **query: object) -> AsyncIterator[Any]:
    """The entries of an offset list, up to `most`."""
    offset = 0
    while offset < most:
        page = await ask.get(path, limit=100, offset=offset, **query)
        for entry in page["data"]:
            yield entry
        offset += len(page["data"])
        if not page["hasMore"] or not page["data"]:
            return
