"""`/carrier/v1`: what the carrier's client asks of a network in another process. Internal, and not for users.

Errors travel as `{"carrierError": {kind, message, code}}` with `kind` `refused`, `throttled`, `sender-throttled`, `unreachable` or
`no-answer`. A text that the network takes without ever answering keeps its request open until the client leaves.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from ringback.kit.database_faults import DatabaseUnavailable
from ringback.kit.wire import DIGITS
from ringback.sim.errors import (
    ExchangeDown,
    LineDown,
    LineError,
    LineRefused,
    LineThrottled,
    NeverAnswers,
    SenderThrottled,
)
from ringback.sim.inventory import Wish
from ringback.sim.network import Network
from ringback.sim.outbound import Submission

_KINDS: dict[type[LineError], tuple[int, str]] = {
    LineRefused: (422, "refused"),
    SenderThrottled: (429, "sender-throttled"),
    LineThrottled: (429, "throttled"),
    LineDown: (503, "unreachable"),
    NeverAnswers: (504, "no-answer"),
}
_NEVER_S = 60.0
_STEP_S = 0.25


class Submit(BaseModel):
    """As `Submission`."""

    reference: str
    sender: str
    recipient: str
    body: str
    media_urls: tuple[str, ...] = ()
    channel: str = "sms"
    validity_ms: int


class Search(BaseModel):
    """As `Wish`."""

    country: str
    area_code: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    e164: str | None = None
    limit: int = 1
    pattern: str | None = None


class Buy(BaseModel):
    """One number, under an order of the buyer's."""

    e164: str
    reference: str


class Lookup(BaseModel):
    """Numbers to be told of."""

    numbers: list[str]


class Release(BaseModel):
    """A number to give back."""

    e164: str


class Acknowledge(BaseModel):
    """Tokens of events that are stored."""

    tokens: list[str]


class Reject(BaseModel):
    """A call that rings and is not taken, and why (a SIP status)."""

    ref: str
    code: int


def build_carrier_router(network: Network) -> APIRouter:
    """The router over one network."""
    router = APIRouter(prefix="/carrier/v1", include_in_schema=False)

    async def answer(work: Awaitable[dict[str, Any]]) -> JSONResponse:
        try:
            return JSONResponse(await work)
        except NeverAnswers as error:
            await _hold(network)
            return _failure(error)
        except LineError as error:
            return _failure(error)
        except DatabaseUnavailable as fault:
            return _failure(LineDown(fault.message))

    def terms() -> dict[str, Any]:
        """What the client answers from memory."""
        settings = network.settings
        return {
            "outboundSms": {"US": network.outbound_sms("", "US")},
            "campaign": settings.campaign,
            "seed": settings.seed,
        }

    @router.post("/submit")
    async def submit(body: Submit) -> JSONResponse:
        async def work() -> dict[str, Any]:
            return {"ref": await network.submit(Submission(**body.model_dump()))}

        return await answer(work())

    @router.get("/events")
    async def events(
        after: Annotated[int, Query(ge=0), DIGITS] = 0, wait: Annotated[float, Query(ge=0, le=60)] = 0
    ) -> JSONResponse:
        found = await network.carrier_events(after, wait_s=wait)
        return JSONResponse({"events": [asdict(event) for event in found], **terms()})

    @router.post("/ack")
    async def acknowledge(body: Acknowledge) -> JSONResponse:
        await network.acknowledge(body.tokens)
        return JSONResponse({"acknowledged": len(body.tokens)})

    @router.post("/search")
    async def search(body: Search) -> JSONResponse:
        async def work() -> dict[str, Any]:
            return {"offers": [asdict(sale) for sale in await network.search(Wish(**body.model_dump()))]}

        return await answer(work())

    @router.post("/buy")
    async def buy(body: Buy) -> JSONResponse:
        async def work() -> dict[str, Any]:
            await network.buy(body.e164, body.reference)
            return {"bought": body.e164}

        return await answer(work())

    @router.get("/orders/{reference:path}")
    async def order_of(reference: str) -> JSONResponse:
        async def work() -> dict[str, Any]:
            return {"e164": await network.order_of(reference)}

        return await answer(work())

    @router.post("/release")
    async def release(body: Release) -> JSONResponse:
        async def work() -> dict[str, Any]:
            await network.release(body.e164)
            return {"released": body.e164}

        return await answer(work())

    @router.post("/lookup")
    async def lookup(body: Lookup) -> JSONResponse:
        async def work() -> dict[str, Any]:
            return {"lines": [asdict(line) for line in await network.lookup(body.numbers)]}

        return await answer(work())

    @router.get("/calls")
    async def calls(
        epoch: str = "",
        after: Annotated[int, Query(ge=0), DIGITS] = 0,
        wait: Annotated[float, Query(ge=0, le=60)] = 0,
    ) -> JSONResponse:
        now, found = await network.voice.ringing(epoch, after, wait_s=wait)
        return JSONResponse({"epoch": now, "calls": [asdict(call) for call in found]})

    @router.get("/trunk")
    async def trunk() -> JSONResponse:
        async def work() -> dict[str, Any]:
            try:
                return await network.voice.trunk()
            except ExchangeDown as fault:
                raise LineDown(fault.message) from None

        return await answer(work())

    @router.post("/reject")
    async def reject(body: Reject) -> JSONResponse:
        network.voice.reject(body.ref, body.code)
        return JSONResponse({"rejected": body.ref})

    @router.get("/terms")
    async def tell_terms() -> JSONResponse:
        return JSONResponse(terms())

    return router


async def _hold(network: Network) -> None:
    """Say nothing, for longer than any client waits; the stop of the network ends it."""
    for _ in range(int(_NEVER_S / _STEP_S)):
        if network.stopping:
            return
        await asyncio.sleep(_STEP_S)


def _failure(error: LineError) -> JSONResponse:
    status, kind = next(told for error_type, told in _KINDS.items() if isinstance(error, error_type))
    told = {"kind": kind, "message": error.message, "code": error.code}
    return JSONResponse({"carrierError": told}, status_code=status)
