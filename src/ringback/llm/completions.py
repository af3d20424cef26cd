"""A model behind OpenAI's chat completions, streamed (https://platform.openai.com/docs/api-reference/chat)."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from typing import Any, TypeVar

from ringback.kit import json_text
from ringback.kit.http import OutgoingHttp, RequestFailed, Streamed
from ringback.llm.chunks import Answer, told
from ringback.llm.events import EventData
from ringback.llm.protocol import Endpoint, Message, ModelFailed, Tool, ToolCall

T = TypeVar("T")
_WHOLE_S = 120.0
_MAX_BYTES = 8_388_608
_MAX_REFUSAL = 4_096
_WAITS_S = (0.25, 1.0)
"""How long after a failure the same is asked again: somebody waits on the phone."""
_LONGEST_WAIT_S = 2
_DRAINED_S = 0.1
_AGAIN = (408, 409, 429, 500, 502, 503, 504, 529)
_LASTING = (401, 403, 404)
_UNREACHED = "the model can't be reached"
_BROKE_OFF = "the model broke off in the middle of its answer"


class _Later(Exception):
    """This may go well in a moment; nothing has come of an answer yet."""

    def __init__(self, failed: ModelFailed, wait_s: float | None = None) -> None:
        super().__init__(failed.message)
        self.failed, self.wait_s = failed, wait_s


class ChatCompletions:
    """A `ChatModel`. What fails before the first word is asked again, twice at most."""

    def __init__(self, http: OutgoingHttp, endpoint: Endpoint) -> None:
        self._http, self._endpoint = http, endpoint

    async def answer(
        self, messages: Sequence[Message], tools: Sequence[Tool] = ()
    ) -> AsyncGenerator[str | ToolCall, None]:
        """As `ChatModel.answer`."""
        body = json.dumps(self._request(messages, tools), ensure_ascii=False).encode()
        for pause_s in (*_WAITS_S, None):
            try:
                async with aclosing(self._once(body)) as parts:
                    async for part in parts:
                        yield part
                return
            except _Later as later:
                if pause_s is None or (later.wait_s or 0) > _LONGEST_WAIT_S:
                    raise later.failed from None
                await asyncio.sleep(max(pause_s, later.wait_s or 0))

    def _request(self, messages: Sequence[Message], tools: Sequence[Tool]) -> dict[str, Any]:
        asked: dict[str, Any] = {"model": self._endpoint.model, "messages": list(messages), "stream": True}
        if tools:
            asked["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in tools
            ]
        return asked

    async def _once(self, body: bytes) -> AsyncGenerator[str | ToolCall, None]:
        answer = Answer()
        try:
            async with AsyncExitStack() as stack:
                sent = self._http.stream(
                    f"{self._endpoint.url}/chat/completions",
                    body,
                    _headers(self._endpoint),
                    timeout_s=_WHOLE_S,
                    max_bytes=_MAX_BYTES,
                    repeatable=True,
                )
                response = await self._in_time(stack.enter_async_context(sent), self._deadline())
                if response.status != 200:
                    await self._in_time(_refuse(response), self._deadline())
                async with aclosing(self._texts(response, answer)) as texts:
                    async for text in texts:
                        yield text
        except RequestFailed as error:
            if error.kind == "timeout":
                raise ModelFailed("the model took too long", detail=error.message) from None
            failed = ModelFailed(_BROKE_OFF if answer.begun else _UNREACHED, detail=error.message)
            if answer.begun or error.kind not in ("connect", "protocol"):
                raise failed from None
            raise _Later(failed) from None
        if not answer.ended:
            failed = ModelFailed(_BROKE_OFF, detail="the stream ended without an end of the answer")
            if answer.begun:
                raise failed
            raise _Later(failed)
        for call in answer.calls():
            yield call

    async def _texts(self, response: Streamed, answer: Answer) -> AsyncGenerator[str, None]:
        """The text of an answer. Only events count as a sign of life: some proxies send comments while they wait."""
        pieces, events = response.pieces, EventData()
        if response.content_type.partition(";")[0].strip().lower() == "application/json":
            for text in answer.take_whole(await self._in_time(_whole(pieces), self._deadline())):
                yield text
            return
        until = self._deadline()
        while not answer.ended:
            piece = await self._in_time(anext(pieces, b""), until)
            for data in events.feed(piece) if piece else events.last():
                for text in answer.take(data):
                    yield text
                until = self._deadline()
            if not piece:
                return
        await self._drain(pieces)

    async def _drain(self, pieces: AsyncIterator[bytes]) -> None:
        """Read what follows the end, which mostly has come with it: the connection can be used again then."""
        until = asyncio.get_running_loop().time() + _DRAINED_S
        with suppress(ModelFailed, RequestFailed):
            while await self._in_time(anext(pieces, b""), until):
                pass

    def _deadline(self) -> float:
        """When a model that says nothing from now on counts as stalled, in the loop's time."""
        return asyncio.get_running_loop().time() + self._endpoint.silence_s

    async def _in_time(self, awaited: Awaitable[T], until: float) -> T:
        # Not by way of the client, which would take it for its own timeout.
        try:
            async with asyncio.timeout_at(until):
                return await awaited
        except TimeoutError:
            raise ModelFailed(f"the model said nothing for {self._endpoint.silence_s:g} s") from None


async def _whole(pieces: AsyncIterator[bytes]) -> Any:
    """The object of a server that doesn't stream."""
    return _json(b"".join([piece async for piece in pieces]))


def _headers(endpoint: Endpoint) -> dict[str, str]:
    """The headers of every request."""
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    return {**headers, **authorization(endpoint.key)}


def authorization(key: str | None) -> Mapping[str, str]:
    """The header that shows the key."""
    return {"Authorization": f"Bearer {key}"} if key else {}


async def _refuse(response: Streamed) -> None:
    """Raise what an answer other than 200 amounts to."""
    body = b""
    async for piece in response.pieces:
        body += piece
        if len(body) >= _MAX_REFUSAL:
            break
    status = response.status
    # What is said of a wrong key may hold a part of it.
    detail = None if status in (401, 403) else told(_json(body))
    failed = ModelFailed(f"the model's endpoint answered {status}", detail=detail, lasting=status in _LASTING)
    if status in _AGAIN:
        raise _Later(failed, response.retry_after_s)
    raise failed


def _json(body: bytes) -> Any:
    """What a body says; its text if that is no JSON."""
    try:
        return json_text.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
