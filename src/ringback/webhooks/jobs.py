"""Delivery: tells endpoints of events, at most ten at a time each, so that a slow one delays nobody else."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import structlog

from ringback.flows import deliver_webhook
from ringback.flows.deliver_webhook import CAP, Job
from ringback.kit import database_faults, measures, trace
from ringback.kit.clock import Clock
from ringback.kit.http import OutgoingHttp, RequestFailed, Response
from ringback.kit.machine import monotonic
from ringback.settings import SLOW_SHARE
from ringback.storage import schema
from ringback.storage.outbox import Claimed
from ringback.storage.sealing import Sealer
from ringback.storage.store import Store
from ringback.storage.tx import Row
from ringback.storage.worker import LaneWorker, WakeUps
from ringback.webhooks import service as webhooks
from ringback.webhooks.ahead import QUICK_MS, Turns
from ringback.webhooks.attempts import KEPT_ANSWER_BYTES, Attempt, Patience
from ringback.webhooks.headers import headers_of, signed
from ringback.webhooks.service import KIND

_log = structlog.get_logger("ringback.deliver")
_LEAST_LEFT_S = 1.0
_SLOW_S = 1.0
"""An endpoint that takes longer is slow until it answers sooner."""
_MOST_OPENED = 1_000
LEASE_MARGIN_S = 30
LONGEST_TIMEOUT_S = 120


async def attempt(
    http: OutgoingHttp,
    endpoint: Row,
    secrets: Sequence[str],
    *,
    delivery_id: str,
    event_type: str,
    payload: str,
) -> Attempt:
    """Make one attempt, signed for this moment of real time. Never raises for what the endpoint does.

    While old secrets hold, their signatures go into a header of their own; and since a receiver may know only an old one,
    an answer other than 2xx to the new one makes it come again at once, in what is left of the time, signed with each.
    """
    body = payload.encode()
    headers = headers_of(delivery_id, event_type, trace.request_id.get())
    timeout_s: float = endpoint["timeout_s"]
    clock = asyncio.get_running_loop().time
    until = clock() + timeout_s
    current, *previous = secrets
    result = await _post(http, endpoint["url"], body, headers | signed(current, previous, body), timeout_s)
    if result.ok or result.http_status is None:
        return result
    for old in previous:
        left = until - clock()
        if left < _LEAST_LEFT_S:
            break
        again = await _post(http, endpoint["url"], body, headers | signed(old, previous, body), left)
        if again.ok:
            return again
    return result


async def _post(
    http: OutgoingHttp, url: str, body: bytes, headers: dict[str, str], timeout_s: float
) -> Attempt:
    begun, outcome = monotonic(), "failed"
    try:
        answer: Response = await http.post(
            url, body, headers, timeout_s=timeout_s, keep_bytes=KEPT_ANSWER_BYTES, repeatable=True
        )
        outcome = "delivered" if 200 <= answer.status < 300 else "refused"
    except RequestFailed as error:
        return Attempt(
            ok=False,
            http_status=None,
            error=error.message,
            body=None,
            elapsed_ms=None,
            failure=error.kind,
            side="you" if error.kind == "refused_address" else "endpoint",
            waited_ms=round((monotonic() - begun) * 1000),
        )
    finally:
        measures.ATTEMPTS.add(monotonic() - begun, outcome)
    if 200 <= answer.status < 300:
        return Attempt(True, answer.status, None, answer.body, answer.elapsed_ms)
    return Attempt(
        ok=False,
        http_status=answer.status,
        error=f"the endpoint answered {answer.status}",
        body=answer.body,
        elapsed_ms=answer.elapsed_ms,
        retry_after_s=answer.retry_after_s if answer.status in (429, 503) else None,
    )


class Deliverer(LaneWorker[Job]):
    """Claims due deliveries and attempts them until drained. `base` is where the server's own media are reached.

    `concurrency` is how many attempts may be made at once. Those that wait for an endpoint which is slow take nobody's
    place: they count apart, and so do from their beginning those to an endpoint that was slow the last time. What is
    spent on a wait is a socket, not work.
    """

    kind = KIND
    cap = CAP
    batch = 100
    lease_ms = (LONGEST_TIMEOUT_S + LEASE_MARGIN_S) * 1000

    def __init__(
        self,
        store: Store,
        http: OutgoingHttp,
        sealer: Sealer,
        clock: Clock,
        live: WakeUps,
        *,
        concurrency: int,
        base: str,
        patience: Patience,
    ) -> None:
        super().__init__(store, clock, live, in_flight=concurrency)
        self._http = http
        self._sealer = sealer
        self._base = base
        self._patience = patience
        self._waiting = 0
        self._slow: set[str] = set()
        self._turns = Turns(CAP)
        self._opened: dict[tuple[str, str | None], tuple[tuple[str, ...], int | None]] = {}

    def room(self) -> int:
        quick = self._most - (len(self._under_way) - self._waiting - self._turns.waiting)
        return min(quick, SLOW_SHARE * self._most - self._waiting)

    async def begin(self, *, most: int, token: str, lease_until: int) -> Sequence[Job]:
        quick = frozenset(self._turns.quick) if self._turns.waiting < self._most else frozenset()
        return await self._store.write(
            partial(
                deliver_webhook.begin,
                most=most,
                token=token,
                lease_until=lease_until,
                base=self._base,
                quick=quick,
            )
        )

    async def drain(self, timeout_s: float | None = None) -> None:
        self._turns.stop()
        await super().drain(timeout_s)

    async def work_on(self, job: Job) -> None:
        await self._deliver(job)

    async def let_go(self, work: Claimed) -> None:
        await self._store.write(
            partial(deliver_webhook.let_go, work=work),
            account=work.account_id,
            needs=[(schema.outbox, (work.account_id, work.id))],
        )

    async def _deliver(self, job: Job) -> None:
        trace.request_id.set(job.work.request_id)
        try:
            if job.endpoint is not None and not await self._turns.take(job.work.lane_id):
                await self.let_go(job.work)
                return
            result, give_up = await self._attempt(job)
            await self.keep(
                lambda tx: deliver_webhook.end(
                    tx, job.work, result, give_up=give_up, patience=self._patience
                ),
                job.work,
                deliver_webhook.needs(job),
            )
        except Exception as error:
            # The row stays claimed; when its lease is over the attempt is made again under the same id.
            _log.error(
                "how an attempt ended could not be stored",
                delivery_id=job.work.subject_id,
                **database_faults.for_log(error),
            )

    async def _attempt(self, job: Job) -> tuple[Attempt, bool]:
        if job.endpoint is None:
            gone = Attempt(ok=False, http_status=None, error=job.gone, body=None, elapsed_ms=None)
            return gone, True
        with (
            self._place(job.work.lane_id),
            trace.span(
                "webhook",
                "client",
                job.work.request_id,
                ringback__delivery_id=job.delivery["id"],
                ringback__event=job.delivery["event_type"],
            ) as span,
        ):
            try:
                result = await self._make(job, job.endpoint)
            finally:
                self._turns.give_back(job.work.lane_id)
            if span is not None and result.http_status is not None:
                span.note(http__response__status_code=result.http_status)
        told = {
            "delivery_id": job.delivery["id"],
            "attempt": job.work.attempt,
            "http_status": result.http_status,
        }
        if result.ok and result.elapsed_ms is not None and result.elapsed_ms < QUICK_MS:
            self._turns.note_quick(job.work.lane_id)
        else:
            self._turns.note_slow(job.work.lane_id)
        if result.ok:
            _log.info("a webhook was delivered", **told, elapsed_ms=result.elapsed_ms)
        else:
            _log.warning("a webhook attempt failed", **told, reason=result.error)
        return result, False

    @contextmanager
    def _place(self, lane_id: str) -> Iterator[None]:
        """Take a place among the quick while inside, or among those that wait once it takes long."""
        waits = False

        def step_aside() -> None:
            nonlocal waits
            waits = True
            self._waiting += 1
            self._slow.add(lane_id)
            self._turns.note_slow(lane_id)
            self._freed.set()

        timer = None
        if lane_id in self._slow:
            step_aside()
        loop = asyncio.get_running_loop()
        until = loop.time() + _SLOW_S
        if not waits:
            timer = loop.call_later(_SLOW_S, step_aside)
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
            if waits:
                self._waiting -= 1
            if loop.time() < until:
                self._slow.discard(lane_id)

    async def _make(self, job: Job, endpoint: Row) -> Attempt:
        return await attempt(
            self._http,
            endpoint,
            self._secrets_of(endpoint),
            delivery_id=job.delivery["id"],
            event_type=job.delivery["event_type"],
            payload=job.payload,
        )

    def _secrets_of(self, endpoint: Row) -> tuple[str, ...]:
        """The endpoint's secrets; opening them again and again would cost a tenth of a delivery."""
        key, now = (endpoint["secret_sealed"], endpoint["previous_secrets"]), self._clock.now_ms()
        opened = self._opened.get(key)
        if opened is None or (opened[1] is not None and opened[1] <= now):
            if len(self._opened) >= _MOST_OPENED:
                self._opened.clear()
            secrets = webhooks.secrets_of(endpoint, self._sealer, now=now)
            opened = self._opened[key] = secrets, webhooks.held_until(endpoint, now=now)
        return opened[0]
