"""A voice host without voices: it takes calls as the real one does and tells what its children would, by the real flows.

Only audio is missing: who dials, who speaks and how it ends is what a test says.
"""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from ringback.carriers.protocol import InboundCall
from ringback.flows import hold_calls, plan_call, receive_call
from ringback.flows.follow_call import apply
from ringback.kit.clock import real_ms
from ringback.storage.schema import calls
from ringback.storage.tx import Row
from ringback.testing import Ringback

HOST, CHILD = "host", "child"
TRUNK = {"kind": "line", "host": "127.0.0.1", "port": 9, "key": "k"}


class Exchange:
    """The switchboard of a server under test: `calls` are those that it holds, by their ids."""

    def __init__(self, ringback: Ringback) -> None:
        self._ringback = ringback
        self._heard: dict[str, int] = {}
        self.accounts: dict[str, str] = {}
        self.asked_to_end: list[tuple[str, str]] = []
        self.broken: str | None = None
        self.all_are_busy = False
        self._tasks: set[asyncio.Task[None]] = set()
        # A real one, where voices are installed, would take the calls that are placed.
        ringback.on_loop(ringback.server.calling.close())
        parts = ringback.server.app.state.parts
        ringback.server.app.state.parts = replace(parts, switchboard=self)
        self.facts = parts.voice
        self.store = ringback.server.store
        ringback.on_loop(self.store.write(lambda tx: hold_calls.say_alive(tx, HOST, until=1 << 60)))

    # What doors ask.

    def trouble(self) -> str | None:
        return self.broken

    def start(self, account_id: str, call_id: str) -> None:
        self.accounts[call_id] = account_id
        if self.all_are_busy:
            self._tasks.add(asyncio.create_task(self._find_busy(account_id, call_id)))

    async def _find_busy(self, account_id: str, call_id: str) -> None:
        event = {"call": call_id, "n": 1, "type": "ended", "at": real_ms(), "reason": "busy"}
        await self.store.write(lambda tx: apply(tx, account_id, event), account=account_id)

    def end(self, account_id: str, call_id: str, reason: str) -> None:
        self.asked_to_end.append((call_id, reason))

    def living(self) -> Collection[str]:
        return self.accounts

    # What a test does.

    def take(self, call_id: str) -> dict[str, Any]:
        """Hold a call that was placed; answers its plan."""
        account_id = self.accounts[call_id]

        async def work() -> dict[str, Any]:
            await self.store.write(
                lambda tx: hold_calls.take(
                    tx, account_id, call_id, host=HOST, child=CHILD, real_now=real_ms()
                ),
                account=account_id,
            )
            now = self._ringback.server.clock.now_ms()
            return await self.store.read(
                lambda db: plan_call.plan_call(db, self.facts, account_id, call_id, leg=TRUNK, now=now)
            )

        return self._ringback.on_loop(work())

    def ring(self, to: str, from_: str, ref: str = "ref") -> Any:
        """A call comes in; answers its plan, or why it is refused."""
        call = InboundCall("simulated", ref, from_, to)
        plan = self._ringback.on_loop(
            receive_call.decide(self.store, self.facts, call, host=HOST, trunk=TRUNK)
        )
        if isinstance(plan, dict):
            self.accounts[plan["call_id"]] = plan["account_id"]
        return plan

    def tell(self, call_id: str, type_: str, *, at: int | None = None, **more: Any) -> bool:
        """What the child of a call tells next."""
        n = self._heard[call_id] = self._heard.get(call_id, 0) + 1
        event = {"call": call_id, "n": n, "type": type_, "at": real_ms() if at is None else at, **more}
        account_id = self.accounts[call_id]
        return self._ringback.on_loop(
            self.store.write(lambda tx: apply(tx, account_id, event, child=CHILD), account=account_id)
        )

    def say(self, call_id: str, role: str, text: str, turn_id: str = "t1", **more: Any) -> None:
        self.tell(call_id, "turn", turn_id=turn_id, role=role, text=text, **more)

    def answered(self, call_id: str, *, at: int = 0) -> dict[str, Any]:
        """A placed call is taken, rings and is answered at `at` (real ms); answers its plan."""
        plan = self.take(call_id)
        self.tell(call_id, "ringing", at=at)
        self.tell(call_id, "answered", at=at)
        return plan

    def record(self, call_id: str, audio: bytes) -> None:
        """The recording of a call is written."""
        path = self.facts.recording_path(self.row(call_id))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(audio)
        self.tell(call_id, "recording", ms=1_000, path=str(path))

    def row(self, call_id: str) -> Row:
        account_id = self.accounts[call_id]
        row = self._ringback.on_loop(self.store.read(lambda db: db.get(calls, account_id, call_id)))
        assert row is not None
        return row
