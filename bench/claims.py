"""Claims of texts on long queues: what one takes, as the dispatcher makes it, on both stores.

`unit` is the time in the transaction, as long as its locks are held; `whole` adds the way to the writer and the COMMIT,
which waits for the disk. Tables are not analysed after they are filled: that is the worst a planner meets.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from ringback.accounts import keys
from ringback.carriers.pace import pace_of, scope_of
from ringback.flows import dispatch_text
from ringback.flows.dispatch_text import Job
from ringback.flows.media_room import MediaRoom
from ringback.flows.pace_texts import Paces
from ringback.flows.send_text import KIND
from ringback.kit.clock import MovableClock, real_ms
from ringback.kit.ids import IdMaker
from ringback.kit.pace import LATE_NS
from ringback.settings import Settings
from ringback.storage import expiry, outbox, schema
from ringback.storage.opening import open_store
from ringback.storage.statements import Statement
from ringback.storage.store import Store
from ringback.storage.tx import Tx

ROUNDS, MOST, CAP = 60, 64, 16
STEP_MS = 90
CARRIER = "simulated"
_COUNT = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)"
_WORK = Statement(
    text(
        f"""{_COUNT}
        INSERT INTO outbox (account_id, id, lane_id, kind, subject_id, chain, position, state, due_at, attempt,
                            expires_at, pace_id, segments, tmobile)
        SELECT :account, 'out_' || :name || i, :lane, 'text', 'msg_' || :name || i,
               'conv_' || CASE WHEN :one_chain = 1 THEN :name ELSE :name || i END, i,
               CASE WHEN :one_chain = 1 AND i > 0 THEN 'waiting' ELSE 'ready' END, :due, 0,
               :due + 259200000, NULL, 1, 0
        FROM n"""
    )
)
_TEXTS = Statement(
    text(
        f"""{_COUNT}
        INSERT INTO messages (account_id, id, number_id, conversation_id, at, direction, from_e164, to_e164, body,
                              media_urls, channel, status, segments, encoding, carrier, valid_until, despite_opt_out)
        SELECT :account, 'msg_' || :name || i, :number, 'conv_' || :name || i, i, 'outbound', '+14155550000',
               '+12125550000', 'Hello', '[]', 'sms', 'queued', 1, 'gsm7', 'simulated', :due + 259200000, 0
        FROM n"""
    )
)


@dataclass(frozen=True)
class Scene:
    """A queue on one number: `ready` or, in one conversation, waiting texts, and `delayed` ones beside them."""

    name: str
    texts: int
    one_chain: bool = False
    delayed: int = 0
    campaign: str | None = None


SCENES = (
    Scene("a short queue", 64),
    Scene("50,000 waiting in one conversation", 50_000, one_chain=True),
    Scene("100,000 conversations ready, not paced", 100_000),
    Scene("100,000 conversations ready on a paced number", 100_000, campaign="high_highest_trust"),
    Scene("1,000,000 delayed", 2_000, delayed=1_000_000),
)


@dataclass
class Timed:
    """Milliseconds of each round."""

    unit: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    sweep: list[float] = field(default_factory=list)
    texts: int = 0


async def _measure(scene: Scene, store: Store, clock: MovableClock) -> Timed:
    account, number = await store.write(_account)
    await store.write(lambda tx: _fill(tx, scene, account, number), account=account)
    told = Paces(
        CARRIER, lambda e164, country: pace_of(scene.campaign, e164, country), scope_of, lambda e164: None
    )
    timed = Timed()
    for n in range(ROUNDS):
        jobs = await _claim(store, told, timed)
        timed.texts += len(jobs)
        await _finish(store, jobs)
        began = time.perf_counter()
        await store.read(lambda db: expiry.expired(db, KIND, now=clock.now_ms()))
        await store.read(lambda db: expiry.next_expiry(db, KIND))
        await store.read(lambda db: outbox.next_due(db, KIND, cap=CAP, carrier=CARRIER))
        timed.sweep.append((time.perf_counter() - began) * 1e3)
        clock.move_to(clock.now_ms() + STEP_MS)
        if n == 4:
            timed.unit.clear()  # until then statements are compiled and pages fetched
            timed.whole.clear()
            timed.sweep.clear()
    return timed


async def _claim(store: Store, told: Paces, timed: Timed) -> list[Job]:
    def unit(tx: Tx) -> list[Job]:
        began = time.perf_counter()
        jobs, _ = dispatch_text.begin(
            tx,
            carrier=CARRIER,
            told=told,
            room=MediaRoom(),
            most=MOST,
            cap=CAP,
            token="bench",
            lease_until=real_ms() + 60_000,
            late_ns=LATE_NS,
        )
        timed.unit.append((time.perf_counter() - began) * 1e3)
        return jobs

    began = time.perf_counter()
    jobs = await store.write(unit)
    timed.whole.append((time.perf_counter() - began) * 1e3)
    return jobs


async def _finish(store: Store, jobs: list[Job]) -> None:
    def unit(job: Job) -> Callable[[Tx], bool]:
        return lambda tx: outbox.finish(tx, job.work)

    await asyncio.gather(
        *[store.write(unit(job), account=job.work.account_id, needs=[]) for job in jobs],
    )


def _account(tx: Tx) -> tuple[str, str]:
    account = keys.create_account(tx, "bench")
    number = tx.insert(
        schema.numbers,
        account_id=account,
        id=tx.new_id("num"),
        e164="+14155550000",
        country="US",
        carrier=CARRIER,
        order_id="ord",
        created_at=tx.now,
    )
    return account, number["id"]


def _fill(tx: Tx, scene: Scene, account: str, number: str) -> None:
    lane = outbox.lane_for_texts(number)
    tx.insert(
        schema.lanes,
        id=lane,
        account_id=account,
        kind=KIND,
        carrier=CARRIER,
        next_at=tx.now,
        backlog=scene.texts + scene.delayed,
    )
    work = {"account": account, "lane": lane, "one_chain": int(scene.one_chain)}
    touched = [schema.outbox]
    tx.execute(_WORK, touched, count=scene.texts, name="r", due=tx.now, **work)
    if scene.delayed:
        tx.execute(_WORK, touched, count=scene.delayed, name="d", due=tx.now + 3_600_000, **work)
    tx.execute(
        _TEXTS,
        [schema.messages],
        count=min(scene.texts, 5_000),
        name="r",
        due=tx.now,
        account=account,
        number=number,
    )


async def _run(scene: Scene, database_url: str | None) -> Timed:
    clock = MovableClock(frozen_ms=real_ms())
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(data=Path(data), database_url=database_url)
        store = await open_store(settings, clock, IdMaker(clock), lambda topic: None)
        try:
            return await _measure(scene, store, clock)
        finally:
            await store.stop()


def report(databases: Callable[[], str] | None) -> None:
    """`databases` makes an empty PostgreSQL database; None measures SQLite alone."""
    print("\n## Claims\n")
    print("| store | queue | texts a claim | unit p50 / p99 ms | whole p50 / p99 ms | look p50 / p99 ms |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind in ("SQLite", "PostgreSQL") if databases else ("SQLite",):
        for scene in SCENES:
            url = databases() if databases and kind == "PostgreSQL" else None
            timed = asyncio.run(_run(scene, url))
            figures = [_middle_and_worst(each) for each in (timed.unit, timed.whole, timed.sweep)]
            print(
                f"| {kind} | {scene.name} | {timed.texts / ROUNDS:.1f} | {' | '.join(figures)} |", flush=True
            )


def _middle_and_worst(times: list[float]) -> str:
    return f"{statistics.median(times):.2f} / {sorted(times)[len(times) * 99 // 100]:.2f}"
