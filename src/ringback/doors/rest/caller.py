"""Who calls: the bearer key, and the sub-account that a request is scoped to."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase

from ringback.accounts import keys, subs
from ringback.doors.rest.errors import ApiError
from ringback.doors.rest.key_limits import KeyLimits
from ringback.doors.rest.paging import NOT_GIVEN
from ringback.kit.clock import Clock
from ringback.kit.machine import monotonic
from ringback.storage.store import Store

_KNOWN_FOR_S = 1.0
"""Real seconds for which a looked-up key is believed where other processes could revoke it."""
_MOST_KNOWN = 10_000
_USE_NOTED_MS = 60_000
SPEAKS_FOR = "ringback.caller"
"""In the scope of a request that another door of this process makes: the `Caller`, whom that door has asked for."""
DOOR = "ringback.door"
"""In the scope of such a request: the name of that door."""
_COUNTED = "ringback.counted"
"""In the scope of a request that its key's rate knows of."""


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
        self._let_in: dict[str, set[asyncio.Timeout]] = {}
        self._revocations = 0
        self.used: dict[str, int] = {}
        self.local_token: str | None = None
        self.limits: KeyLimits | None = None

    def is_local(self, key: str) -> bool:
        """Whether this is the token that the server wrote for the command line of its own machine."""
        return self.local_token is not None and secrets.compare_digest(
            key.encode("utf-8", "replace"), self.local_token.encode()
        )

    async def find(self, key: str) -> keys.KnownKey | None:
        return await self._find(keys.hash_of(key))

    async def find_hash(self, key_hash: str) -> keys.KnownKey | None:
        """The live key with this hash."""
        return await self._find(key_hash)

    async def _find(self, key_hash: str) -> keys.KnownKey | None:
        now = self._clock.now_ms()
        entry = self._known.get(key_hash)
        if entry is not None and (not self._store.shared or entry[0] > monotonic()):
            found: keys.KnownKey | None = entry[1]
        else:
            revocations = self._revocations
            found = await self._store.read(lambda db: keys.find(db, key_hash, now=now))
            # A key that was revoked while it was looked up must not be remembered as live.
            if found is not None and revocations == self._revocations:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[key_hash] = (monotonic() + _KNOWN_FOR_S, found)
        if found is None or (found.expires_at is not None and found.expires_at <= now):
            return None
        self.used[found.id] = now
        return found

    async def require_any(self, authorization: str | None) -> None:
        """Raise 401 unless this header holds a live key or the local token."""
        key = key_of(authorization)
        if key is None or not (self.is_local(key) or await self.find(key)):
            raise unauthorized()

    async def count(self, request: Request) -> None:
        """Count a request that is refused before it came to `scoped`. Raises 429 when its key makes too many."""
        key = key_of(request.headers.get("authorization"))
        if self.limits is None or key is None or _COUNTED in request.scope:
            return
        found = await self.find(key)
        if found is not None:
            self.take(request, found)

    def take(self, request: Request, key: keys.KnownKey) -> None:
        """Count a request of this key. Raises 429."""
        if self.limits is not None:
            request.scope[_COUNTED] = True
            self.limits.take(key.id)

    def forget(self, key_hash: str) -> None:
        """The key was revoked."""
        self._revocations += 1
        self._known.pop(key_hash, None)
        self._end(key_hash)

    @contextmanager
    def ending(self, key: str, work: asyncio.Timeout) -> Iterator[None]:
        """While inside, `work` times out as soon as the key is known to be good no longer."""
        key_hash = keys.hash_of(key)
        self._let_in.setdefault(key_hash, set()).add(work)
        try:
            yield
        finally:
            mine = self._let_in[key_hash]
            mine.discard(work)
            if not mine:
                del self._let_in[key_hash]

    async def look_again(self) -> None:
        """End what goes on under keys that have expired, or that another process revoked."""
        for key_hash in list(self._let_in):
            if await self._find(key_hash) is None:
                self._end(key_hash)

    def _end(self, key_hash: str) -> None:
        for work in self._let_in.get(key_hash, ()):
            if not work.expired():
                work.reschedule(0)

    async def note_uses(self) -> None:
        """Store when keys were last used."""
        used, self.used = self.used, {}
        for key_id, at in used.items():
            await self._store.write(partial(keys.note_use, key_id=key_id, at=at))


def unauthorized() -> ApiError:
    """The answer to a request without a good key."""
    return ApiError(
        401,
        "UNAUTHORIZED",
        "a valid API key is needed: send it as 'Authorization: Bearer sk_live_...'",
        headers={"WWW-Authenticate": "Bearer"},
    )


def key_of(authorization: str | None) -> str | None:
    """The bearer key in an `Authorization` header (RFC 6750, 2.1), or None."""
    scheme, _, key = (authorization or "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


class KeyAuth(SecurityBase):
    """The dependency that answers who calls: one for key and sub-account, since each costs a request its time."""

    def __init__(self) -> None:
        self.model = HTTPBearerModel()
        self.scheme_name = "bearer"

    async def __call__(
        self, request: Request, x_sub_account_id: Annotated[str, Header()] = NOT_GIVEN
    ) -> Caller:
        """The account of the request's key, or the sub-account of it that the request names.

        Raises 401 without a key, or for a wrong, expired or revoked one; 404 for a sub-account that is not the caller's;
        429 when the key makes more requests than it may.
        """
        inside: Caller | None = request.scope.get(SPEAKS_FOR)
        if inside is not None:
            return inside
        known: Keys = request.app.state.keys
        found = await known.find(_key_in(request))
        if found is None:
            raise unauthorized()
        known.take(request, found)
        if not x_sub_account_id:
            return Caller(found.account_id, found.id)
        store: Store = request.app.state.store
        row = await store.read(lambda db: subs.find(db, found.account_id, x_sub_account_id))
        if row is None:
            raise ApiError(
                404, "SUB_ACCOUNT_NOT_FOUND", "there is no such sub-account", field="X-Sub-Account-Id"
            )
        return Caller(row["id"], found.id)


scoped = KeyAuth()
Scoped = Annotated[Caller, Depends(scoped)]


def _key_in(request: Request) -> str:
    """The bearer key of a request. Raises 401 without one."""
    key = key_of(request.headers.get("authorization"))
    if key is None:
        raise unauthorized()
    return key


class KeyOrToken(SecurityBase):
    """The dependency that asks for any live key, or the token of this machine's command line."""

    def __init__(self) -> None:
        self.model = HTTPBearerModel()
        self.scheme_name = "bearer"

    async def __call__(self, request: Request) -> None:
        if SPEAKS_FOR in request.scope:
            return
        known: Keys = request.app.state.keys
        key = _key_in(request)
        if not known.is_local(key) and await known.find(key) is None:
            raise unauthorized()


require_key_or_token = KeyOrToken()


async def require_operator(request: Request, *, to: str) -> None:
    """As `require_key_or_token`, and 403 for the key of a sub-account: `to` do what concerns the whole server."""
    known: Keys = request.app.state.keys
    inside: Caller | None = request.scope.get(SPEAKS_FOR)
    if inside is not None:
        account_id = inside.account_id
    else:
        key = _key_in(request)
        if known.is_local(key):
            return
        found = await known.find(key)
        if found is None:
            raise unauthorized()
        account_id = found.account_id
    store: Store = request.app.state.store
    if await store.read(lambda db: subs.is_one(db, account_id)):
        raise ApiError(
            403, "PERMISSION_DENIED", f"a sub-account's key can't {to}: use one of the account above it"
        )


async def require_token(request: Request) -> None:
    """The token of this machine's command line, nothing else."""
    known: Keys = request.app.state.keys
    if not known.is_local(_key_in(request)):
        raise unauthorized()
