"""Settings of the line: one row, replaced whole by each change."""

import dataclasses
import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ringback.kit.sqlite import Connection
from ringback.sim.errors import BadInput

Registration = Literal["instant", "review", "never"]
Campaign = Literal[
    "sole_proprietor",
    "low_volume",
    "high_low_trust",
    "high_standard",
    "high_trust",
    "high_highest_trust",
]
_SCOPE = re.compile(r"[A-Z]{2}(-[2-9]\d\d)?", re.ASCII)
_LIMITS = {
    "seed": (-(2**63), 2**63 - 1),
    "latency_ms": (0, 86_400_000),
    "jitter_ms": (0, 86_400_000),
    "messages_per_second": (1, 1_000_000),
    "review_seconds": (0, 366 * 86_400),
}
_MAX_STOCK = 10_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How the line behaves. `inventory` is what is left where it is capped, by `US-415` or by `US`."""

    seed: int = 1
    latency_ms: int = 0
    loss_percent: float = 0
    jitter_ms: int = 0
    messages_per_second: int | None = None
    registration: Registration = "instant"
    review_seconds: int = 3600
    campaign: Campaign | None = None
    inventory: dict[str, int] = field(default_factory=dict)


def load(conn: Connection) -> Settings:
    """The settings as stored, with what is left of the inventory now."""
    row: Any = conn.execute("SELECT value FROM settings WHERE one = 1").fetchone()
    stock: Any = conn.execute("SELECT scope, available FROM stock ORDER BY scope").fetchall()
    stored = json.loads(row["value"]) if row else {}
    return Settings(**stored, inventory={entry["scope"]: entry["available"] for entry in stock})


def change(conn: Connection, changes: dict[str, Any]) -> Settings:
    """Check `changes` and store them all, or none. Raises `BadInput`."""
    for name, value in changes.items():
        _check(name, value)
    settings = dataclasses.replace(load(conn), **changes)
    stored = dataclasses.asdict(settings)
    inventory = stored.pop("inventory")
    conn.execute("INSERT OR REPLACE INTO settings (one, value) VALUES (1, ?)", (json.dumps(stored),))
    if "inventory" in changes:
        conn.execute("DELETE FROM stock")
        for scope, available in inventory.items():
            conn.execute("INSERT INTO stock (scope, available) VALUES (?, ?)", (scope, available))
    return settings


def _check(name: str, value: Any) -> None:
    if name in _LIMITS and not (value is None and name == "messages_per_second"):
        low, high = _LIMITS[name]
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise BadInput(name, f"expected a whole number from {low} to {high}")
    elif name == "loss_percent" and not (isinstance(value, int | float) and 0 <= value <= 100):
        raise BadInput(name, "expected a percentage from 0 to 100")
    elif name == "registration" and value not in get_args(Registration):
        raise BadInput(name, f"expected one of {', '.join(get_args(Registration))}")
    elif name == "campaign" and value is not None and value not in get_args(Campaign):
        raise BadInput(name, f"expected null or one of {', '.join(get_args(Campaign))}")
    elif name == "inventory":
        _check_inventory(value)


def _check_inventory(value: dict[str, int]) -> None:
    for scope, available in value.items():
        if not _SCOPE.fullmatch(scope) or (len(scope) > 2 and scope[:2] not in ("US", "CA")):
            raise BadInput("inventory", "expected keys such as US-415 (or a country such as GB)")
        if not 0 <= available <= _MAX_STOCK:
            raise BadInput("inventory", f"expected what is left of {scope}, from 0 to {_MAX_STOCK}")
