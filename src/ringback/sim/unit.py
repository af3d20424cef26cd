"""One job of the network: a connection inside a transaction, the instant, and who must be woken after the commit."""

from dataclasses import dataclass, field
from typing import Any, Literal

import pydantic_core

from ringback.kit.chance import chance
from ringback.kit.ids import IdMaker
from ringback.kit.sqlite import Connection
from ringback.sim.known import Known
from ringback.sim.settings import Settings

Handsets = Literal["auto", "strict"]


def to_json(value: Any) -> str:
    """JSON on one line."""
    return pydantic_core.to_json(value).decode()


@dataclass(slots=True)
class Unit:
    """What a job may use. It reads no clock and waits for nothing."""

    conn: Connection
    now: int
    settings: Settings
    ids: IdMaker
    handsets: Handsets = "auto"
    carrier_woken: bool = False
    log_woken: bool = False
    first_timer_ms: int | None = None
    known: Known = field(default_factory=Known)

    def one(self, sql: str, *values: Any) -> dict[str, Any] | None:
        row: dict[str, Any] | None = self.conn.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.conn.execute(sql, values).fetchall()
        return rows

    def run(self, sql: str, *values: Any) -> int:
        """Run a statement; answers how many rows it changed."""
        return self.conn.execute(sql, values).rowcount

    def insert(self, sql: str, *values: Any) -> int:
        """Run an INSERT; answers the row's number."""
        return self.conn.execute(sql, values).lastrowid or 0

    def next_ordinal(self, *key: str) -> int:
        """How many times this key was drawn before: what makes equal draws of one pair differ, and repeat."""
        row = self.one(
            "INSERT INTO ordinals (key, n) VALUES (?, 0) ON CONFLICT (key) DO UPDATE SET n = n + 1 RETURNING n",
            "\x1f".join(key),
        )
        assert row is not None
        return int(row["n"])

    def draw(self, kind: str, sender: str, recipient: str) -> float:
        """A number in [0, 1) that the seed, the kind, the parties and the count alone decide."""
        return chance(self.settings.seed, kind, sender, recipient, self.next_ordinal(kind, sender, recipient))

    def start_timer(self, due_ms: int, kind: str, data: dict[str, Any]) -> None:
        self.run("INSERT INTO timers (due_ms, kind, data) VALUES (?, ?, ?)", due_ms, kind, to_json(data))
        if self.first_timer_ms is None or due_ms < self.first_timer_ms:
            self.first_timer_ms = due_ms

    def tell_server(self, kind: str, data: dict[str, Any], text_id: str | None = None) -> None:
        """Queue a carrier event; it stays until the server acknowledges it."""
        self.run(
            "INSERT INTO carrier_events (kind, data, text_id) VALUES (?, ?, ?)", kind, to_json(data), text_id
        )
        self.carrier_woken = True

    def log(self, handset_id: str, kind: str, text_id: str, data: dict[str, Any] | None = None) -> None:
        """Add to the event log that `/sim/v1/events` streams; without `data` the text itself is shown."""
        self.run(
            "INSERT INTO log (handset_id, kind, text_id, data) VALUES (?, ?, ?, ?)",
            handset_id,
            kind,
            text_id,
            to_json(data) if data is not None else None,
        )
        self.log_woken = True
