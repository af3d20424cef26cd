"""Answering a POST once, however often it is sent (contract: Idempotency-Key)."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import Request
from pydantic import BaseModel

from ringback.accounts import subs
from ringback.doors.rest.caller import Caller
from ringback.doors.rest.errors import JsonBytes
from ringback.kit.faults import Fault, Invalid
from ringback.kit.machine import monotonic
from ringback.storage import idempotency
from ringback.storage.idempotency import Answer, Claim, InProgress
from ringback.storage.sealing import Sealer
from ringback.storage.store import Need, Store
from ringback.storage.tx import Tx

_WAIT_S = 10.0
_LOOK_EVERY_S = 0.05


async def claim_of(request: Request, caller: Caller) -> Claim | None:
    """The request's idempotency key, if it has one. Raises `Invalid` for one that is not 1 to 255 printable characters."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1:
        raise Invalid("is given twice; one request takes one key", field="Idempotency-Key", where="header")
    [key] = keys
    if not 1 <= len(key) <= 255 or not all(" " <= character <= "~" for character in key):
        raise Invalid("takes 1 to 255 printable characters", field="Idempotency-Key", where="header")
    return Claim(
        account_id=caller.account_id,
        operation=f"{request.method} {request.url.path}",
        key=key,
        fingerprint=_fingerprint(await request.body(), request.url.query),
    )


def _fingerprint(body: bytes, query: str) -> str:
    """A hash of what a body means: another order of keys or other spaces make no other request."""
    try:
        canonical = (
            json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode() if body else b""
        )
    except (ValueError, RecursionError):
        canonical = body
    return hashlib.sha256(canonical + b"\x00" + query.encode("utf-8", "surrogatepass")).hexdigest()


def to_bytes(model: BaseModel) -> bytes:
    return model.model_dump_json(by_alias=True).encode()


class Once:
    """Runs POSTs so that a repeated one gets the first answer, byte for byte, and has one effect."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    async def write(
        self,
        claim: Claim | None,
        caller: Caller,
        unit: Callable[[Tx], BaseModel],
        *,
        needs: Sequence[Need] | None = None,
        secret: bool = False,
        status: int = 200,
    ) -> JsonBytes:
        """A POST that is one unit. `secret`: the answer holds a secret and is kept sealed."""

        def act(tx: Tx) -> bytes:
            subs.check_living(tx, caller.account_id)
            # Rendered inside the unit: an answer that can't be rendered must leave nothing behind.
            return to_bytes(unit(tx))

        if claim is None:
            body = await self._store.write(act, account=caller.account_id, needs=needs)
            return JsonBytes(body, status_code=status)

        def run(tx: Tx) -> Answer:
            found = idempotency.look_up(tx, claim)
            if found is not None:
                return self._opened(found, claim)
            answer = Answer(status, act(tx))
            idempotency.keep(tx, claim, self._closed(answer, claim) if secret else answer)
            return answer

        if needs is not None:
            needs = [*needs, idempotency.needs(claim)]
        return _response(
            await self._waiting(lambda: self._store.write(run, account=caller.account_id, needs=needs))
        )

    async def work(
        self, claim: Claim | None, caller: Caller, act: Callable[[], Awaitable[BaseModel]]
    ) -> JsonBytes:
        """A POST that goes outside between its units. What it refuses frees the key, unless it may have been done."""
        if claim is None:
            return JsonBytes(to_bytes(await act()))

        async def answer() -> Answer:
            return Answer(200, to_bytes(await act()))

        return await self.answer(claim, caller, answer)

    async def answer(self, claim: Claim, caller: Caller, act: Callable[[], Awaitable[Answer]]) -> JsonBytes:
        """As `work`, for what answers by itself; what it raises frees the key."""
        kept = await self._waiting(
            lambda: self._store.write(lambda tx: idempotency.begin(tx, claim), account=caller.account_id)
        )
        if kept is not None:
            return _response(kept)
        try:
            answered = await act()
        except BaseException as error:
            if not (isinstance(error, Fault) and error.may_have_happened):
                await self._store.write(lambda tx: idempotency.drop(tx, claim), account=caller.account_id)
            raise
        kept = await self._store.write(
            lambda tx: idempotency.keep(tx, claim, answered), account=caller.account_id
        )
        return _response(kept)

    async def _waiting(self, look: Callable[[], Awaitable[Any]]) -> Any:
        """Do `look` again while the first request with the key is under way, ten seconds at most."""
        until = monotonic() + _WAIT_S
        while True:
            try:
                return await look()
            except InProgress:
                if monotonic() >= until:
                    raise
                await asyncio.sleep(_LOOK_EVERY_S)

    def _closed(self, answer: Answer, claim: Claim) -> Answer:
        return Answer(
            answer.status, self._sealer.seal(answer.body.decode(), context=_context(claim)).encode()
        )

    def _opened(self, answer: Answer, claim: Claim) -> Answer:
        text = answer.body.decode()
        if not text.startswith("v1."):
            return answer
        return Answer(answer.status, self._sealer.open(text, context=_context(claim)).encode())


def _context(claim: Claim) -> str:
    return f"answer:{claim.account_id}:{claim.operation}:{claim.key}"


def _response(answer: Answer) -> JsonBytes:
    return JsonBytes(answer.body, status_code=answer.status)
