"""A lane's turn in a claim: which of its rows go now, and when it is due again."""

from collections.abc import Iterator, Sequence

from sqlalchemy import bindparam, literal_column, select

from ringback.storage.paces import Charge, Gate, Turnstile
from ringback.storage.schema import outbox
from ringback.storage.statements import Statement
from ringback.storage.tx import Row, Tx

_LOOKED_THROUGH = 32
"""Rows of a lane that are looked through for one that doesn't have to wait."""
WAIT_MS = 5_000
"""When (clock) a lane of which some work waits is looked at again at the latest."""
_READY_OF_LANE = Statement(
    select(outbox)
    .where(outbox.c.lane_id == bindparam("lane_id"), outbox.c.state == literal_column("'ready'"))
    .order_by(outbox.c.due_at, outbox.c.position)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def ready_of_each(tx: Tx, asked: Sequence[Row]) -> Iterator[list[Row]]:
    """The ready rows of each lane that a turn `asks` for, by due time and position."""
    return tx.all_of_each(_READY_OF_LANE, asked)


class Turn:
    """What one lane gives. `take` plans it; the claim writes it down when all lanes had their turn."""

    def __init__(self, lane: Row, stile: Turnstile | None) -> None:
        self.lane = lane
        self.stile = stile
        self.taken: list[tuple[Row, Charge | None]] = []
        self.next_at: int | None = None
        self.held: Row | None = None
        """The row that its pace does not allow yet."""

    def asks(self, gate: Gate | None, *, room: int) -> Row:
        """What `ready_of_each` is to be asked for a turn with at most `room` to take."""
        return {"lane_id": self.lane["id"], "most": self._most(gate, room) + 1}

    def _most(self, gate: Gate | None, room: int) -> int:
        return max(room, _LOOKED_THROUGH) if self._is_watched(gate) else room

    def _is_watched(self, gate: Gate | None) -> bool:
        return gate is not None and gate.watches(self.lane)

    def take(self, tx: Tx, gate: Gate | None, rows: list[Row], *, room: int) -> None:
        """Plan with `rows` as they were asked for, of which no more than for `room` are looked at."""
        watched, most = self._is_watched(gate), self._most(gate, room)
        rows = rows[: most + 1]
        deferred: list[Row] = []
        waits = False
        if rows and gate is not None and (watched or self._opens(tx, rows[0])):
            gate.look_at(tx, rows)
        for row in rows:
            if row["due_at"] > tx.now:
                self.next_at = row["due_at"]
                break
            if len(self.taken) == room:
                # Behind all lanes that wait by now.
                self.next_at = tx.now
                break
            if watched and gate is not None and gate.must_wait(tx, row):
                waits = True
                continue
            charge = None
            if self.stile is not None and gate is not None and not _is_free(tx, row, gate):
                if self.stile.is_full_for(row):
                    deferred.append(row)
                    continue
                if self.stile.opens_at(row) > tx.now:
                    self.held = row
                    break
                charge = self.stile.take(row)
            self.taken.append((row, charge))
        else:
            if len(rows) > most and (self.taken or not waits):
                self.next_at = tx.now
        if waits:
            self.next_at = min(self.next_at or tx.now + WAIT_MS, tx.now + WAIT_MS)
        self._defer(tx, deferred)

    def _opens(self, tx: Tx, row: Row) -> bool:
        return self.stile is not None and self.stile.opens_at(row) <= tx.now

    def _defer(self, tx: Tx, rows: list[Row]) -> None:
        """Let texts wait for the carrier's next day; those behind them go on."""
        if self.stile is None or not rows:
            return
        for row in rows:
            tx.update(outbox, row, due_at=self.stile.ends)
        if self.held is None:
            self.next_at = min(self.next_at or self.stile.ends, self.stile.ends)


def _is_free(tx: Tx, row: Row, gate: Gate) -> bool:
    expires_at = row["expires_at"]
    return (expires_at is not None and expires_at <= tx.now) or gate.is_free(tx, row)


def stagger(turns: list[Turn]) -> None:
    """Lanes that wait for one pace get one turn of it each, first those that had none now."""
    waiting: dict[int, int] = {}
    for turn in sorted(turns, key=lambda turn: bool(turn.taken)):
        if turn.held is not None and turn.stile is not None:
            nth = waiting.get(id(turn.stile), 0)
            waiting[id(turn.stile)] = nth + 1
            turn.next_at = turn.stile.turn_of(nth, turn.held)
