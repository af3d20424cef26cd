"""The clock's door: read it, freeze it, run on, move it forward."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, Protocol, TypedDict

from fastapi import APIRouter, Request
from pydantic import Field, model_validator

from ringback.doors.rest.errors import ApiError
from ringback.doors.rest.json_body import JsonRoute
from ringback.kit.times import MAX_MS, from_iso, to_iso
from ringback.kit.wire import CamelWire, IsoTime

_FARTHEST_MS = from_iso("9000-01-01T00:00:00Z")
"""The clock never goes back, so it must not come where a due date has no year any more."""


class ClockReading(TypedDict):
    """`now_ms` in the clock's milliseconds, `mode` `real` or `frozen`, `offset_s` ahead of real time."""

    now_ms: int
    mode: Literal["frozen", "real"]
    offset_s: float


class ClockDoor(Protocol):
    """What the server lets this door do with its clock."""

    async def read(self) -> ClockReading: ...

    async def freeze(self) -> None: ...

    async def resume(self) -> None: ...

    async def advance_to(self, at_ms: int) -> bool:
        """Move to `at_ms` and fire all that falls due on the way; whether everything has settled."""
        ...


class NoClock:
    """The clock of a process that runs on real time and can't be moved."""

    async def read(self) -> ClockReading:
        raise self._fixed()

    async def freeze(self) -> None:
        raise self._fixed()

    async def resume(self) -> None:
        raise self._fixed()

    async def advance_to(self, at_ms: int) -> bool:
        raise self._fixed()

    @staticmethod
    def _fixed() -> ApiError:
        return ApiError(409, "CLOCK_FIXED", "the simulated network in a process of its own runs on real time")


class ClockChange(CamelWire):
    """Exactly one of the four."""

    freeze: bool | None = None
    resume: bool | None = None
    advance_seconds: Annotated[float, Field(ge=0)] | None = None
    advance_to: IsoTime | None = None

    @model_validator(mode="after")
    def _one(self) -> "ClockChange":
        given = [self.freeze, self.resume, self.advance_seconds, self.advance_to]
        if sum(one is not None for one in given) != 1 or False in (self.freeze, self.resume):
            raise ValueError(
                "expected one of {freeze: true}, {resume: true}, {advanceSeconds: 3600}, {advanceTo: time}"
            )
        return self


class ClockOut(CamelWire):
    """Where the clock stands."""

    now: IsoTime
    mode: Literal["frozen", "real"]
    offset_seconds: float


class AdvanceOut(CamelWire):
    """The instant reached, and whether everything due has been done and attempts in flight have ended."""

    now: IsoTime
    settled: bool


async def anybody(request: Request) -> None:
    """Whoever may ask may move the clock, too."""


def build_clock_router(
    clock: ClockDoor, may_move: Callable[[Request], Awaitable[None]] = anybody
) -> APIRouter:
    """`GET` and `POST /clock`; `may_move` raises for a request that may not."""
    router = APIRouter(route_class=JsonRoute)

    async def read() -> ClockOut:
        reading = await clock.read()
        return ClockOut(
            now=to_iso(reading["now_ms"]), mode=reading["mode"], offset_seconds=reading["offset_s"]
        )

    @router.get("/clock")
    async def read_clock() -> ClockOut:
        return await read()

    @router.post("/clock")
    async def change_clock(body: ClockChange, request: Request) -> ClockOut | AdvanceOut:
        await may_move(request)
        if body.freeze:
            await clock.freeze()
            return await read()
        if body.resume:
            await clock.resume()
            return await read()
        now_ms = (await clock.read())["now_ms"]
        settled = await clock.advance_to(_target(body, now_ms))
        return AdvanceOut(now=to_iso((await clock.read())["now_ms"]), settled=settled)

    return router


def _target(body: ClockChange, now_ms: int) -> int:
    if body.advance_to is not None:
        field = "advanceTo"
        try:
            target = from_iso(body.advance_to)
        except ValueError as error:
            raise ApiError(422, "VALIDATION_ERROR", str(error), field=field) from None
    else:
        field = "advanceSeconds"
        seconds = body.advance_seconds or 0.0
        target = now_ms + round(seconds * 1000) if abs(seconds) < MAX_MS else MAX_MS
    if target < now_ms:
        raise ApiError(422, "VALIDATION_ERROR", "the clock never goes back", field=field)
    if target > _FARTHEST_MS:
        raise ApiError(422, "VALIDATION_ERROR", "expected a time before the year 9000", field=field)
    return target
