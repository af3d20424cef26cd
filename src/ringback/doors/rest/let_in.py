"""What goes on for long ends with the key that let it in: lists that wait and streams, of every door."""

import asyncio
import contextlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringback.doors.rest.caller import Keys, key_of, unauthorized
from ringback.doors.rest.errors import fault_response
from ringback.kit.faults import Fault
from ringback.kit.machine import monotonic

_LONG_S = 1.0
"""What takes longer asks for its key again before it goes out."""


class LetIn:
    """An ASGI layer over the application.

    A reading request whose key is revoked or expires before it is answered gets 401, and a stream ends. A request that
    changes something is done as it was let in.
    """

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key_of(scope)
        if key is None or self._keys.is_local(key):
            await self._app(scope, receive, send)
            return
        begun, refused, until = False, False, monotonic() + _LONG_S
        away: Fault | None = None

        async def is_good() -> bool:
            nonlocal away
            try:
                return await self._keys.find(key) is not None
            except Fault as fault:
                away = fault
                return False

        async def send_if_good(message: Message) -> None:
            nonlocal begun, refused, until
            # A refusal gives nothing away, and may say that the store is away: then there is nobody to ask.
            refused = refused or _is_refusal(message)
            if monotonic() >= until and not refused:
                until = monotonic() + _LONG_S
                if not await is_good():
                    work.reschedule(0)
            if work.when() is not None:
                await asyncio.Event().wait()
            if message["type"] == "http.response.start" and not _is_stream(message):
                watch.close()
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(None) as work:
                with contextlib.ExitStack() as watch:
                    watch.enter_context(self._keys.ending(key, work))
                    await self._app(scope, receive, send_if_good)
        except TimeoutError:
            if not work.expired():
                raise
            if begun:
                # A status can't be given any more: the client resumes, and gets one.
                await send({"type": "http.response.body"})
                return
            answer = unauthorized().response() if away is None else fault_response(away)
            await answer(scope, receive, send)


def _is_refusal(message: Message) -> bool:
    return bool(message["type"] == "http.response.start" and message["status"] >= 400)


def _is_stream(start: Message) -> bool:
    return all(name.lower() != b"content-length" for name, _ in start["headers"])


def _key_of(scope: Scope) -> str | None:
    """The bearer key of a request that reads."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    for name, value in scope["headers"]:
        if name == b"authorization":
            return key_of(value.decode("latin-1"))
    return None
