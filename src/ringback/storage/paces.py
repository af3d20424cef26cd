"""Paces at work: what waits for each, and what a claim may take of it.

Two rows tell of a pace. `paces` is what has gone; claims write it, under the row's own lock, which they take after
their lanes'. `pace_queues` is what waits; it is written where texts come and go, under the account's lock. So neither
waits for the other.

What waits is counted whether or not its pace is set at the moment, so a class that is named, changed or taken back holds
at once for what is queued, however much that is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import bindparam, func, select, update

from ringback.kit.pace import Pace, Scope, Spent, day_of, opens_ms, turn_ns, up_to_ms
from ringback.storage.schema import pace_queues, paces
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

_LOCKED = Statement(
    select(paces)
    .where(paces.c.account_id == bindparam("account_id"), paces.c.id == bindparam("id"))
    .with_for_update()
)

_AFRESH = Statement(
    update(paces)
    .where(func.substr(paces.c.id, 1, func.length(bindparam("carrier"))) == bindparam("carrier"))
    .values(next_ns=0)
)


@dataclass(frozen=True, slots=True)
class Toll:
    """What a text costs: the pace that it waits for, set or not (None: nothing ever paces it), its segments, those that
    T-Mobile counts."""

    pace_id: str | None = None
    segments: int = 0
    tmobile: int = 0


FREE = Toll()


@dataclass(frozen=True, slots=True)
class Charge:
    """What was taken of a pace, in the day that began at `day`, so that it can be given back."""

    pace_id: str
    day: int
    segments: int
    tmobile: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Texts that wait for a pace, their segments, those of them that T-Mobile counts, and of how many texts these are."""

    texts: int = 0
    segments: int = 0
    tmobile: int = 0
    tmobile_texts: int = 0


class Gate(Protocol):
    """What a claim asks about paced work. `late_ns`: who is later than this for its turn has lost it."""

    late_ns: int

    def pace(self, tx: Tx, lane: Row) -> tuple[str, Pace] | None:
        """The pace of a lane and its id; None where nothing paces it."""
        ...

    def look_at(self, tx: Tx, rows: Sequence[Row]) -> None:
        """Some of these rows are going to be asked about."""
        ...

    def watches(self, lane: Row) -> bool:
        """Whether some work of a lane may have to wait while what is behind it goes."""
        ...

    def must_wait(self, tx: Tx, row: Row) -> bool:
        """Whether work of such a lane has to wait for other work to end; otherwise it goes."""
        ...

    def is_free(self, tx: Tx, row: Row) -> bool:
        """Whether work costs its pace nothing, because it will not come to the carrier."""
        ...


def id_of(scope: Scope, carrier: str, number_id: str) -> str:
    return f"{carrier}:{number_id if scope == 'number' else 'campaign'}"


def spent_of(db: Reads, account_id: str, pace_id: str) -> Spent:
    """What has gone at a pace."""
    return _spent(db.get(paces, account_id, pace_id))


def _spent(row: Row | None) -> Spent:
    if row is None:
        return Spent()
    return Spent(row["next_ns"], row["day"], row["day_segments"], row["day_tmobile"])


def waiting_for(db: Reads, account_id: str, pace_id: str) -> Waiting:
    """What waits for a pace, begun or not."""
    row = db.get(pace_queues, account_id, pace_id)
    return (
        Waiting()
        if row is None
        else Waiting(row["texts"], row["segments"], row["tmobile"], row["tmobile_texts"])
    )


def join(tx: Tx, account_id: str, toll: Toll) -> None:
    """A text begins to wait."""
    if toll.pace_id is not None:
        _move(tx, account_id, toll.pace_id, 1, toll.segments, toll.tmobile)


def leave(tx: Tx, row: Row) -> None:
    """Work (a row of the outbox) waits no longer."""
    if row["pace_id"] is not None:
        _move(tx, row["account_id"], row["pace_id"], -1, -row["segments"], -row["tmobile"])


def _move(tx: Tx, account_id: str, pace_id: str, texts: int, segments: int, tmobile: int) -> None:
    row = tx.get(pace_queues, account_id, pace_id)
    theirs = texts if tmobile else 0
    if row is None:
        tx.insert(
            pace_queues,
            account_id=account_id,
            id=pace_id,
            texts=texts,
            segments=segments,
            tmobile=tmobile,
            tmobile_texts=theirs,
        )
        return
    tx.update(
        pace_queues,
        row,
        texts=row["texts"] + texts,
        segments=row["segments"] + segments,
        tmobile=row["tmobile"] + tmobile,
        tmobile_texts=row["tmobile_texts"] + theirs,
    )


def next_turn(tx: Tx, account_id: str, charge: Charge | None) -> int:
    """When (ms) the lane of a row that took this of its pace is worth a look again."""
    if charge is None:
        return tx.now
    return max(tx.now, up_to_ms(spent_of(tx, account_id, charge.pace_id).next_ns))


def give_back(tx: Tx, account_id: str, charge: Charge) -> None:
    """Nothing went after all: what was counted in this day is free again."""
    if charge.day == day_of(tx.now)[0]:
        tx.adjust(
            paces,
            account_id=account_id,
            id=charge.pace_id,
            day_segments=-charge.segments,
            day_tmobile=-charge.tmobile,
        )


def start_afresh(tx: Tx, carrier: str) -> None:
    """The carrier's paces are others now: no turn of the old ones counts. What a day has taken stays."""
    tx.execute(_AFRESH, [paces], carrier=f"{carrier}:")


class Turnstile:
    """One pace during one claim, which holds its row."""

    def __init__(
        self, account_id: str, pace_id: str, pace: Pace, row: Row | None, *, now: int, late_ns: int
    ) -> None:
        self._account_id = account_id
        self._pace_id = pace_id
        self._pace = pace
        self._row = row
        self._now = now
        self._late_ns = late_ns
        self._day, self.ends = day_of(now)
        self._spent = _spent(row).on(self._day)
        self._taken = False

    def is_full_for(self, row: Row) -> bool:
        """Whether a text must wait for T-Mobile's next day, which begins at `ends`."""
        limit, tmobile = self._pace.tmobile_a_day, row["tmobile"]
        return bool(
            limit is not None and tmobile and self._spent.tmobile and self._spent.tmobile + tmobile > limit
        )

    def opens_at(self, row: Row) -> int:
        """When (ms) a text may go: now, or later."""
        return opens_ms(
            self._pace,
            self._spent,
            self._now,
            row["segments"],
            since_ms=row["due_at"],
            late_ns=self._late_ns,
        )

    def take(self, row: Row) -> Charge:
        """A text goes now."""
        spent, self._taken = self._spent, True
        self._spent = Spent(
            turn_ns(spent, self._now, row["due_at"], self._late_ns) + self._pace.interval_ns,
            self._day,
            spent.segments + row["segments"],
            spent.tmobile + row["tmobile"],
        )
        return Charge(self._pace_id, self._day, row["segments"], row["tmobile"])

    def turn_of(self, nth: int, row: Row) -> int:
        """When (ms) the `nth` of the lanes that wait here gets its turn."""
        opens = self.opens_at(row)
        return opens if opens == self.ends else opens + up_to_ms(nth * self._pace.interval_ns)

    def save(self, tx: Tx) -> None:
        if not self._taken:
            return
        spent = self._spent
        values = {
            "next_ns": spent.next_ns,
            "day": spent.day,
            "day_segments": spent.segments,
            "day_tmobile": spent.tmobile,
        }
        if self._row is None:
            tx.insert(paces, account_id=self._account_id, id=self._pace_id, **values)
        else:
            tx.update(paces, self._row, **values)


def turnstiles(tx: Tx, lanes: Iterable[Row], gate: Gate) -> dict[str, Turnstile]:
    """The turnstile of each lane that is paced, by the lane's id. Their rows are locked in the order of their ids."""
    found: dict[tuple[str, str], Pace] = {}
    of_lane: dict[str, tuple[str, str]] = {}
    for lane in lanes:
        paced = gate.pace(tx, lane)
        if paced is not None:
            key = (lane["account_id"], paced[0])
            found[key] = paced[1]
            of_lane[lane["id"]] = key
    made = {key: _turnstile(tx, key, found[key], gate.late_ns) for key in sorted(found)}
    return {lane_id: made[key] for lane_id, key in of_lane.items()}


def _turnstile(tx: Tx, key: tuple[str, str], pace: Pace, late_ns: int) -> Turnstile:
    account_id, pace_id = key
    row = tx.one(_LOCKED, account_id=account_id, id=pace_id)
    return Turnstile(account_id, pace_id, pace, row, now=tx.now, late_ns=late_ns)
