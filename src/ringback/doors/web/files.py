"""/sdk/{name}: the module with which a page makes calls, and what it loads. Anybody's, from any page."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse

from ringback.doors.rest.errors import ApiError

FOLDER = Path(__file__).parent / "sdk"
FILES = ("agentphone-web-sdk.js", "agentphone-web-audio.js")
_HEADERS = {
    "Cache-Control": "no-cache",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_SCRIPT = {200: {"content": {"text/javascript": {"schema": {"type": "string"}}}}}

router = APIRouter(tags=["calls"])


@router.get(
    "/sdk/{name}",
    operation_id="getWebSdk",
    response_class=Response,
    responses={200: _SCRIPT[200]},
)
async def get_web_sdk(request: Request, name: str) -> Response:
    if name not in FILES:
        raise ApiError(404, "NOT_FOUND", f"there are {' and '.join(FILES)} here")
    return FileResponse(FOLDER / name, media_type="text/javascript", headers=_HEADERS)
