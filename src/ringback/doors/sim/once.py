"""`Idempotency-Key` on the POSTs of the simulated network, in whichever process it runs.

The network keeps no accounts and no answers, so the server does it in front of both: the first answer is kept as for
every other POST, and a refusal frees the key.
"""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringback.doors.rest.caller import Caller, Keys, key_of
from ringback.doors.rest.errors import JsonBytes, fault_response
from ringback.doors.rest.guard import BodyTooLarge, too_large
from ringback.doors.rest.once import Once, claim_of
from ringback.kit.faults import Fault
from ringback.storage.idempotency import Answer

_PREFIX = "/sim/v1/"


class _Refused(Exception):
    """The network refused: its answer goes out and is not kept."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__()
        self.messages = messages


class SimOnce:
    """An ASGI layer over the application."""

    def __init__(self, app: ASGIApp, once: Once, keys: Keys) -> None:
        self._app = app
        self._once = once
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_meant(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        key = key_of(request.headers.get("authorization"))
        found = None if key is None else await self._keys.find(key)
        if found is None:
            await self._app(scope, receive, send)
            return
        try:
            body = await request.body()
        except BodyTooLarge as error:
            await too_large(error.limit)(scope, receive, send)
            return
        except ClientDisconnect:
            return
        again = _replay(body)
        try:
            answer = await self._answer(request, Caller(found.account_id, found.id), scope, again)
        except Fault as fault:
            answer = fault_response(fault)
        except _Refused as refused:
            for message in refused.messages:
                await send(message)
            return
        await answer(scope, again, send)

    async def _answer(self, request: Request, caller: Caller, scope: Scope, receive: Receive) -> JsonBytes:
        claim = await claim_of(request, caller)
        assert claim is not None

        async def act() -> Answer:
            messages: list[Message] = []

            async def keep(message: Message) -> None:
                messages.append(message)

            await self._app(scope, receive, keep)
            status = messages[0]["status"]
            if status >= 400:
                raise _Refused(messages)
            return Answer(status, b"".join(message.get("body", b"") for message in messages[1:]))

        return await self._once.answer(claim, caller, act)


def _is_meant(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "POST"
        and scope["path"].startswith(_PREFIX)
        and any(name == b"idempotency-key" for name, _ in scope["headers"])
    )


def _replay(body: bytes) -> Receive:
    """A `receive` that gives a body that was read already, and never says that the client left.

    What was begun under a key runs to its end, so that whoever asks again finds it. A second message at once would
    make a streamed answer, which looks out for the client's leaving, look for ever.
    """
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
