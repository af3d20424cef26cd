"""Who calls: the bearer key, and the sub-account that a request is scoped to."""

import secrets
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
        key_hash = keys.hash_of(key)
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
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not (self.is_local(key) or await self.find(key)):
            raise _unauthorized()

    def forget(self, key_hash: str) -> None:
        """The key was revoked."""
        self._revocations += 1
        self._known.pop(key_hash, None)

    async def note_uses(self) -> None:
        """Store when keys were last used."""
        used, self.used = self.used, {}
        for key_id, at in used.items():
            await self._store.write(partial(keys.note_use, key_id=key_id, at=at))


def _unauthorized() -> ApiError:
    return ApiError(
        401,
        "UNAUTHORIZED",
        "a valid API key is needed: send it as 'Authorization: Bearer sk_live_...'",
        headers={"WWW-Authenticate": "Bearer"},
    )


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
        known: Keys = request.app.state.keys
        found = await known.find(_key_in(request))
        if found is None:
            raise _unauthorized()
        if known.limits is not None:
            known.limits.take(found.id)
        if not x_sub_account_id:
            return Caller(found.account_id, found.id)
        store: Store = request.app.state.store
        row = await store.read(lambda db: subs.find(db, found.account_id, x_sub_account_id))
        if row is None:
            raise ApiError(
                404, "SUB_ACCOUNT_NOT_FOUND", "there is no such sub-account", field="X-Sub-Account-Id"
            )
        return Caller(row["id"], found.id)


async def may_still(request: Request, caller: Caller) -> bool:
    """Whether the key with which a caller was let in is still good, for answers that go on."""
    known: Keys = request.app.state.keys
    found = await known.find(_key_in(request))
    return found is not None and found.id == caller.key_id


scoped = KeyAuth()
Scoped = Annotated[Caller, Depends(scoped)]


def _key_in(request: Request) -> str:
    """The bearer key of a request. Raises 401 without one."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise _unauthorized()
    return key.strip()


class KeyOrToken(SecurityBase):
    """The dependency that asks for any live key, or the token of this machine's command line."""

    def __init__(self) -> None:
        self.model = HTTPBearerModel()
        self.scheme_name = "bearer"

    async def __call__(self, request: Request) -> None:
        known: Keys = request.app.state.keys
        key = _key_in(request)
        if not known.is_local(key) and await known.find(key) is None:
            raise _unauthorized()


require_key_or_token = KeyOrToken()


async def require_operator(request: Request, *, to: str) -> None:
    """As `require_key_or_token`, and 403 for the key of a sub-account: `to` do what concerns the whole server."""
    known: Keys = request.app.state.keys
    key = _key_in(request)
    if known.is_local(key):
        return
    found = await known.find(key)
    if found is None:
        raise _unauthorized()
    store: Store = request.app.state.store
    if await store.read(lambda db: subs.is_one(db, found.account_id)):
        raise ApiError(
            403, "PERMISSION_DENIED", f"a sub-account's key can't {to}: use one of the account above it"
        )


async def require_token(request: Request) -> None:
    """The token of this machine's command line, nothing else."""
    known: Keys = request.app.state.keys
    if not known.is_local(_key_in(request)):
        raise _unauthorized()
