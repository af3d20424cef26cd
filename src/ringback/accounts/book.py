"""Accounts and keys of a store, for whoever runs it: the server at its first start, and the command line."""

import contextlib
import os
from pathlib import Path
from typing import Any

from ringback.accounts import keys, sign_outs
from ringback.accounts.errors import AccountNotFound
from ringback.accounts.keys import NewKey
from ringback.kit.clock import real_ms
from ringback.kit.times import to_iso
from ringback.storage.schema import accounts, meta
from ringback.storage.store import Store
from ringback.storage.tx import Reads, Row, Tx

KEY_FILE = "first-key"
_FIRST = "first_account"


class AccountBook:
    """What the operator may do with accounts. The first key is kept in a file until it is hidden."""

    def __init__(self, store: Store, data: Path) -> None:
        self._store = store
        self.key_file = data / KEY_FILE

    async def open_first(self) -> bool:
        """Make the first account and its key in an empty store; whether that was done now."""
        if await self._store.read(keys.first_account) is not None:
            return False
        key = keys.generate()
        # The file first: a crash in between leaves a key that opens nothing, and the next start makes another.
        write_private(self.key_file, key + "\n")

        def unit(tx: Tx) -> bool:
            # Processes that start together on an empty database meet at this row, and one of them is first.
            if tx.get(meta, _FIRST) is not None or keys.first_account(tx) is not None:
                return False
            account_id = keys.create_account(tx, "first account")
            keys.create_key(tx, account_id, key=key, name="first key")
            tx.insert(meta, key=_FIRST, value=account_id)
            return True

        done = await self._store.write(unit)
        if not done and self.key_file.read_text(encoding="utf-8").strip() == key:
            self.hide_first_key()
        return done

    async def create_account(self, name: str) -> NewKey:
        """Another account with a key of its own."""
        key = keys.generate()
        return await self._store.write(
            lambda tx: keys.create_key(tx, keys.create_account(tx, name), key=key, name=name)
        )

    async def create_key(
        self, name: str, expires_days: int | None, *, account_id: str | None = None
    ) -> NewKey:
        """A new key of an account, the first one unless another is named. Raises `AccountNotFound`."""
        key = keys.generate()

        def unit(tx: Tx) -> NewKey:
            account = keys.first_account(tx) if account_id is None else tx.get(accounts, account_id)
            if account is None or account["deleted_at"] is not None:
                raise AccountNotFound(f"there is no account {account_id}")
            return keys.create_key(tx, account["id"], key=key, name=name, expires_days=expires_days)

        return await self._store.write(unit)

    async def end_session(self, mark: str, *, until_ms: int) -> None:
        """Let the console's session with this mark, which would be good until `until_ms` (real time), open nothing."""
        await self._store.write(lambda tx: sign_outs.end(tx, mark, until_ms=until_ms, now_ms=real_ms()))

    async def has_ended(self, mark: str) -> bool:
        return await self._store.read(lambda db: sign_outs.is_over(db, mark))

    async def find(self, account_id: str | None) -> str:
        """The id of an account, the first one unless another is named. Raises `AccountNotFound`."""

        def query(db: Reads) -> Row | None:
            return keys.first_account(db) if account_id is None else db.get(accounts, account_id)

        found = await self._store.read(query)
        if found is None or found["deleted_at"] is not None:
            raise AccountNotFound(f"there is no account {account_id}")
        found_id: str = found["id"]
        return found_id

    async def list_keys(self) -> list[dict[str, Any]]:
        """Every key without the key itself, oldest first, names as on the wire."""
        return [_public(row) for row in await self._store.read(keys.list_keys)]

    async def revoke_key(self, key_id: str) -> str:
        """End a key for ever; answers its hash."""
        return await self._store.write(lambda tx: keys.revoke(tx, key_id))

    def hide_first_key(self) -> None:
        """Forget the file that holds the first key; the key goes on working."""
        with contextlib.suppress(FileNotFoundError):
            self.key_file.unlink()


def _public(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "accountId": row["account_id"],
        "last4": row["last4"],
        "createdAt": to_iso(row["created_at"]),
        "expiresAt": _iso(row["expires_at"]),
        "lastUsedAt": _iso(row["last_used_at"]),
        "revokedAt": _iso(row["revoked_at"]),
    }


def _iso(ms: int | None) -> str | None:
    return None if ms is None else to_iso(ms)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
