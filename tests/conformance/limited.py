"""Too many requests. No operation that is built limits its callers yet, so the answer is made here, as the server makes its own."""

from ringback.doors.rest.errors import error_response
from tests.wire import App, Message, Receive, Send

TOLD = "Rate limit exceeded. Limit: 5 requests per 3600s"
_HEADERS = {"Retry-After": "1", "X-Request-ID": "req_1", "X-Content-Type-Options": "nosniff"}


class Limited:
    """Wraps the app, and refuses the first `times` requests for agents."""

    def __init__(self, app: App, times: int) -> None:
        self._app = app
        self._left = times

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/v1/agents" or not self._left:
            await self._app(scope, receive, send)
            return
        self._left -= 1
        response = error_response(429, "RATE_LIMIT_EXCEEDED", TOLD, headers=_HEADERS)
        await response(scope, receive, send)
