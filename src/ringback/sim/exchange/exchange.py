"""The exchange itself: who is connected, which calls there are, and the beat of 20 ms that moves their audio."""

import asyncio
import contextlib
import hmac
import logging
import secrets
import socket
from pathlib import Path
from typing import Any

from ringback.kit.hand_over import Taker
from ringback.kit.machine import monotonic
from ringback.kit.websocket import closing
from ringback.sim.exchange.bridge import Bridge
from ringback.sim.exchange.call import CARRIER_ERROR, OF_CODE, UNREACHABLE, Call, Failure, Party
from ringback.sim.exchange.channel import MOST_BYTES, BadLine, Channel
from ringback.sim.exchange.leg import HELD_S, Leg
from ringback.sim.exchange.line import Line
from ringback.sim.exchange.manners import conduct_of
from ringback.sim.exchange.office import Office
from ringback.sim.exchange.phone import Phone
from ringback.sim.exchange.script import follow, spoken
from ringback.sim.exchange.studio import Studio

_logger = logging.getLogger(__name__)
BEAT_S = 0.02
_FARTHEST_BEHIND_S = 1.0
"""A process that stood still for longer skips the beats it missed."""
_FIRST_LINE_S = 10.0
_NO_CALL = 4401
"""With this code a page's WebSocket is closed whose call there is not (docs/decisions/0028)."""
ALONE_S = 45.0
"""How long the exchange goes on without its network: longer than a server takes to start again."""


class Exchange:
    """Listens on loopback, and at the Unix socket `pages` for the connections of pages that are handed over.

    `run` serves until its network says `bye`, or is away for `alone_s`.
    """

    def __init__(
        self, studio: Studio, pages: Path, *, held_s: float = HELD_S, alone_s: float = ALONE_S
    ) -> None:
        self.key = secrets.token_urlsafe(24)
        self.port = 0
        self.line = Line()
        self._studio = studio
        self._held_s = held_s
        self._alone_s = alone_s
        self._office = Office()
        self._pages = Taker(pages, self._page_came)
        self._calls: dict[str, Call] = {}
        self._legs: dict[str, Leg] = {}
        self._phones: dict[str, Phone] = {}
        self._stop = asyncio.Event()
        self._last_seen = monotonic()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None
        self._serving: dict[asyncio.Task[Any] | None, Channel] = {}

    async def start(self) -> None:
        """Listen, on a port that the machine chooses."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=MOST_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        self._pages.open()
        self._spawn(self._beat())
        self._spawn(self._mind_the_office())

    async def run(self) -> None:
        """Until it is over."""
        await self._stop.wait()

    async def stop(self) -> None:
        """End every call, and let the parties hear of it."""
        self._pages.close()
        for call in tuple(self._calls.values()):
            call.abandon("lost")
        ending = [phone.finished for phone in self._phones.values() if phone.finished is not None]
        if ending:
            await asyncio.wait(ending, timeout=2)
        if self._server is not None:
            self._server.close()
        await self._office.leave()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # They end by themselves: a connection whose task is cancelled is complained of by Python 3.11.
        for channel in self._serving.values():
            channel.shut()
        if serving := [task for task in self._serving if task is not None]:
            await asyncio.wait(serving, timeout=2)

    # Connections

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        channel = self._serving[task] = Channel(reader, writer)
        try:
            async with asyncio.timeout(_FIRST_LINE_S):
                first = await channel.read()
            if first is None or not hmac.compare_digest(str(first.get("key", "")), self.key):
                channel.send({"op": "failed", "code": 403, "reason": CARRIER_ERROR.reason})
                await channel.hear_out()
            elif first.get("op") == "office":
                await self._serve_office(channel)
            else:
                await self._serve_leg(channel, first)
                await channel.hear_out()
        except (BadLine, TimeoutError, OSError) as error:
            _logger.info("a connection to the exchange was cut: %s", error or "it said nothing")
        finally:
            await channel.close()
            del self._serving[task]

    async def _serve_leg(self, channel: Channel, first: dict[str, Any]) -> None:
        ref, op = str(first.get("ref", "")), first.get("op")
        leg = self._legs.get(ref)
        if op == "dial" and leg is None:
            leg = self._new_leg(ref, str(first.get("from", "")), str(first.get("to", "")))
            self._spawn(self._dial(leg, first))
        elif op == "take" and leg is None:
            # Its caller hung up before anybody took it.
            channel.send({"op": "hungup", "by": "far", "detail": "far"})
            return
        elif leg is None or (op == "take" and leg.is_taken) or op not in ("take", "retake"):
            channel.send(
                {"op": "failed", "code": 481, "reason": CARRIER_ERROR.reason, "detail": "no such call"}
            )
            return
        elif op == "take":
            self._office.say({"op": "taken", "ref": ref})
        await leg.serve(channel)

    async def _serve_office(self, channel: Channel) -> None:
        channel.send({"op": "hello", "calls": sorted(self._office.untold | self._phones.keys())})
        self._office.open(channel)
        for leg in self._legs.values():
            if not leg.is_taken:
                self._offer(leg)
        try:
            while (message := await channel.read()) is not None:
                self._obey(message)
        finally:
            self._office.close(channel)
            self._last_seen = monotonic()

    def _obey(self, message: dict[str, Any]) -> None:
        op = message.get("op")
        if op == "ack":
            self._office.acknowledged(message["n"])
        elif op == "answer":
            self._office.answered(message)
        elif op == "settings":
            self.line.change(message["settings"])
        elif op == "place":
            self._place(message)
        elif op == "act":
            self._act(message)
        elif op == "reject":
            leg = self._legs.get(message["ref"])
            if leg is not None and leg.call is not None and not leg.is_taken:
                leg.call.refuse(OF_CODE.get(message.get("code", 0), UNREACHABLE))
        elif op == "bye":
            self._stop.set()

    # Calls

    def _place(self, message: dict[str, Any]) -> None:
        """A handset calls: its network has seen who is at the other end."""
        steps = message["steps"]
        phone = self._new_phone(message, follow(steps))
        phone.dial()
        if message.get("live"):
            phone.give()
        self._spawn(self._studio.prepare(spoken(steps)))
        self._connect(message["ref"], phone, message["callee"], message["from"], message["to"])

    async def _dial(self, leg: Leg, first: dict[str, Any]) -> None:
        """A server calls."""
        ring_s = first.get("ringS")
        callee = await self._office.ask(what="route", ref=leg.ref, **{"from": leg.from_, "to": leg.to})
        self._connect(
            leg.ref,
            leg,
            callee or _failed(CARRIER_ERROR),
            leg.from_,
            leg.to,
            ring_s=float(ring_s) if isinstance(ring_s, int | float) and ring_s > 0 else None,
        )

    async def _transfer(self, leg: Leg, to: str) -> None:
        """A server wants the other end bridged to `to`."""
        call = leg.call
        if call is None or call.state != "answered":
            leg.transferred("not_answered")
            return
        caller = leg.to if call.parties[0] is leg else leg.from_
        ref = f"{leg.ref}.{to}"
        callee = await self._office.ask(what="route", ref=ref, **{"from": caller, "to": to})
        if leg.call is not call:
            return
        self._connect(ref, Bridge(call, leg), callee or _failed(CARRIER_ERROR), caller, to)

    def _connect(
        self,
        ref: str,
        caller: Party,
        callee: dict[str, Any],
        from_: str,
        to: str,
        *,
        ring_s: float | None = None,
    ) -> None:
        if callee["kind"] == "fail":
            caller.failed(Failure(callee["reason"], callee["code"]))
            return
        party: Party
        if callee["kind"] == "handset":
            party = self._new_phone(callee, conduct_of(callee["manner"]))
        else:
            party = self._new_leg(callee["ref"], from_, to)
        more = {} if ring_s is None else {"ring_s": ring_s}
        call = self._calls[ref] = Call(ref, caller, party, self.line, on_end=self._ended, **more)
        call.begin()
        if isinstance(party, Leg):
            self._offer(party)

    def _offer(self, leg: Leg) -> None:
        self._office.say({"op": "offered", "ref": leg.ref, "from": leg.from_, "to": leg.to})

    def _act(self, message: dict[str, Any]) -> None:
        """The owner of a handset does something by hand."""
        phone = self._phones.get(message["call"])
        if phone is None:
            return
        what = message["what"]
        if what == "answer":
            steps = message.get("steps") or []
            self._spawn(self._studio.prepare(spoken(steps)))
            phone.pick_up(follow(steps) if steps else None)
        elif what == "decline":
            phone.decline()
        elif what == "hangup":
            phone.hang_up()
        elif what == "dtmf":
            phone.mouth.press(message["digits"])

    def _page_came(self, told: dict[str, Any], connection: socket.socket) -> None:
        """A person wants to hold the handset of a call."""
        phone = self._phones.get(str(told.get("call")))
        if phone is None:
            with contextlib.suppress(OSError), connection:
                connection.send(closing(_NO_CALL, "the call is over"))
            return
        self._spawn(self._meet(phone, connection, str(told.get("ticket"))))

    async def _meet(self, phone: Phone, connection: socket.socket, ticket: str) -> None:
        with contextlib.suppress(OSError):  # the page is gone already
            await phone.meet(connection, ticket)

    def _new_phone(self, told: dict[str, Any], conduct: Any) -> Phone:
        call_id = told["call"]
        phone = Phone(
            call_id,
            conduct,
            self._studio,
            lambda kind, data: self._tell(call_id, kind, data),
            name=told.get("name") or "",
            audio=Path(told["audio"]) if told.get("audio") else None,
        )
        self._phones[call_id] = phone
        return phone

    def _tell(self, call_id: str, kind: str, data: dict[str, Any]) -> None:
        if kind == "ended":
            self._phones.pop(call_id, None)
        self._office.tell(call_id, kind, data)

    def _new_leg(self, ref: str, from_: str, to: str) -> Leg:
        leg = Leg(ref, from_, to, transfer=self._transfer, on_gone=self._leg_gone, held_s=self._held_s)
        self._legs[ref] = leg
        return leg

    def _leg_gone(self, leg: Leg) -> None:
        self._legs.pop(leg.ref, None)
        self._office.say({"op": "gone", "ref": leg.ref})

    def _ended(self, call: Call) -> None:
        self._calls.pop(call.ref, None)

    # Time

    async def _beat(self) -> None:
        due = monotonic()
        while True:
            due += BEAT_S
            now = monotonic()
            if now - due > _FARTHEST_BEHIND_S:
                due = now
            await asyncio.sleep(max(0.0, due - now))
            for call in tuple(self._calls.values()):
                try:
                    call.tick()
                except Exception:
                    _logger.exception("call %s failed", call.ref)
                    call.abandon("lost")
            for phone in tuple(self._phones.values()):
                phone.pass_time()

    async def _mind_the_office(self) -> None:
        while not self._stop.is_set():
            if self._office.is_there:
                self._last_seen = monotonic()
            elif monotonic() - self._last_seen > self._alone_s:
                self._stop.set()
            await asyncio.sleep(min(1.0, self._alone_s / 4))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        with contextlib.suppress(asyncio.CancelledError):
            if (error := task.exception()) is not None:
                _logger.error("work of the exchange failed", exc_info=error)


def _failed(failure: Failure) -> dict[str, Any]:
    return {"kind": "fail", "reason": failure.reason, "code": failure.code}
