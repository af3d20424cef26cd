"""Server-sent events as every door answers them."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse

STREAM: dict[str, Any] = {
    "response_class": StreamingResponse,
    "responses": {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
}
"""What a route that answers with `event_stream` says of itself."""
# nginx, and what copies it, would keep events back until a buffer is full.
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event_stream(lines: AsyncIterator[bytes] | AsyncIterator[str]) -> StreamingResponse:
    """The answer that sends `lines` as they come."""
    return StreamingResponse(lines, media_type="text/event-stream", headers=_HEADERS)
