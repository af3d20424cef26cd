"""API keys: `sk_live_` and 43 random characters, stored as SHA-256 only.

A random 256-bit key needs no slow hash: there is nothing to guess.
"""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from ringback.events.log import record
from ringback.kit.faults import NotFound
from ringback.storage.schema import accounts, api_keys
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

PREFIX = "sk_live_"
_BY_HASH = Statement(select(api_keys).where(api_keys.c.hash == bindparam("hash")))
_ALL = Statement(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
_LIVE = Statement(
    select(api_keys.c.id)
    .where(
        api_keys.c.revoked_at.is_(None),
        (api_keys.c.expires_at.is_(None)) | (api_keys.c.expires_at > bindparam("now")),
    )
    .limit(1)
)
_UNREVOKED_OF = Statement(
    select(api_keys).where(api_keys.c.account_id == bindparam("account_id"), api_keys.c.revoked_at.is_(None))
)
_FIRST_ACCOUNT = Statement(
    select(accounts)
    .where(accounts.c.parent_id.is_(None))
    .order_by(accounts.c.created_at, accounts.c.id)
    .limit(1)
)


class KeyNotFound(NotFound):
    """There is no such key."""

    code = "API_KEY_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the one moment when it is known in full."""

    id: str
    key: str
    account_id: str


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What a valid key stands for. `expires_at` is clock time in ms."""

    id: str
    account_id: str
    expires_at: int | None


def generate() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def first_account(db: Reads) -> Row | None:
    return db.one(_FIRST_ACCOUNT)


def create_account(tx: Tx, name: str) -> str:
    row = tx.insert(accounts, id=tx.new_id("acct"), name=name, created_at=tx.now)
    account_id: str = row["id"]
    return account_id


def create_key(tx: Tx, account_id: str, *, key: str, name: str, expires_days: int | None = None) -> NewKey:
    """Store a key made by `generate`. `expires_days` counts from now."""
    row = tx.insert(
        api_keys,
        id=tx.new_id("key"),
        account_id=account_id,
        name=name,
        hash=hash_of(key),
        last4=key[-4:],
        created_at=tx.now,
        expires_at=None if expires_days is None else tx.now + expires_days * 86_400_000,
    )
    record(tx, account_id, "key.created", keyId=row["id"], name=name)
    return NewKey(id=row["id"], key=key, account_id=account_id)


def find(db: Reads, key_hash: str, *, now: int) -> KnownKey | None:
    """The live key with this hash."""
    row = db.one(_BY_HASH, hash=key_hash)
    if row is None or row["revoked_at"] is not None:
        return None
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return None
    return KnownKey(id=row["id"], account_id=row["account_id"], expires_at=row["expires_at"])


def name_of(db: Reads, key_id: str, account_id: str) -> str | None:
    """The name of a key of this account; None for a key of the account above, whose names are its own."""
    row = db.get(api_keys, key_id)
    return row["name"] if row is not None and row["account_id"] == account_id else None


def list_keys(db: Reads) -> list[Row]:
    """Every key without its hash, oldest first."""
    return [{name: value for name, value in row.items() if name != "hash"} for row in db.all(_ALL)]


def revoke(tx: Tx, key_id: str) -> str:
    """Revoke a key for ever; returns its hash. Revoking twice is no error."""
    row = tx.get(api_keys, key_id)
    if row is None:
        raise KeyNotFound(f"there is no key {key_id}")
    if row["revoked_at"] is None:
        tx.update(api_keys, row, revoked_at=tx.now)
        record(tx, row["account_id"], "key.revoked", keyId=key_id)
    key_hash: str = row["hash"]
    return key_hash


def revoke_all(tx: Tx, account_id: str) -> list[str]:
    """Revoke every key of an account for ever; answers their hashes."""
    rows = tx.all(_UNREVOKED_OF, account_id=account_id)
    for row in rows:
        tx.update(api_keys, row, revoked_at=tx.now)
        record(tx, account_id, "key.revoked", keyId=row["id"])
    return [row["hash"] for row in rows]


def note_use(tx: Tx, key_id: str, at: int) -> None:
    row = tx.get(api_keys, key_id)
    if row is not None and (row["last_used_at"] or 0) < at:
        tx.update(api_keys, row, last_used_at=at)
