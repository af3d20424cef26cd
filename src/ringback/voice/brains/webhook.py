"""The developer's webhook as a brain: each turn is posted, signed, and its answer spoken as it comes (contract: Webhooks,
Calls)."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ringback.kit import json_text, machine
from ringback.kit.http import OutgoingHttp, RequestFailed, Streamed
from ringback.kit.ids import IdMaker
from ringback.kit.signing import sign
from ringback.kit.times import to_iso
from ringback.voice.brains.base import BrainFailed, Part, Plan, Said, UserTurn
from ringback.voice.brains.ndjson import Lines

MAX_ANSWER = 262_144
KEPT_ANSWER = 4_096
"""How much of an answer is told on, in characters."""
_AFTER_LAST_S = 1.0
"""How long a stream is listened to after a line that is not `interim`: some senders forget to say so."""
_STREAMS = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
CANCELLED = "the caller went on speaking: the request was cancelled"

Tell = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class _Answer:
    """What came so far of an answer."""

    status: int | None = None
    body: bytes = b""
    error: str | None = None
    well: bool = True
    """Whether there was something in it to go by; an error may be a remark only."""
    too_large: str | None = None
    """That it is, in words; then what is beyond the limit was not read."""

    def settle(self, lines: Lines, *, something: bool) -> None:
        """It has come to its end."""
        self.error = self.too_large
        if self.too_large:
            self.well = something
        elif lines.ignored:
            told = "; ".join(lines.ignored[:3])
            self.error = f"{len(lines.ignored)} of its lines were no JSON objects and were ignored: {told}"
            self.well = something


class WebhookBrain:
    """Posts turns. `tell` gets one `hook` for each post: how it ended, in the fields of that event."""

    ending = "webhook_error"

    def __init__(
        self, plan: Plan, http: OutgoingHttp, ids: IdMaker, tell: Tell, *, request_id: str | None = None
    ) -> None:
        self._plan, self._http, self._ids, self._tell = plan, http, ids, tell
        self._request_id = request_id

    async def answer(self, turn: UserTurn) -> AsyncGenerator[Part, None]:
        """As `Brain.answer`. An answer that asks for nothing and says nothing is silence."""
        delivery_id, begun = self._ids.new("whd"), machine.monotonic()
        body = json.dumps(self.payload(turn), ensure_ascii=False, separators=(",", ":")).encode()
        answer = _Answer(error=CANCELLED)
        try:
            async with self._http.stream(
                self._plan["url"],
                body,
                self._headers(delivery_id, body),
                timeout_s=self._plan["timeout_s"],
                max_bytes=MAX_ANSWER + 1,
                repeatable=True,
            ) as response:
                answer.status = response.status
                async with contextlib.aclosing(self._parts(response, answer)) as parts:
                    async for part in parts:
                        yield part
        except RequestFailed as error:
            answer.error, answer.well = error.message, False
            raise BrainFailed(self.ending, error.message) from None
        finally:
            self._tell(
                {
                    "turn_id": turn.turn_id,
                    "delivery_id": delivery_id,
                    "http_status": answer.status,
                    "ok": answer.status is not None and 200 <= answer.status < 300 and answer.well,
                    "error": answer.error,
                    "answer": answer.body.decode("utf-8", "replace")[:KEPT_ANSWER] if answer.body else None,
                    "ms": round((machine.monotonic() - begun) * 1000),
                }
            )
        if answer.error is not None and (answer.status is None or not 200 <= answer.status < 300):
            raise BrainFailed(self.ending, answer.error)

    def payload(self, turn: UserTurn) -> dict[str, Any]:
        """The body of a turn: the plan's part, and what only this moment knows."""
        static = self._plan["payload"]
        now_ms = machine.current.time_ns() // 1_000_000
        data = {**static["data"], "transcript": turn.text, "confidence": turn.confidence}
        if turn.digits:
            data["ringback"] = {"digits": turn.digits}
        limit = self._plan.get("context_limit", 10)
        history = [*static.get("recentHistory", ()), *(_said(one) for one in turn.before)]
        return {
            **static,
            "timestamp": to_iso(now_ms),
            "data": data,
            "recentHistory": history[-limit:] if limit else [],
        }

    def _headers(self, delivery_id: str, body: bytes) -> dict[str, str]:
        timestamp = machine.current.time_ns() // 1_000_000_000
        headers: dict[str, str] = {
            "Content-Type": "application/json; charset=utf-8",
            "X-Webhook-ID": delivery_id,
            "X-Webhook-Timestamp": str(timestamp),
            "X-Webhook-Signature": sign(self._plan["secret"], timestamp, body),
            **self._plan.get("headers", {}),
        }
        previous = self._plan.get("previous_secret")
        if previous:
            headers["X-Webhook-Signature-Previous"] = sign(previous, timestamp, body)
        if self._request_id:
            headers["X-Request-ID"] = self._request_id
        return headers

    async def _parts(self, response: Streamed, answer: _Answer) -> AsyncGenerator[Part, None]:
        if not 200 <= response.status < 300:
            answer.body = await _some_of(response.pieces)
            answer.error = f"the endpoint answered {response.status}"
            return
        lines, something = Lines(), False
        pieces = _readable(response, answer)
        if response.content_type.partition(";")[0].strip().lower() in _STREAMS:
            found = self._stream(pieces, lines, answer)
        else:
            found = self._whole(pieces, lines, answer)
        async for one in found:
            part = _part_of(one)
            if not one.get("interim") or part.hangup or part.transfer is not None:
                # Whoever hangs up or transfers reads no further.
                answer.settle(lines, something=True)
            something = True
            yield part
        answer.settle(lines, something=something)

    async def _stream(
        self, pieces: AsyncIterator[bytes], lines: Lines, answer: _Answer
    ) -> AsyncIterator[dict[str, Any]]:
        """The objects of a stream, until it ends, asks for the end, or says nothing more after its last line."""
        last = False
        while True:
            try:
                async with asyncio.timeout(_AFTER_LAST_S if last else None):
                    piece = await anext(pieces, b"")
            except TimeoutError:
                if not last:
                    raise
                return
            answer.body += piece[: KEPT_ANSWER - len(answer.body)]
            # Of a line that the limit cuts nothing can be said.
            for one in lines.feed(piece, last=not piece and answer.too_large is None):
                yield one
                last = not one.get("interim")
                if one.get("hangup") or one.get("action") == "transfer":
                    return
            if not piece:
                return

    async def _whole(
        self, pieces: AsyncIterator[bytes], lines: Lines, answer: _Answer
    ) -> AsyncIterator[dict[str, Any]]:
        """The one object of an answer."""
        body = b"".join([piece async for piece in pieces])
        answer.body = body[:KEPT_ANSWER]
        if answer.too_large is not None:
            return
        try:
            found = json_text.loads(body) if body.strip() else {}
        except ValueError:
            found = None
        if isinstance(found, dict):
            yield found
        else:
            lines.ignored.append(body[:60].decode("utf-8", "replace"))


def _part_of(found: Mapping[str, Any]) -> Part:
    """What an object asks for; unknown fields and wrong types are left out."""
    text = found.get("text")
    return Part(
        text=text if isinstance(text, str) else "",
        hangup=found.get("hangup") is True,
        transfer="" if found.get("action") == "transfer" else None,
    )


async def _readable(response: Streamed, answer: _Answer) -> AsyncIterator[bytes]:
    """What of an answer is read: all of it, or as much as it may have."""
    left = MAX_ANSWER
    async for piece in response.pieces:
        if len(piece) > left:
            has = "more" if response.length is None else f"{response.length:,} bytes"
            answer.too_large = (
                f"an answer may have {MAX_ANSWER:,} bytes and this one has {has}; what is beyond was not read"
            )
            yield piece[:left]
            return
        left -= len(piece)
        yield piece


async def _some_of(pieces: AsyncIterator[bytes]) -> bytes:
    kept = b""
    async for piece in pieces:
        kept += piece
        if len(kept) >= KEPT_ANSWER:
            break
    return kept[:KEPT_ANSWER]


def _said(one: Said) -> dict[str, Any]:
    return {
        "messageId": one.turn_id,
        "content": one.text,
        "direction": "inbound" if one.role == "user" else "outbound",
        "channel": "voice",
        "at": to_iso(one.at_ms),
    }
