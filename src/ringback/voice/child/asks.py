"""What a child asks of its host, once: each has an id, under which the server does it once and answers it again."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from ringback.kit.ids import IdMaker
from ringback.voice.protocol import CallPlan, Message

_AGAIN_S = 3.0
_GIVEN_UP_S = 15.0
NOT_KNOWN = "the server does not answer: it is not known whether this was done, so don't ask for it again"


class Asks:
    """`send` gets what is asked; whoever it goes to may not be there, so it is asked again until it is answered."""

    def __init__(self, send: Callable[[Message], None], ids: IdMaker) -> None:
        self._send, self._ids = send, ids
        self._waiting: dict[str, asyncio.Future[Mapping[str, Any]]] = {}

    async def ask(self, plan: CallPlan, what: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """What came of it: `{"error": ...}` where it was not done, or nobody knows."""
        ask_id = self._ids.new("ask")
        asked: Message = {"op": "ask", "account": plan["account_id"], "call": plan["call_id"], "id": ask_id}
        asked |= {"what": what, "arguments": dict(arguments)}
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[ask_id] = answer
        try:
            async with asyncio.timeout(_GIVEN_UP_S):
                while True:
                    self._send(asked)
                    done, _ = await asyncio.wait([answer], timeout=_AGAIN_S)
                    if done:
                        return answer.result()
        except TimeoutError:
            return {"error": NOT_KNOWN}
        finally:
            del self._waiting[ask_id]

    def answered(self, message: Message) -> None:
        """The host has answered."""
        answer = self._waiting.get(message["id"])
        if answer is not None and not answer.done():
            answer.set_result(message["answer"])
