"""The voice host: it takes calls in and places them, gives them to media children, and writes down what becomes of them."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from functools import partial
from typing import Any

import structlog

from ringback.carriers.protocol import InboundCall
from ringback.kit import hand_over, machine
from ringback.voice import models
from ringback.voice.applying import Applying
from ringback.voice.children import CannotStart, Child, Settings
from ringback.voice.fleet import Fleet
from ringback.voice.office import Held, Office, Trunk
from ringback.voice.protocol import GRACE_S, CallPlan, Message, pages_path

_log = structlog.get_logger("ringback.voice")
_ALIVE_S = 1.0
_BELIEVED_S = 5.0
"""How long a host counts as alive that doesn't say so again."""
_LOOK_S, _IDLE_LOOK_S = 1.0, 5.0
_RESCUES = 2
"""How often a call whose child died goes on with another: one that kills its children is let go."""
_AGAIN_S = 1.0
_HOLDER_S = 10.0
"""How long a page that comes back waits for the child that takes its call over."""
_BROWSER = {"kind": "browser"}
UNAVAILABLE = 503
DIED = "its media child died"


class Host:
    """A `Switchboard`. `carriers` are those that can carry calls, by name; `beside`: other processes ask it, too."""

    def __init__(
        self,
        settings: Settings,
        office: Office,
        carriers: Mapping[str, Trunk],
        *,
        name: str,
        beside: bool = False,
    ) -> None:
        self._data, self._office, self._carriers = settings.data, office, carriers
        self._fleet = Fleet(settings, name, on_event=self._heard, on_death=self._died)
        self._applying = Applying(office.apply, self._applied)
        self._rescues: dict[str, int] = {}
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._look_now = asyncio.Event()
        self._alive, self._beside = False, beside
        self._stopping = False

    # What doors ask

    def trouble(self) -> str | None:
        if self._stopping:
            return "the server is stopping"
        return models.lacks()

    def start(self, account_id: str, call_id: str) -> None:
        self._look_now.set()

    def end(self, account_id: str, call_id: str, reason: str) -> None:
        child = self._fleet.holder(call_id)
        if child is not None:
            child.send({"op": "end", "call": call_id, "reason": reason})
        self._look_now.set()

    async def admit(self, secret: str) -> str:
        held = await self._office.admit(secret)
        if held.child is None and held.call_id not in self._busy:
            self._busy.add(held.call_id)
            try:
                plan = partial(self._office.plan, held, _BROWSER, resumed=False)
                await self._give(await self._child(), held.account_id, held.call_id, plan)
            except Exception as error:
                self._log_failure("a call from a browser can't be taken", error)
                await self._lose(held, str(error) or type(error).__name__)
                raise ConnectionError(str(error)) from None
            finally:
                self._busy.discard(held.call_id)
        return held.call_id

    async def bring(self, call_id: str, page: socket.socket) -> None:
        until = machine.monotonic() + _HOLDER_S
        while (child := self._fleet.holder(call_id)) is None:
            if machine.monotonic() > until:
                raise ConnectionError("nobody holds this call now")
            await asyncio.sleep(0.05)
        path = pages_path(self._data, child.name)
        await asyncio.to_thread(hand_over.give, path, {"call": call_id}, page)

    def living(self) -> Collection[str]:
        return {call_id for child in self._fleet.children for call_id in child.calls}

    # Its life

    async def open(self) -> None:
        """Take back the children of the host before, store what others left, and begin to take calls."""
        if models.lacks() is not None:
            return
        for event, child in await self._fleet.find():
            self._applying.add(event, child)
        self._begin(self._forget_left())
        await self._rescue_all()
        if self._beside:
            await self._live()
        self._begin(self._watch())
        self._begin(self._wait_for_changes())
        for carrier in self._carriers.values():
            self._begin(self._listen(carrier))

    async def close(self) -> None:
        """Take no more calls, let every caller hear a goodbye, and write down how each call ended."""
        self._stopping = True
        await self._end_tasks()
        await self._fleet.drain(GRACE_S + 1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                while not self._applying.idle:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        await self._applying.close()
        with contextlib.suppress(Exception):
            await self._office.leave()

    async def abandon(self) -> None:
        """Let go of everything at once, as a death would."""
        self._stopping = True
        await self._end_tasks()
        await self._fleet.leave()
        await self._applying.close()

    # Calls

    async def _listen(self, carrier: Trunk) -> None:
        """Take the calls that come in."""
        while True:
            try:
                async for call in carrier.calls():
                    self._begin(self._receive(carrier, call))
            except Exception:
                _log.exception("calls of a carrier can't be heard now")
            await asyncio.sleep(_AGAIN_S)

    async def _receive(self, carrier: Trunk, call: InboundCall) -> None:
        plan: CallPlan | int = UNAVAILABLE
        try:
            child = await self._child()
            plan = await self._office.receive(call, await carrier.trunk())
            if not isinstance(plan, int):
                await self._give(child, plan["account_id"], plan["call_id"], lambda: _at_once(plan))
                return
        except Exception as error:
            self._log_failure("a call can't be taken", error)
            if not isinstance(plan, int):
                held = Held(plan["account_id"], plan["call_id"], None, call.carrier, call.ref)
                await self._lose(held, str(error) or type(error).__name__)
        with contextlib.suppress(Exception):
            await carrier.reject(call.ref, plan if isinstance(plan, int) else UNAVAILABLE)

    async def _dial(self, held: Held) -> None:
        carrier = self._carriers.get(held.carrier)
        try:
            if carrier is None:
                raise CannotStart(f"the carrier {held.carrier} can't carry calls")
            child = await self._child()
            leg = {**await carrier.trunk(), "op": "dial", "ref": held.call_id}
            plan = partial(self._office.plan, held, leg, resumed=False)
            await self._give(child, held.account_id, held.call_id, plan)
        except Exception as error:
            self._log_failure("a call can't be placed", error)
            await self._lose(held, str(error) or type(error).__name__)
        finally:
            self._busy.discard(held.call_id)

    async def _give(
        self, child: Child, account_id: str, call_id: str, plan: Callable[[], Awaitable[CallPlan]]
    ) -> None:
        """Write down that a child has a call, and hand it over; one that is over meanwhile is left alone."""
        child.calls.add(call_id)
        given = False
        try:
            if await self._office.take(account_id, call_id, child.name):
                made = await plan()
                child.send({"op": "start", "call": made})
                given = True
                if made["brain"]["kind"] == "demo":
                    _log.info("the demo brain answers, for no language model is set", call=call_id)
        finally:
            if not given:
                child.calls.discard(call_id)

    async def _wait_for_changes(self) -> None:
        while True:
            await self._office.next_change()
            self._look_now.set()

    async def _watch(self) -> None:
        """Dial what waits, and end what somebody asked the end of."""
        while True:
            try:
                await self._look()
            except Exception as error:
                self._log_failure("waiting calls can't be read now", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S if self._alive else _IDLE_LOOK_S):
                    await self._look_now.wait()
            self._look_now.clear()

    async def _look(self) -> None:
        for held in await self._office.waiting():
            if held.call_id not in self._busy:
                self._busy.add(held.call_id)
                self._begin(self._dial(held))
        living = self.living()
        for held in await self._office.held():
            child = self._fleet.holder(held.call_id)
            if held.end_asked and child is not None:
                child.send({"op": "end", "call": held.call_id, "reason": held.end_asked})
            elif held.child and held.call_id not in living and held.call_id not in self._busy:
                # Its child died, or its host. One without a child is being taken in just now.
                self._busy.add(held.call_id)
                self._begin(self._rescue(held))

    # Children

    def _heard(self, child: Child, event: Message) -> None:
        if event.get("op") == "ask":
            self._begin(self._serve(child, event))
        else:
            self._applying.add(event, child.name)

    async def _serve(self, child: Child, asked: Message) -> None:
        """Do what a call asks for. What can't be done now is asked again."""
        try:
            answer = await self._office.serve(asked, child.name)
        except Exception as error:
            self._log_failure("what a call asks for can't be done now", error)
            return
        child.send({"op": "answer", "call": asked["call"], "id": asked["id"], "answer": answer})

    def _applied(self, event: Message, name: str) -> None:
        child = self._fleet.named(name)
        if event["type"] == "ended":
            self._rescues.pop(event["call"], None)
            if child is not None:
                child.calls.discard(event["call"])
        if child is not None:
            child.send({"op": "ack", "call": event["call"], "n": event["n"]})

    def _died(self, child: Child) -> None:
        """A child is gone: its calls go on with another, or end with the truth."""
        if child.calls and not self._stopping:
            self._begin(self._rescue_all())

    async def _rescue_all(self) -> None:
        living = self.living()
        for held in await self._office.held():
            if held.call_id not in living and held.call_id not in self._busy:
                self._busy.add(held.call_id)
                self._begin(self._rescue(held))

    async def _rescue(self, held: Held) -> None:
        """Go on with a call whose child is gone."""
        try:
            await self._applying.settled(held.call_id)
            count = self._rescues[held.call_id] = self._rescues.get(held.call_id, 0) + 1
            leg = await self._leg_again(held)
            if leg is None or count > _RESCUES or held.end_asked:
                await self._lose(held, DIED)
                return
            child = await self._child()
            plan = partial(self._office.plan, held, leg, resumed=True)
            await self._give(child, held.account_id, held.call_id, plan)
        except Exception as error:
            self._log_failure("a call can't go on", error)
            await self._lose(held, DIED)
        finally:
            self._busy.discard(held.call_id)

    async def _leg_again(self, held: Held) -> dict[str, Any] | None:
        """How another child reaches the other end of a call; None where it can't."""
        if held.browser:
            return dict(_BROWSER)
        carrier = self._carriers.get(held.carrier)
        return None if carrier is None else {**await carrier.trunk(), "op": "retake", "ref": held.ref}

    async def _lose(self, held: Held, detail: str) -> None:
        try:
            await self._office.lose(held, detail)
        except Exception as error:
            self._log_failure("the end of a call can't be stored now", error)

    async def _forget_left(self) -> None:
        while not self._applying.idle:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        self._fleet.forget_left()

    # Time

    async def _child(self) -> Child:
        """A child for one call more. Raises `CannotStart`, and what the office does."""
        await self._live()
        return await self._fleet.child_with_room()

    async def _live(self) -> None:
        """Be known to live from now on."""
        if not self._alive:
            await self._say_alive()
            if not self._alive:
                self._alive = True
                self._begin(self._stay_alive())

    async def _say_alive(self) -> None:
        now_ms = machine.current.time_ns() // 1_000_000
        await self._office.say_alive(now_ms + round(_BELIEVED_S * 1000))

    async def _stay_alive(self) -> None:
        """Say each second that this host lives. One that nobody asks from elsewhere begins with its first call."""
        while True:
            await asyncio.sleep(_ALIVE_S)
            try:
                await self._say_alive()
            except Exception as error:
                self._log_failure("the voice host can't say that it lives", error)

    def _log_failure(self, what: str, error: Exception) -> None:
        _log.warning(what, reason=getattr(error, "message", None) or str(error) or type(error).__name__)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _at_once(plan: CallPlan) -> CallPlan:
    return plan
