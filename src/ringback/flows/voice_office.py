"""What the voice host asks of the rooms, in units of work."""

from collections.abc import Mapping
from typing import Any, cast

from ringback.calls import service as calls
from ringback.calls import store as call_store
from ringback.calls.errors import CallNotFound
from ringback.carriers.protocol import InboundCall
from ringback.flows import follow_call, hold_calls, tools_of_call, web_call
from ringback.flows.call_figures import note_end
from ringback.flows.plan_call import plan_call
from ringback.flows.receive_call import Rejected, decide
from ringback.flows.send_text import Line
from ringback.flows.voice_facts import VoiceFacts
from ringback.kit import machine
from ringback.kit.clock import Clock
from ringback.live.inprocess import InProcess
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx
from ringback.voice.office import Held
from ringback.voice.protocol import CallPlan
from ringback.voice.recording import salvaged_ms


class VoiceOffice:
    """An `Office` for the host `name`, which other processes reach at `url`."""

    def __init__(
        self,
        store: Store,
        facts: VoiceFacts,
        clock: Clock,
        live: InProcess,
        *,
        line: Line,
        name: str,
        url: str,
    ) -> None:
        self._store, self._facts, self._clock, self._name = store, facts, clock, name
        self._line, self._url = line, url
        self._changes = live.subscribe(calls.WAITING)

    async def say_alive(self, until_ms: int) -> None:
        await self._store.write(
            lambda tx: hold_calls.say_alive(tx, self._name, until=until_ms, url=self._url)
        )

    async def leave(self) -> None:
        self._changes.close()
        await self._store.write(lambda tx: hold_calls.leave(tx, self._name))

    async def receive(self, call: InboundCall, trunk: dict[str, Any]) -> CallPlan | int:
        taken = await decide(self._store, self._facts, call, host=self._name, trunk=trunk)
        return taken.code if isinstance(taken, Rejected) else cast(CallPlan, taken)

    async def waiting(self) -> list[Held]:
        return [_held(row) for row in await self._store.read(call_store.waiting)]

    async def held(self) -> list[Held]:
        now_ms = _real_ms()
        own = await self._store.read(lambda db: call_store.of_host(db, self._name))
        lost = await self._store.read(lambda db: call_store.lost(db, real_now=now_ms))
        found = {row["id"]: _held(row) for row in (*own, *lost)}
        return list(found.values())

    async def admit(self, secret: str) -> Held:
        account_id, call_id = await self._store.read(
            lambda db: web_call.whose(db, self._facts.hash_key, secret)
        )

        def unit(tx: Tx) -> Row:
            if call_id is not None:
                return web_call.come_back(tx, account_id, call_id)
            call = web_call.redeem(tx, secret)
            held = hold_calls.take(
                tx, account_id, call["id"], host=self._name, child=None, real_now=_real_ms()
            )
            return held or call

        return _held(await self._store.write(unit, account=account_id))

    async def take(self, account_id: str, call_id: str, child: str) -> bool:
        taken = await self._store.write(
            lambda tx: hold_calls.take(
                tx, account_id, call_id, host=self._name, child=child, real_now=_real_ms()
            ),
            account=account_id,
        )
        return taken is not None

    async def plan(self, held: Held, leg: dict[str, Any], *, resumed: bool) -> CallPlan:
        now = self._clock.now_ms()
        if held.browser:
            ticket = web_call.ticket_of(self._facts.hash_key, held.account_id, held.call_id)
            leg = {**leg, "ticket": ticket}
        plan = await self._store.read(
            lambda db: plan_call(
                db, self._facts, held.account_id, held.call_id, leg=leg, now=now, resumed=resumed
            )
        )
        return cast(CallPlan, plan)

    async def apply(self, event: Mapping[str, Any], child: str) -> None:
        account_id = event["account"]
        try:
            changed = await self._store.write(
                lambda tx: follow_call.apply(tx, account_id, event, child=child), account=account_id
            )
        except CallNotFound:
            return  # its account was deleted meanwhile: nobody wants to know
        if changed and event["type"] == "ended":
            await note_end(self._store, account_id, event["call"])

    async def serve(self, asked: Mapping[str, Any], child: str) -> dict[str, Any]:
        return await self._store.write(
            lambda tx: tools_of_call.serve(tx, self._line, asked, child=child), account=asked["account"]
        )

    async def lose(self, held: Held, detail: str) -> None:
        row = await self._store.read(lambda db: calls.get(db, held.account_id, held.call_id))
        recorded_ms = salvaged_ms(self._facts.recording_path(row)) if row["record"] else 0
        # What its recording holds is how long it is known to have lived.
        begun = row["answered_real"]
        real_at = begun + recorded_ms if begun is not None and recorded_ms else _real_ms()
        lost = await self._store.write(
            lambda tx: hold_calls.lose(
                tx, held.account_id, held.call_id, detail=detail, real_at=real_at, recorded_ms=recorded_ms
            ),
            account=held.account_id,
        )
        if lost is not None:
            await note_end(self._store, held.account_id, held.call_id)

    async def next_change(self) -> None:
        await self._changes.wait(None)


def _held(row: Row) -> Held:
    return Held(
        account_id=row["account_id"],
        call_id=row["id"],
        child=row["child"],
        carrier=row["carrier"],
        ref=row["carrier_ref"] or row["id"],
        end_asked=row["end_asked"],
        browser=row["direction"] == "web",
    )


def _real_ms() -> int:
    return machine.current.time_ns() // 1_000_000
