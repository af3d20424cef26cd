"""Facts of one store, kept in `meta`: the key of conversation ids, the clock, carriers' paces, that it could be written."""

import json

from ringback.kit.clock import MovableClock
from ringback.kit.machine import entropy
from ringback.storage.schema import meta
from ringback.storage.sealing import Sealer
from ringback.storage.tx import Reads, Tx

_HASH_KEY, _CLOCK, _TRIED, _PACED_AS = "hash_key", "clock", "tried", "paced_as:"


def hash_key(tx: Tx, sealer: Sealer, fresh: bytes) -> bytes:
    """The key of the conversation ids of this store; `fresh` (32 bytes) becomes it at the first start."""
    row = tx.get(meta, _HASH_KEY)
    if row is None:
        tx.insert(meta, key=_HASH_KEY, value=sealer.seal(fresh.hex(), context=_HASH_KEY))
        return fresh
    return bytes.fromhex(sealer.open(row["value"], context=_HASH_KEY))


def is_sealed(db: Reads) -> bool:
    """Whether the store holds sealed secrets already."""
    return db.get(meta, _HASH_KEY) is not None


def new_hash_key() -> bytes:
    return entropy(32)


def load_clock(db: Reads, clock: MovableClock) -> None:
    """Set the clock as it stood."""
    row = db.get(meta, _CLOCK)
    if row is not None:
        kept = json.loads(row["value"])
        clock.offset_ms, clock.frozen_ms = kept["offsetMs"], kept["frozenMs"]


def save_clock(tx: Tx, clock: MovableClock) -> None:
    value = json.dumps({"offsetMs": clock.offset_ms, "frozenMs": clock.frozen_ms})
    row = tx.get(meta, _CLOCK)
    if row is None:
        tx.insert(meta, key=_CLOCK, value=value)
    else:
        tx.update(meta, row, value=value)


def paced_as(db: Reads, carrier: str) -> str | None:
    """What a carrier's paces were, by its `paced_as`, when they last changed."""
    row = db.get(meta, _PACED_AS + carrier)
    return None if row is None else json.loads(row["value"])


def note_pace(tx: Tx, carrier: str, now_as: str | None) -> bool:
    """Note what a carrier's paces are; whether that is something else than was noted."""
    row, value = tx.get(meta, _PACED_AS + carrier), json.dumps(now_as)
    if row is None:
        tx.insert(meta, key=_PACED_AS + carrier, value=value)
        return now_as is not None
    tx.update(meta, row, value=value)
    return bool(row["value"] != value)


def try_out(tx: Tx, size: int) -> None:
    """Change something, whatever it is, of so many bytes, to see whether the store can be written."""
    row, value = tx.get(meta, _TRIED), tx.new_id("try") + "-" * size
    if row is None:
        tx.insert(meta, key=_TRIED, value=value)
    else:
        tx.update(meta, row, value=value)
