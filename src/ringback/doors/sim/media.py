"""`/sim/v1/media`: uploaded with a key; read by whoever knows the id, as a carrier's media links are."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from ringback.doors.rest.guard import BodyTooLarge
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.sim import schemas as wire
from ringback.doors.sim.links import Links
from ringback.sim.media import MAX_BYTES, PATH, Media
from ringback.sim.network import Network

LARGER: Final = {("POST", PATH.rstrip("/")): MAX_BYTES}
"""What may be larger than other requests' bodies: media, as large as a message may carry them."""
_SHOWN: Final = ("image/", "audio/", "video/")
_BYTES: Final[dict[str, Any]] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
_RAW_BODY: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": _BYTES}}


def build_upload_router(network: Network, links: Links) -> APIRouter:
    """The router for those with a key."""
    router = APIRouter(route_class=JsonRoute)

    @router.post("/media", openapi_extra=_RAW_BODY)
    async def upload_media(request: Request) -> wire.MediaOut:
        media = await network.upload(request.headers.get("content-type"), await _read(request))
        return wire.MediaOut.of(media, links.base(request))

    return router


def build_media_router(network: Network) -> APIRouter:
    """The router for everybody: the id is the key."""
    router = APIRouter(prefix="/sim/v1")

    @router.get(
        "/media/{media_id}",
        response_class=StreamingResponse,
        responses={200: {"content": _BYTES}, 304: {"description": "Unchanged"}},
    )
    async def get_media(media_id: str, request: Request) -> Response:
        media = await network.find_media(media_id)
        headers = _headers(media)
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(
                status_code=304, headers={name: headers[name] for name in ("ETag", "Cache-Control")}
            )
        if request.method == "HEAD":
            return Response(headers=headers)
        return StreamingResponse(network.read_media(media), headers=headers)

    router.add_api_route("/media/{media_id}", get_media, methods=["HEAD"], include_in_schema=False)
    return router


def _headers(media: Media) -> dict[str, str]:
    """What comes from a stranger may be looked at and never run: not sniffed, and sandboxed where a browser shows it."""
    kind = media.content_type
    return {
        "Content-Type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        "Content-Length": str(media.size),
        "Content-Disposition": "inline" if kind.startswith(_SHOWN) or kind == "text/plain" else "attachment",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": f'"{media.id}"',
        "Cache-Control": "public, max-age=31536000, immutable",
    }


async def _read(request: Request) -> bytes:
    """The body as it is, of a size that a message may have."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise BodyTooLarge(MAX_BYTES)
    return bytes(body)
