"""/v1/calls/{call_id}/recording: the audio, for a key or a signed link, and its deletion"""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.responses import FileResponse
from fastapi.security.base import SecurityBase

from ringback.calls import service
from ringback.calls.errors import RecordingNotFound
from ringback.calls.links import is_good
from ringback.calls.schemas import DeletedRecording
from ringback.doors.rest.caller import Caller, Scoped, scoped
from ringback.doors.rest.errors import ApiError, JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import to_bytes
from ringback.doors.rest.paging import NOT_GIVEN
from ringback.doors.rest.parts import parts_of
from ringback.flows import erase_recording
from ringback.storage.tx import Row

router = APIRouter(route_class=JsonRoute, prefix="/v1/calls/{call_id}/recording", tags=["calls"])
_WAV: dict[str, Any] = {
    "response_class": FileResponse,
    "responses": {
        status: {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}}
        for status in (200, 206)
    },
}
_ONE_PART = re.compile(r"bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))", re.ASCII)


class KeyOrSignature(SecurityBase):
    """The dependency that answers whose recording may be heard: by the key, or by the signature of `recordingUrl`."""

    def __init__(self) -> None:
        self.model = HTTPBearerModel()
        self.scheme_name = "bearer"

    async def __call__(
        self, request: Request, call_id: str, x_sub_account_id: Annotated[str, Header()] = NOT_GIVEN
    ) -> Caller:
        """Raises 401 without either, and for a signature that is wrong or too old."""
        given = request.query_params
        if "authorization" in request.headers or "signature" not in given:
            return await scoped(request, x_sub_account_id)
        account_id, expires = given.get("account", ""), given.get("expires", "")
        parts = parts_of(request)
        if not expires.isascii() or not expires.isdecimal() or len(expires) > 16:
            raise _too_late()
        if not is_good(
            parts.line.hash_key, account_id, call_id, expires, given["signature"], now=parts.clock.now_ms()
        ):
            raise _too_late()
        return Caller(account_id, None)


def _too_late() -> ApiError:
    return ApiError(
        401,
        "UNAUTHORIZED",
        "this link is not good, or no more: read the call again for a new recordingUrl, or send the API key",
        headers={"WWW-Authenticate": "Bearer"},
    )


Listener = Annotated[Caller, Depends(KeyOrSignature())]


@router.get("", operation_id="getCallRecording", **_WAV)
@router.head("", operation_id="headCallRecording", include_in_schema=False)
async def get_call_recording(request: Request, listener: Listener, call_id: str) -> Response:
    parts = parts_of(request)
    call = await parts.store.read(lambda db: service.get(db, listener.account_id, call_id))
    path = parts.voice.recording_path(call)
    if call["recording"] != erase_recording.AVAILABLE or not path.is_file():
        raise RecordingNotFound("this call has no recording")
    _drop_odd_range(request, path.stat().st_size)
    return FileResponse(
        path,
        media_type="audio/wav",
        filename=f"recording-{call['id']}.wav",
        headers={"Cache-Control": "private, no-store"},
    )


def _drop_odd_range(request: Request, size: int) -> None:
    """Answer in whole where a `Range` asks for several parts, for none that is there, or in no known way (RFC 9110, 14.2)."""
    asked = _ONE_PART.fullmatch(request.headers.get("range", ""))
    if asked is not None:
        first, last, final = asked.groups()
        if final is not None and int(final) > 0:
            return
        if first is not None and int(first) < size and (not last or int(first) <= int(last)):
            return
    request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0].lower() != b"range"]


@router.delete("", operation_id="deleteCallRecording", response_model=DeletedRecording)
async def delete_call_recording(request: Request, caller: Scoped, call_id: str) -> JsonBytes:
    parts = parts_of(request)
    call: Row = await parts.store.write(
        lambda tx: erase_recording.erase(tx, caller.account_id, call_id, reason="asked"),
        account=caller.account_id,
    )
    await parts.call_keeper.remove_file(call)
    return JsonBytes(to_bytes(DeletedRecording(success=True, id=call["id"])))
