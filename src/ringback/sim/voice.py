"""Calls on the network, both sides of them: what its API does with handsets' calls, and what a carrier's client does."""

import asyncio
import dataclasses
import itertools
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringback.kit.hand_over import give
from ringback.kit.machine import monotonic
from ringback.sim import calls, handsets
from ringback.sim.addresses import any_spelling
from ringback.sim.admission import Admission, ticket_of
from ringback.sim.calls import HandsetCall
from ringback.sim.engine import Engine
from ringback.sim.errors import BadToken, CallNotFound, CallState, HandsetInCall
from ringback.sim.signal import Signal, wait
from ringback.sim.trunk import Message, Trunk
from ringback.sim.unit import Unit

MOST_BYTES = 1_000_000_000
"""Of recordings, some eight hours of them; older ones go first."""
_ACTS_S = 2.0
"""How long somebody who acts by hand waits to see it done."""
_PRESENT_S = 3.0
"""How long a server counts as there after it last asked for calls that ring."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """A call to a number of a server's that rings now; `number` is its place in the order of all."""

    number: int
    ref: str
    sender: str
    recipient: str


class Voice:
    """Calls of one network. `command` starts its exchange; `folder` takes recordings, `where` says how it is reached."""

    def __init__(self, engine: Engine, command: Sequence[str], *, folder: Path, where: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._trunk = Trunk(command, where, on_open=self._opened, on_message=self._obey, on_lost=self._lost)
        self._where = where
        self._admission = Admission()
        self._rings = Signal()
        self._ringing: dict[str, Ringing] = {}
        self._numbers = itertools.count(1)
        self._epoch = ""
        self._waits = 0
        self._last_wait = -_PRESENT_S
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Take over the calls of an exchange that still runs; those that nobody carries are lost."""
        self._epoch = await self._engine.run(lambda unit: unit.ids.new("ep"))
        if not (self._where.exists() and await self._trunk.adopt()):
            await self._lost()

    async def stop(self) -> None:
        """End every call."""
        await self._trunk.stop()
        for task in tuple(self._tasks):
            task.cancel()

    def end_waits(self) -> None:
        self._rings.ring()

    # Handsets

    async def place(
        self,
        handset_id: str,
        to: str,
        script: Sequence[dict[str, Any]],
        record: bool = True,
        *,
        live: bool = False,
    ) -> HandsetCall:
        """A handset calls, with the steps of `script` once it is answered, or (`live`) with a person who comes with a page.

        `ExchangeDown`, and what `calls.place` raises.
        """

        def check(unit: Unit) -> str:
            return any_spelling("to", to, handsets.find(unit, handset_id).country)

        e164 = await self._engine.run(check)
        await self._trunk.open()
        listens = self._somebody_listens
        call, other, callee = await self._engine.run(
            lambda unit: calls.place(
                unit, handset_id, e164, script, record, live=live, somebody_listens=listens
            )
        )
        self._trunk.say(
            {
                "op": "place",
                "call": call.id,
                "ref": call.id,
                "from": call.sender,
                "to": call.recipient,
                "steps": list(script),
                "live": live,
                "audio": str(self.audio_path(call.id)) if record else None,
                "callee": self._with_audio(callee, other),
            }
        )
        return call

    async def get(self, call_id: str, wait_s: float = 0) -> HandsetCall:
        """One call; with `wait_s` once it has ended and all words of it are there, or as it is when the time is up."""

        def look(unit: Unit) -> HandsetCall | None:
            call = calls.find(unit, call_id)
            return call if call.is_over else None

        found: HandsetCall | None = await self._engine.look_until(self._engine.log, wait_s, look)
        return found if found is not None else await self._engine.run(lambda unit: calls.find(unit, call_id))

    async def page(
        self, handset_id: str, limit: int, offset: int, status: str | None = None, wait_s: float = 0
    ) -> tuple[list[HandsetCall], int]:
        """A handset's calls, newest first, and how many; an empty page waits up to `wait_s` for one."""
        found: tuple[list[HandsetCall], int] = ([], 0)

        def look(unit: Unit) -> list[HandsetCall]:
            nonlocal found
            found = calls.page(unit, handset_id, limit, offset, status)
            return found[0]

        await self._engine.look_until(self._engine.log, wait_s, look)
        return found

    async def act(self, call_id: str, what: str, **more: Any) -> HandsetCall:
        """Let the handset of a call `answer` (with `steps`), `decline`, `hangup` or press keys (`dtmf`, with `digits`).

        All but keys are waited for: the call is then as it has become. To hang up what is over changes nothing.
        """
        before = await self._engine.run(lambda unit: calls.check_act(unit, call_id, what))
        if before.status not in calls.LIVING:
            return before
        self._trunk.say({"op": "act", "call": call_id, "what": what, **more})
        if what == "dtmf":
            return before

        ways = calls.LIVING if what == "hangup" else ()

        def look(unit: Unit) -> HandsetCall | None:
            call = calls.find(unit, call_id)
            return call if call.status not in (before.status, *ways) else None

        found: HandsetCall | None = await self._engine.look_until(self._engine.log, _ACTS_S, look)
        return found if found is not None else before

    async def let_in(self, call_id: str) -> str:
        """A token with which a page may hold the handset of this call. `CallNotFound`, `CallState`, `HandsetInCall`."""
        await self._engine.run(lambda unit: calls.check_act(unit, call_id, "talk"))
        return self._admission.token(call_id)

    async def admit(self, secret: str) -> str:
        """The call that the page with this token or ticket is for, whose handset a person has from now on. `BadToken`."""
        call_id = self._admission.call_of(secret, self._trunk.key)
        if call_id is None:
            raise BadToken("the token is wrong, was used, or is older than 30 s")
        try:
            await self._engine.run(lambda unit: calls.hold(unit, call_id))
        except (CallNotFound, CallState):
            raise BadToken("the call is over") from None
        except HandsetInCall as error:
            raise BadToken(error.message) from None
        return call_id

    async def bring(self, call_id: str, page: socket.socket) -> None:
        """Give a page's open WebSocket to the exchange, for the handset of this call; ours is left to be closed. `OSError`."""
        pages = self._trunk.pages
        if pages is None:
            raise ConnectionError("no process is there that carries calls")
        told = {"call": call_id, "ticket": ticket_of(call_id, self._trunk.key)}
        await asyncio.to_thread(give, pages, told, page)

    def audio_path(self, call_id: str) -> Path:
        """Where the recording of a call is, or will be."""
        return self._folder / f"{call_id}.wav"

    def forget(self, call_ids: Sequence[str]) -> None:
        """Their handset is thrown away: end them, and erase their recordings."""
        for call_id in call_ids:
            self._trunk.say({"op": "act", "call": call_id, "what": "hangup"})
            self.audio_path(call_id).unlink(missing_ok=True)

    def change_line(self) -> None:
        """The line's settings have changed: they hold for calls that are up, too."""
        self._trunk.say({"op": "settings", "settings": self._settings()})

    # The carrier's side

    async def trunk(self) -> dict[str, Any]:
        """How legs reach the exchange. Raises `ExchangeDown`."""
        return await self._trunk.open()

    async def ringing(self, epoch: str, after: int, wait_s: float = 0) -> tuple[str, list[Ringing]]:
        """The calls to numbers of servers that ring now, behind `after`, waited for; and the epoch of their numbers.

        Numbers of another epoch count for nothing. Whoever waits here is there, for calls that come.
        """
        until = monotonic() + wait_s
        self._waits += 1
        try:
            while True:
                rung = self._rings.next()
                last = after if epoch == self._epoch else 0
                found = [call for call in self._ringing.values() if call.number > last]
                left_s = until - monotonic()
                if found or left_s <= 0 or self._engine.stopping:
                    return self._epoch, found
                await wait(rung, left_s)
        finally:
            self._waits -= 1
            self._last_wait = monotonic()

    def reject(self, ref: str, code: int) -> None:
        """The server doesn't take a call that rings, for a reason as SIP has it."""
        self._trunk.say({"op": "reject", "ref": ref, "code": code})

    # What the exchange says

    @property
    def _somebody_listens(self) -> bool:
        return self._waits > 0 or monotonic() - self._last_wait < _PRESENT_S

    async def _opened(self, living: set[str]) -> None:
        self._ringing.clear()
        await self._engine.run(lambda unit: calls.lose(unit, living))
        # Once the connection counts as open; nothing else is said before that.
        asyncio.get_running_loop().call_soon(self.change_line)

    async def _lost(self) -> None:
        self._ringing.clear()
        await self._engine.run(calls.lose)

    async def _obey(self, message: Message) -> None:
        op = message["op"]
        if op == "event":
            await self._engine.run(lambda unit: calls.apply(unit, [message]))
            self._trunk.say({"op": "ack", "n": message["n"]})
            if message["type"] == "ended":
                await asyncio.to_thread(_keep_newest, self._folder)
        elif op == "ask":
            task = asyncio.create_task(self._answer(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif op == "offered":
            ref = message["ref"]
            self._ringing[ref] = Ringing(next(self._numbers), ref, message["from"], message["to"])
            self._rings.ring()
        elif op in ("taken", "gone"):
            self._ringing.pop(message["ref"], None)

    async def _answer(self, question: Message) -> None:
        listens = self._somebody_listens
        other, callee = await self._engine.run(
            lambda unit: calls.route(unit, question["from"], question["to"], somebody_listens=listens)
        )
        self._trunk.say({"op": "answer", "question": question["question"], **self._with_audio(callee, other)})

    def _with_audio(self, callee: dict[str, Any], call: HandsetCall | None) -> dict[str, Any]:
        return callee if call is None else {**callee, "audio": str(self.audio_path(call.id))}

    def _settings(self) -> dict[str, Any]:
        settings = dataclasses.asdict(self._engine.settings)
        return {name: settings[name] for name in ("seed", "latency_ms", "jitter_ms", "loss_percent")}


def _keep_newest(folder: Path, most: int = MOST_BYTES) -> None:
    """Erase the oldest recordings beyond `most` bytes in all."""
    if not folder.exists():
        return
    found = [(path.stat().st_mtime_ns, path.stat().st_size, path) for path in folder.glob("*.wav")]
    left = sum(size for _, size, _ in found) - most
    for _, size, path in sorted(found):
        if left <= 0:
            return
        path.unlink(missing_ok=True)
        left -= size
