"""The network's own tables. They are the far side's memory and are never joined with a room's."""

from pathlib import Path

from ringback.kit.sqlite import Connection, connect

VERSION = 4

TABLES = """
CREATE TABLE IF NOT EXISTS settings (one INTEGER PRIMARY KEY CHECK (one = 1), value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stock (scope TEXT PRIMARY KEY, available INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lines (
    e164 TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('held', 'released', 'handset', 'was-handset')),
    country TEXT NOT NULL,
    area_code TEXT,
    changed_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lines_by_scope ON lines (country, state, area_code);
CREATE TABLE IF NOT EXISTS orders (reference TEXT PRIMARY KEY, e164 TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS handsets (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    e164 TEXT NOT NULL UNIQUE,
    name TEXT,
    country TEXT NOT NULL,
    personality TEXT NOT NULL,
    call_personality TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    online INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS texts (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    handset_id TEXT NOT NULL,
    direction TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    body TEXT NOT NULL,
    media TEXT NOT NULL,
    channel TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    status TEXT NOT NULL,
    code TEXT
);
CREATE INDEX IF NOT EXISTS texts_of_handset ON texts (handset_id, at_ms);
CREATE TABLE IF NOT EXISTS submitted (reference TEXT PRIMARY KEY, ref TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stored (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    handset_id TEXT NOT NULL,
    parcel TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS stored_for_handset ON stored (handset_id, seq);
CREATE TABLE IF NOT EXISTS media (
    upto INTEGER PRIMARY KEY, -- bytes of all media up to and with these: how old they are, and what there is in all
    id TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL,
    content_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS media_by_hash ON media (hash);
CREATE TABLE IF NOT EXISTS media_bytes (hash BLOB PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS log (
    seq INTEGER PRIMARY KEY,
    handset_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    text_id TEXT NOT NULL,
    data TEXT
);
CREATE TABLE IF NOT EXISTS faults (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    count INTEGER NOT NULL,
    sender TEXT,
    recipient TEXT,
    number TEXT,
    created_ms INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS faults_open ON faults (seq) WHERE count > 0;
CREATE TABLE IF NOT EXISTS carrier_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    text_id TEXT
);
CREATE TABLE IF NOT EXISTS timers (
    seq INTEGER PRIMARY KEY,
    due_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS timers_due ON timers (due_ms, seq);
CREATE TABLE IF NOT EXISTS calls (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    handset_id TEXT NOT NULL,
    direction TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    script TEXT NOT NULL,
    record INTEGER NOT NULL,
    has_audio INTEGER NOT NULL DEFAULT 0,
    started_ms INTEGER NOT NULL,
    answered_ms INTEGER,
    ended_ms INTEGER,
    duration_ms INTEGER,
    words TEXT NOT NULL DEFAULT '[]',
    digits TEXT NOT NULL DEFAULT '',
    trouble TEXT,
    last_n INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS calls_of_handset ON calls (handset_id, seq);
CREATE INDEX IF NOT EXISTS calls_living ON calls (seq) WHERE ended_ms IS NULL;
CREATE TABLE IF NOT EXISTS held_calls (call_id TEXT PRIMARY KEY, handset_id TEXT NOT NULL UNIQUE) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ordinals (key TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
"""

LOG_KEPT = 100_000
"""Entries of the event log that survive a restart; older ones can't be resumed from any more."""


class FileIsNewer(OSError):
    """The file was written by a newer version."""


def open_store(path: Path) -> Connection:
    """The writing connection, its tables made if need be: those that an older version lacks as well.

    `synchronous=NORMAL` suffices: in WAL mode a commit then survives the death of the process and can only be lost
    with the machine's power, and a simulated network that forgets its last texts in a power cut is no worse than a
    real one that lost them on the way.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    conn = connect(path, synchronous="NORMAL")
    found = conn.execute("PRAGMA user_version").fetchone()["user_version"]
    if found > VERSION:
        conn.close()
        raise FileIsNewer(f"{path} was written by a newer version of Ringback")
    conn.executescript(TABLES)
    conn.execute(f"PRAGMA user_version = {VERSION}")
    conn.execute("DELETE FROM log WHERE seq <= (SELECT coalesce(max(seq), 0) FROM log) - ?", (LOG_KEPT,))
    return conn
