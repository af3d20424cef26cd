"""One client's connection: what may come in, how fast, and how a refusal below the application is told.

uvicorn's protocol trusts its clients: it has no limits but a keep-alive, and answers bad HTTP in plain text. This one
keeps to RFC 9112 on both counts. A request must come in in time and an answer must be taken; what the application
does in between may last as long as it likes (long polls, streams).
"""

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httptools
import structlog
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ringback.doors.http import head
from ringback.doors.http.head import Refusal
from ringback.doors.http.transport import Transport

if TYPE_CHECKING:
    from ringback.doors.http.connections import Connections

_log = structlog.get_logger("ringback.http")
# What is on its way in. When leaving, nothing is listened to any more.
_NOTHING, _HEAD, _BODY, _LEAVING = range(4)


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with limits; `due` and `taking_due` are when the watch must look (the loop's seconds).

    The parser's calls are written anew, not extended: each request passes through all of them."""

    def __init__(self, *uvicorn: Any, of: "Connections") -> None:
        super().__init__(*uvicorn)
        self._of = of
        self._limits = of.limits
        self._stage = _NOTHING
        self._unused = 0
        """Bytes that came since a head was whole or a piece of a body was handed on, short of a part of `_piece`."""
        self._piece = 0
        """Bytes that came at once."""
        self._upgrading = False
        self._lingers = True
        self._answering: RequestResponseCycle | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[RequestResponseCycle] = deque()
        self._last_words: bytes | None = None
        """A refusal that waits until the requests before it are answered."""
        self._left = 0
        self._half_closed = False
        self.due = math.inf
        self.taking_due = math.inf

    # What the transport tells

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._raw = transport
        super().connection_made(transport)
        self.transport = self._out = Transport(transport, self.end, self._is_leaving)
        self.due = self.loop.time() + self._limits.head_timeout_s
        self._of.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stage = _LEAVING
        self.due = self.taking_due = math.inf
        if self._answering is not None:
            self._give_up(self._answering)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._stage == _LEAVING or self._last_words is not None:
            return
        self._piece = len(data)
        self._unused += self._piece
        before = self._answering
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            own = self._stage == _BODY and self.cycle is self._answering
            if own and self._answering is not before and self._task is not None:
                self._task.cancel()  # it has not begun yet, and its request turned out to be none
            self._refuse(head.refusal_of(error))
        else:
            if self._unused or self._stage != _NOTHING:
                self._watch_input()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more. What it asked for in whole is answered (RFC 9112, 9.6), but no stream goes on."""
        answering = self._answering
        goes_on = answering and not (answering.response_complete or answering.chunked_encoding)
        if self._stage != _NOTHING or not goes_on:
            return False
        self._half_closed = True
        self._out.end_streams(lambda: self._answering is not None and self._answering.chunked_encoding)
        self.cycle.keep_alive = False  # the last of them
        self.due = self.loop.time() + self._limits.half_closed_s
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._left = self._raw.get_write_buffer_size()
        self.taking_due = self.loop.time() + self._limits.answer_timeout_s

    def resume_writing(self) -> None:
        self.taking_due = math.inf
        super().resume_writing()

    # What the parser tells

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._stage = _HEAD
        self.due = math.inf

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value.rstrip(b" \t"))  # the white space is none of it (RFC 9112, 5.1)

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        head.check(self._limits, self.url, self.headers, version, self._unused + self._piece)
        if len(self._waiting) >= self._limits.max_pipelined:
            told = f"{self._limits.max_pipelined} requests at most may wait on one connection"
            raise Refusal(400, "BAD_REQUEST", told)
        method = self.parser.get_method()
        if not self.url.startswith(b"/"):
            self.url = head.origin_form(method, self.url, self.headers)
        if self.parser.should_upgrade():
            self._upgrading = True
            return
        self._stage = _BODY
        self._unused = 0
        self.due = math.inf
        self._describe(method, version)
        self.cycle = cycle = RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version == "1.1" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if self._answering is None or self._answering.response_complete:
            self._answer(cycle)
        else:
            self.flow.pause_reading()
            self._waiting.append(cycle)

    def on_body(self, body: bytes) -> None:
        self._unused = 0
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._upgrading:
            return
        self._stage = _NOTHING
        self._unused = 0
        over = self.cycle.response_complete
        self.due = self.loop.time() + self._limits.idle_timeout_s if over else math.inf
        self.cycle.more_body = False
        self.cycle.message_event.set()

    def _describe(self, method: bytes, version: str) -> None:
        """Complete the scope, whose headers the parser filled."""
        target = httptools.parse_url(self.url)
        path = target.path.decode("ascii")
        scope = self.scope
        scope["method"] = method.decode("ascii")
        scope["http_version"] = version
        scope["raw_path"] = target.path
        scope["path"] = unquote(path) if "%" in path else path
        scope["query_string"] = target.query or b""
        # Trailers come by `on_header` too; the request must not change under its reader.
        self.headers = []

    def _read_without_upgrade(self, rest: bytes) -> None:
        """Some clients offer HTTP/2 with their first request, which goes on as HTTP/1.1 where nobody takes it up.

        The parser takes no body after an offer, so the request is read again from the start, the offer left out.
        """
        self._upgrading = False
        version = self.parser.get_http_version()
        try:
            again = head.without_upgrade(self.parser.get_method(), self.url, version, self.headers)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._stage = _NOTHING
        self._unused = 0
        self.data_received(again + rest)

    # What the application does

    def _answer(self, cycle: RequestResponseCycle) -> None:
        self._answering = cycle
        self._task = self.loop.create_task(cycle.run_asgi(self.app))
        self._task.add_done_callback(self.tasks.discard)
        self.tasks.add(self._task)

    def on_response_complete(self) -> None:
        if self._is_leaving():
            return
        self.flow.resume_reading()
        if self._waiting:
            self._answer(self._waiting.popleft())
        elif self._last_words is not None:
            self._say(self._last_words)
        elif self._stage == _NOTHING:
            self.due = self.loop.time() + self._limits.idle_timeout_s

    # Time and size

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way, in or out."""
        return (
            self._stage == _NOTHING
            and (self._answering is None or self._answering.response_complete)
            and not self._raw.get_write_buffer_size()
        )

    @property
    def idle_since(self) -> float:
        """When an idle connection was last of use, by the loop's clock."""
        fresh = self._answering is None
        return self.due - (self._limits.head_timeout_s if fresh else self._limits.idle_timeout_s)

    def _watch_input(self) -> None:
        """Not too much of what is no whole request yet, and not for too long."""
        limits = self._limits
        if self._unused > limits.max_head_bytes:
            in_target = self._stage == _HEAD and len(self.url) > limits.max_target_bytes
            self._refuse((head.target_too_long if in_target else head.head_too_large)(limits))
        elif self.due == math.inf and self._stage != _NOTHING:
            in_head = self._stage == _HEAD
            self.due = self.loop.time() + (limits.head_timeout_s if in_head else limits.request_timeout_s)

    def look(self, now: float) -> None:
        """One of the times is over."""
        if self._stage == _LEAVING or self.taking_due <= now:
            left = self._raw.get_write_buffer_size()
            if 0 < left < self._left:
                self._left = left
                self.taking_due = now + self._limits.answer_timeout_s
                if self._stage == _LEAVING:
                    self.due = self.taking_due
            else:
                self.cut()
        elif self.flow.read_paused:
            self.due = now + self._limits.request_timeout_s  # it is the application that doesn't read
        elif self._half_closed and self._answering and self._answering.response_started:
            self.due = math.inf  # it is being answered
        elif self._stage == _NOTHING:
            self.end()
        else:
            self._refuse(Refusal(408, "REQUEST_TIMEOUT", "the request did not come in in time"))

    # Refusing and leaving

    def refuse_for_want_of_room(self) -> None:
        """There are too many connections."""
        told = "this server has all the connections it takes"
        self._say(self._envelope(Refusal(503, "TOO_MANY_CONNECTIONS", told)))

    def _refuse(self, refusal: Refusal) -> None:
        """Tell it in its turn, after the answers to requests before it, and close."""
        answering = self._answering
        if self._stage == _BODY and self.cycle is answering:
            self._give_up(answering)
            if answering.response_started:
                self.end()
            else:
                self._say(self._envelope(refusal))
        elif answering is None or answering.response_complete:
            self._say(self._envelope(refusal))
        else:
            if self._stage == _BODY:
                self._waiting.pop()
            self._stage = _NOTHING
            self._last_words = self._envelope(refusal)

    def _give_up(self, cycle: RequestResponseCycle) -> None:
        if not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _envelope(self, refusal: Refusal) -> bytes:
        request_id = self._of.ids.new("req")
        _log.debug("refused", request_id=request_id, status=refusal.status, why=refusal.message)
        return refusal.spell(request_id, self.server_state.default_headers)

    def _say(self, words: bytes) -> None:
        if not self._raw.is_closing():
            self._raw.write(words)
        self._leave(unread=True)

    def shutdown(self) -> None:
        """The server stops: what is being answered still is, and nothing else is waited for."""
        self._lingers = False
        if self._stage == _LEAVING:
            self._raw.close()
        elif self._answering is None or self._answering.response_complete:
            self.end()
        else:
            self._answering.keep_alive = False

    def end(self) -> None:
        """Close, once everything written has gone out."""
        self._leave(unread=self._stage != _NOTHING or self.flow.read_paused)

    def cut(self) -> None:
        """Close at once, without a word."""
        self._stage = _LEAVING
        self._raw.abort()

    def _is_leaving(self) -> bool:
        return self._stage == _LEAVING or self._raw.is_closing()

    def _leave(self, *, unread: bool) -> None:
        """Close. `unread`: the client may be sending still, and a reset would overtake our last words; so these are
        followed by an end of the stream, and what comes is read and dropped for a moment."""
        if self._stage == _LEAVING:
            return
        self._stage = _LEAVING
        self._left = self._raw.get_write_buffer_size()
        self.due = self.loop.time() + (self._limits.answer_timeout_s if self._left else self._limits.linger_s)
        if unread and self._lingers and not self._raw.is_closing():
            self.flow.resume_reading()
            try:
                self._raw.write_eof()
            except OSError:  # the client is gone
                self._raw.abort()
        else:
            self._raw.close()
