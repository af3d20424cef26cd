"""Who calls: the bearer key, and the sub-account that a request is scoped to."""

import secrets
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ringback.accounts import keys
from ringback.doors.rest.errors import ApiError
from ringback.doors.rest.paging import NOT_GIVEN
from ringback.kit.clock import Clock
from ringback.storage.schema import accounts
from ringback.storage.store import Store

_KNOWN_FOR_S = 1.0
"""Real seconds for which a looked-up key is believed where other processes could revoke it."""
_MOST_KNOWN = 10_000
_USE_NOTED_MS = 60_000

bearer = HTTPBearer(auto_error=False, scheme_name="bearer")


@dataclass(frozen=True, slots=True)
class Caller:
    """The account that a request speaks for; `key_id` is None for the server's own command line."""

    account_id: str
    key_id: str | None


class Keys:
    """Looks keys up and remembers them for a moment."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[float, keys.KnownKey]] = {}
        self.used: dict[str, int] = {}
        self.local_token: str | None = None

    def is_local(self, key: str) -> bool:
        """Whether this is the token that the server wrote for the command line of its own machine."""
        return self.local_token is not None and secrets.compare_digest(
            key.encode("utf-8", "replace"), self.local_token.encode()
        )

    async def find(self, key: str) -> keys.KnownKey | None:
        key_hash = keys.hash_of(key)
        now = self._clock.now_ms()
        entry = self._known.get(key_hash)
        if entry is not None and (not self._store.shared or entry[0] > time.monotonic()):
            found: keys.KnownKey | None = entry[1]
        else:
            found = await self._store.read(lambda db: keys.find(db, key_hash, now=now))
            if found is not None:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[key_hash] = (time.monotonic() + _KNOWN_FOR_S, found)
        if found is None or (found.expires_at is not None and found.expires_at <= now):
            return None
        self.used[found.id] = now
        return found

    async def require_any(self, authorization: str | None) -> None:
        """Raise 401 unless this header holds a live key or the local token."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not (self.is_local(key) or await self.find(key)):
            raise _unauthorized()

    def forget(self, key_hash: str) -> None:
        """The key was revoked."""
        self._known.pop(key_hash, None)

    async def note_uses(self) -> None:
        """Store when keys were last used."""
        used, self.used = self.used, {}
        for key_id, at in used.items():
            await self._store.write(lambda tx, key_id=key_id, at=at: keys.note_use(tx, key_id, at))  # type: ignore[misc]


def _unauthorized() -> ApiError:
    return ApiError(
        401,
        "UNAUTHORIZED",
        "a valid API key is needed: send it as 'Authorization: Bearer sk_live_...'",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def require_key(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    """The account of the request's key. Raises 401 without one, or for a wrong, expired or revoked one."""
    known: Keys = request.app.state.keys
    if credentials is None or not credentials.credentials:
        raise _unauthorized()
    found = await known.find(credentials.credentials)
    if found is None:
        raise _unauthorized()
    return Caller(found.account_id, found.id)


async def scoped(
    request: Request,
    caller: Annotated[Caller, Depends(require_key)],
    x_sub_account_id: Annotated[str, Header()] = NOT_GIVEN,
) -> Caller:
    """The caller, scoped to the sub-account that the request names. Raises 404 for one that is not the caller's."""
    if not x_sub_account_id:
        return caller
    store: Store = request.app.state.store
    row = await store.read(lambda db: db.get(accounts, x_sub_account_id))
    if row is None or row["parent_id"] != caller.account_id:
        raise ApiError(404, "SUB_ACCOUNT_NOT_FOUND", "there is no such sub-account", field="X-Sub-Account-Id")
    return Caller(row["id"], caller.key_id)


async def require_key_or_token(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> None:
    """Any live key, or the token of this machine's command line."""
    known: Keys = request.app.state.keys
    if credentials is None or not known.is_local(credentials.credentials):
        await require_key(request, credentials)


async def require_token(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> None:
    """The token of this machine's command line, nothing else."""
    known: Keys = request.app.state.keys
    if credentials is None or not known.is_local(credentials.credentials):
        raise _unauthorized()


Scoped = Annotated[Caller, Depends(scoped)]
