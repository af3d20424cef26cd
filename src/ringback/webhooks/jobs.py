"""Delivery: tells endpoints of events, at most ten at a time each, so that a slow one delays nobody else."""

import asyncio
import secrets
import time
from functools import partial

import structlog

from ringback.flows import deliver_webhook
from ringback.flows.deliver_webhook import CAP, Job
from ringback.kit import trace
from ringback.kit.clock import Clock, real_ms
from ringback.kit.faults import Unavailable
from ringback.kit.http import OutgoingHttp, RequestFailed
from ringback.kit.signing import sign
from ringback.live.inprocess import InProcess
from ringback.storage import outbox, schema
from ringback.storage.outbox import Claimed
from ringback.storage.sealing import Sealer
from ringback.storage.store import Need, Store
from ringback.storage.tx import Row
from ringback.webhooks import service as webhooks
from ringback.webhooks.service import KEPT_ANSWER_BYTES, KIND, Attempt

_log = structlog.get_logger("ringback.deliver")
BATCH = 32
LEASE_MARGIN_MS = 30_000
LONGEST_TIMEOUT_S = 120


async def attempt(
    http: OutgoingHttp, endpoint: Row, secret: str, *, delivery_id: str, event_type: str, payload: str
) -> Attempt:
    """Make one attempt, signed for this moment of real time. Never raises for what the endpoint does."""
    body = payload.encode()
    timestamp = real_ms() // 1000
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Webhook-Signature": sign(secret, timestamp, body),
        "X-Webhook-Timestamp": str(timestamp),
        "X-Webhook-ID": delivery_id,
        "X-Webhook-Event": event_type,
    }
    request_id = trace.request_id.get()
    if request_id is not None:
        headers["X-Request-ID"] = request_id
    try:
        answer = await http.post(
            endpoint["url"],
            body,
            headers,
            timeout_s=endpoint["timeout_s"],
            keep_bytes=KEPT_ANSWER_BYTES,
            repeatable=True,
        )
    except RequestFailed as error:
        return Attempt(ok=False, http_status=None, error=error.message, body=None, elapsed_ms=None)
    ok = 200 <= answer.status < 300
    error_text = None if ok else f"the endpoint answered {answer.status}"
    return Attempt(ok, answer.status, error_text, answer.body, answer.elapsed_ms)


class Deliverer:
    """Claims due deliveries and attempts them until stopped; then finishes what is under way."""

    def __init__(
        self,
        store: Store,
        http: OutgoingHttp,
        sealer: Sealer,
        clock: Clock,
        live: InProcess,
        *,
        concurrency: int,
    ) -> None:
        self._store = store
        self._http = http
        self._sealer = sealer
        self._clock = clock
        self._live = live
        self._concurrency = concurrency
        self._token = secrets.token_hex(8)
        self._under_way: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._leases_at = 0.0

    @property
    def busy(self) -> bool:
        return bool(self._under_way)

    async def recover(self) -> None:
        """Take up what a dead process left claimed. Only for a store that this process owns."""
        await self._let_go_leases(real_now=1 << 62)

    async def run(self) -> None:
        """Work until cancelled."""
        waiter = self._live.subscribe(KIND)
        try:
            while True:
                try:
                    if not await self._claim():
                        await waiter.wait(await self._pause_s())
                    await self._look_at_leases()
                except Unavailable as fault:
                    _log.warning("deliveries could not be claimed; trying again", reason=fault.message)
                    await asyncio.sleep(1)
                except Exception:
                    _log.exception("deliveries could not be claimed; trying again")
                    await asyncio.sleep(1)
        finally:
            waiter.close()

    async def drain(self, timeout_s: float) -> None:
        """Take nothing new and wait for what is under way, at most `timeout_s`; the rest is attempted again later."""
        self._stopping = True
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=timeout_s)

    async def _claim(self) -> int:
        room = self._concurrency - len(self._under_way)
        if self._stopping:
            return 0
        if room <= 0:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            return 1
        lease = real_ms() + LONGEST_TIMEOUT_S * 1000 + LEASE_MARGIN_MS
        jobs = await self._store.write(
            partial(deliver_webhook.begin, most=min(room, BATCH), token=self._token, lease_until=lease)
        )
        for job in jobs:
            task = asyncio.create_task(self._deliver(job))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(jobs)

    async def _pause_s(self) -> float:
        due = await self._store.read(lambda db: outbox.next_due(db, KIND, cap=CAP))
        if due is None:
            return self._store.poll_s
        return min(self._store.poll_s, max(0.0, (due - self._clock.now_ms()) / 1000))

    async def _deliver(self, job: Job) -> None:
        trace.request_id.set(job.work.request_id)
        try:
            result, give_up = await self._attempt(job)
            await self._store.write(
                lambda tx: deliver_webhook.end(tx, job.work, result, give_up=give_up),
                account=job.work.account_id,
                needs=_needs(job.work),
            )
        except Exception:
            # The row stays claimed; when its lease is over the attempt is made again under the same id.
            _log.exception("how an attempt ended could not be stored", delivery_id=job.work.subject_id)

    async def _attempt(self, job: Job) -> tuple[Attempt, bool]:
        if job.endpoint is None:
            gone = Attempt(
                ok=False, http_status=None, error="the endpoint was deleted", body=None, elapsed_ms=None
            )
            return gone, True
        result = await attempt(
            self._http,
            job.endpoint,
            webhooks.secret_of(job.endpoint, self._sealer),
            delivery_id=job.delivery["id"],
            event_type=job.delivery["event_type"],
            payload=job.delivery["payload"],
        )
        told = {
            "delivery_id": job.delivery["id"],
            "attempt": job.work.attempt,
            "http_status": result.http_status,
        }
        if result.ok:
            _log.info("a webhook was delivered", **told, elapsed_ms=result.elapsed_ms)
        else:
            _log.warning("a webhook attempt failed", **told, reason=result.error)
        return result, False

    async def _look_at_leases(self) -> None:
        """Settle leases that are over, now and then: also while there is always something to claim."""
        if time.monotonic() >= self._leases_at:
            self._leases_at = time.monotonic() + self._store.poll_s
            await self._let_go_leases(real_now=real_ms())

    async def _let_go_leases(self, *, real_now: int) -> None:
        for work in await self._store.read(lambda db: outbox.leases_over(db, KIND, real_now=real_now)):
            await self._store.write(
                partial(deliver_webhook.let_go, work=work), account=work.account_id, needs=_needs(work)
            )


def _needs(work: Claimed) -> list[Need]:
    return [
        (schema.outbox, (work.account_id, work.id)),
        (schema.deliveries, (work.account_id, work.subject_id)),
    ]
