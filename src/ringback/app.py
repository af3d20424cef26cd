"""Wiring only: settings -> storage, live, carrier -> doors and workers."""

import asyncio
import contextlib
import os
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import APIRouter, Depends, FastAPI
from starlette.types import ASGIApp

from ringback import running
from ringback.accounts.book import AccountBook
from ringback.calling import Calling
from ringback.carriers.protocol import VoiceCarrier
from ringback.checkup import checkup
from ringback.doors.console.mount import mount
from ringback.doors.docs import door as docs
from ringback.doors.mcp import door as mcp
from ringback.doors.rest import app as rest
from ringback.doors.rest.caller import Keys, require_key_or_token
from ringback.doors.rest.front import Front
from ringback.doors.rest.key_limits import KeyLimits
from ringback.doors.rest.let_in import LetIn
from ringback.doors.rest.once import Once
from ringback.doors.rest.parts import Parts
from ringback.doors.sim.line import SimulatedLine
from ringback.doors.sim.media import LARGER
from ringback.doors.sim.moving import MovingClock, Timed
from ringback.doors.sim.once import SimOnce
from ringback.doors.web.tunnel import Tunnels
from ringback.due import keeper_time, recordings_time, worker_time
from ringback.events.jobs import forget_old
from ringback.events.waiting import EventWaits
from ringback.first_steps import FirstSteps
from ringback.flows.carrier_events import CarrierEvents
from ringback.flows.pace_texts import Paces
from ringback.flows.search_turns import SearchTurns
from ringback.flows.send_text import Line
from ringback.kit import trace
from ringback.kit.clock import MovableClock
from ringback.kit.every import every
from ringback.kit.http import AddressPolicy, OutgoingHttp
from ringback.kit.ids import IdMaker
from ringback.kit.notices import Sender
from ringback.live.inprocess import InProcess
from ringback.messages.jobs import Dispatcher, TextKeeper
from ringback.numbers.jobs import NumberKeeper
from ringback.operator_error import OperatorError
from ringback.phone_network import line_of
from ringback.settings import Settings
from ringback.storage import facts, idempotency
from ringback.storage.opening import open_sealer, open_store
from ringback.storage.sealing import Sealer, SealError
from ringback.webhooks.attempts import DAY_MS, SCHEDULES, Patience
from ringback.webhooks.jobs import Deliverer

if TYPE_CHECKING:
    from ringback.tracing import Collected

_log = structlog.get_logger("ringback")
_ABANDONED_MS = 600_000
"""How long after its start a request that never ended counts as dead."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Server:
    """A whole server: `start`, serve `asgi`, `stop`."""

    asgi: ASGIApp
    first: FirstSteps

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = MovableClock()
        self.ids = IdMaker(self.clock)
        self.live = InProcess()
        self.traces: Collected | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._open = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Open the store, make the first account, connect the carrier, start the workers.

        Raises `OperatorError`; then, as after any failure, what was opened is closed again.
        """
        try:
            await self._start()
        except BaseException:
            await self._open.aclose()
            raise

    async def _start(self) -> None:
        settings = self.settings
        self._trace()
        sender = Sender()
        self.store = await open_store(settings, self.clock, self.ids, self.live.wake, sender)
        self._open.push_async_callback(self.store.stop)
        if settings.database_url is not None:
            from ringback.live.postgres import Notices

            notices = Notices(settings.database_url, self.live, sender)
            notices.start()
            self._open.push_async_callback(notices.stop)
        sealer = open_sealer(settings, sealed_before=await self.store.read(facts.is_sealed))
        await self.store.read(lambda db: facts.load_clock(db, self.clock))
        fresh = facts.new_hash_key()
        try:
            hash_key = await self.store.write(lambda tx: facts.hash_key(tx, sealer, fresh))
        except SealError as error:
            raise OperatorError(str(error)) from None
        self.book = AccountBook(self.store, settings.data)
        if settings.role in ("all", "api"):
            await self.book.open_first()
        self.policy = AddressPolicy(loopback_allowed=settings.host in _LOOPBACK)
        self.http = self._make_http()
        self._open.push_async_callback(self.http.close)
        self.line = self._make_line()
        await self.line.start()
        self._open.push_async_callback(self.line.stop)
        carrier = self.line.carrier
        text_line = Line(carrier.outbound_sms, hash_key, Paces.of(carrier))
        self.dispatcher = Dispatcher(
            self.store, carrier, self.clock, self.live, answer_timeout_s=settings.submit_timeout_s + 1
        )
        self.deliverer = Deliverer(
            self.store,
            self.http,
            sealer,
            self.clock,
            self.live,
            concurrency=settings.webhook_concurrency,
            base=settings.own_url,
            patience=_patience(settings),
        )
        self.keeper = NumberKeeper(self.store, carrier, self.clock)
        self.texts = TextKeeper(self.store, self.clock, carrier, self.dispatcher.circuit)
        self.keys = Keys(self.store, self.clock)
        self.keys.local_token = _local_token(settings)
        if settings.key_requests_per_second is not None:
            self.keys.limits = KeyLimits(
                self.clock, per_second=settings.key_requests_per_second, burst=settings.key_burst
            )
        self.waits = EventWaits(self.store, self.live)
        self.calling = self._make_calling(hash_key, sealer)
        self.calling.hold(self._voices(), text_line)
        parts = Parts(
            settings=settings,
            store=self.store,
            carrier=carrier,
            line=text_line,
            once=Once(self.store, sealer),
            sealer=sealer,
            http=self.http,
            policy=self.policy,
            clock=self.clock,
            ids=self.ids,
            waits=self.waits,
            searches=SearchTurns(self.store),
            voice=self.calling.facts,
            calls=self.calling.waits,
            call_keeper=self.calling.keeper,
            switchboard=self.calling.switchboard,
        )
        self._open_doors(parts)
        await self._recover()
        self._open.push_async_callback(self._rest)
        self._start_workers(CarrierEvents(self.store, carrier, text_line, self.ids))
        await self.calling.open()
        self._open.push_async_callback(self.calling.close)
        self.first = FirstSteps(
            handset=await self.line.first_handset(),
            key_file=self.book.key_file,
            sandbox=True,
            link=self.console.links.new(await self.book.find(None))
            if settings.role in ("all", "api")
            else None,
        )
        self._open.callback(self._close_doors)
        self.app.state.ready = True

    # What a simulated world makes in another way (tests/worlds).

    def _make_http(self) -> OutgoingHttp:
        return OutgoingHttp(self.policy)

    def _make_line(self) -> SimulatedLine:
        return line_of(self.settings, self.clock, self.http)

    def _make_calling(self, hash_key: bytes, sealer: Sealer) -> Calling:
        return Calling(self.settings, self.store, self.live, self.clock, hash_key=hash_key, sealer=sealer)

    def _voices(self) -> dict[str, VoiceCarrier]:
        """The carriers whose calls this process holds."""
        carrier = self.line.carrier
        if self.settings.role not in ("all", "voice") or carrier.voice is None:
            return {}
        return {carrier.name: carrier.voice}

    def _make_app(self, parts: Parts, more: Sequence[APIRouter]) -> FastAPI:
        return rest.create(parts, more=more)

    def _trace(self) -> None:
        """Send spans where the settings say; a process has one place for them."""
        if self.settings.otel_endpoint is None:
            return
        try:
            from ringback.tracing import Collected
        except ImportError:
            raise OperatorError(
                "tracing needs its packages: run .venv/bin/uv pip install '.[tracing]' in Ringback's folder"
            ) from None
        self.traces = collected = Collected(self.settings.otel_endpoint, role=self.settings.role)
        trace.tracer = collected

        def stop() -> None:
            trace.tracer = None
            collected.stop()

        self._open.callback(stop)

    def _open_doors(self, parts: Parts) -> None:
        clock = MovingClock(self.clock, self._timed(), self._save_clock)
        simulated = APIRouter(dependencies=[Depends(require_key_or_token)])
        simulated.include_router(self.line.router(clock))
        self.app = self._make_app(parts, [self.line.open_router(), simulated])
        self.app.state.ready = False
        self.app.state.trouble = self.line.trouble
        self.app.state.keys = self.keys
        self.app.state.accounts = self.book
        self.app.state.check = self._check
        self.app.state.circuits = self._circuits
        self.console = mount(self.app, parts, self.keys, self.book, self._check)
        docs.mount(self.app)
        self.app.state.tunnels = Tunnels()
        self._open.push_async_callback(self.app.state.tunnels.stop)
        front = Front(LetIn(SimOnce(self.app, parts.once, self.keys), self.keys), self.app, rest.HOT)
        self.asgi = rest.guarded(front, parts, larger=LARGER)
        self._open.push_async_callback(mcp.mount(self.app, self.asgi, parts).close)

    def _circuits(self) -> dict[str, bool]:
        """Whether the circuit of each carrier is open."""
        circuit = self.dispatcher.circuit
        return {circuit.carrier: circuit.is_open}

    async def _check(self) -> list[dict[str, Any]]:
        trouble = await self.line.trouble() or self.dispatcher.circuit.trouble()
        return await checkup(self.settings, self.store, trouble=trouble)

    async def _recover(self) -> None:
        if self.store.shared:
            return
        await self.dispatcher.recover()
        await self.deliverer.recover()
        await self.keeper.recover()
        await self.store.write(lambda tx: idempotency.drop_abandoned(tx, older_than_ms=None))

    def _start_workers(self, events: CarrierEvents) -> None:
        role = self.settings.role
        self._begin(self.http.warm_up(after_s=0.3))
        if role in ("all", "api"):
            self._begin(every(30, self.keys.note_uses))
            self._begin(every(1, self.keys.look_again))
        if role in ("all", "deliver"):
            self._begin(self.deliverer.run())
        if role in ("all", "dispatch"):
            self._begin(events.run())
            self._begin(self.dispatcher.run())
            self._begin(every(1, self.keeper.release_expired))
            self._begin(every(1, self.texts.fail_expired))
            self._begin(every(15, self.keeper.settle_orders))
            self._begin(every(600, self._purge))
            self._begin(every(60, self._prune_events))
            for work in self.calling.work():
                self._begin(work)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _purge(self) -> None:
        await self.store.write(idempotency.purge)
        # A clock that was moved makes a request of this moment look old.
        if self.store.shared or (not self.clock.frozen and self.clock.offset_ms == 0):
            await self.store.write(lambda tx: idempotency.drop_abandoned(tx, older_than_ms=_ABANDONED_MS))

    async def _prune_events(self) -> int:
        return await forget_old(self.store, self.clock, keep_days=self.settings.event_retention_days)

    async def _save_clock(self) -> None:
        await self.store.write(lambda tx: facts.save_clock(tx, self.clock))

    def _timed(self) -> list[Timed]:
        return [
            *self.line.timed(),
            worker_time(self.dispatcher, patient=True),
            worker_time(self.deliverer),
            keeper_time(self.keeper, self.keeper.release_expired),
            keeper_time(self.texts, self.texts.fail_expired),
            keeper_time(self.calling.keeper, self.calling.keeper.end_unused),
            recordings_time(self.calling.keeper),
        ]

    def end_waits(self) -> None:
        """The server is about to stop: long polls and streams end now, so that nothing waits for them."""
        self.line.end_waits()
        self.waits.end()
        self.console.live.end()
        self.calling.waits.end()

    async def stop(self) -> None:
        """Take no new work, let what is under way end, close everything. After a start that failed there is nothing."""
        await self._open.aclose()

    def _close_doors(self) -> None:
        self.app.state.ready = False
        self.end_waits()

    async def _rest(self) -> None:
        """Let the workers finish what they began, and end them."""
        await self.dispatcher.drain()
        await self.deliverer.drain(self.settings.stop_timeout_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self.keys.note_uses()


def _patience(settings: Settings) -> Patience:
    """With deliveries and endpoints, as the settings have it."""
    days = settings.webhook_disable_after_days
    return Patience(SCHEDULES[settings.webhook_retry], days * DAY_MS if days else None)


def _local_token(settings: Settings) -> str | None:
    """The token that the command wrote for this process, if a command started it."""
    found = running.read(settings.data)
    return found.token if found is not None and found.pid == os.getpid() else None
