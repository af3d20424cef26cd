"""Commands' way to the running server: HTTP with the token of `server.json`."""

import contextlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from ringback import running
from ringback.cli.terminal import under_way
from ringback.operator_error import SERVICE_MISSING, WRONG_SETTING, OperatorError

_TIMEOUT_S = 15.0
NOT_HERE = 0
"""The process of a server elsewhere."""


class Client:
    """Calls one running server; every refusal and lost connection is an `OperatorError`.

    With an API key in the token's place it calls any server, for an `account` under the key's if one is named.
    """

    def __init__(self, server: running.Running, *, account: str | None = None) -> None:
        self.url = server.url
        self._token = server.token
        self._account = account
        self._is_local = server.pid != NOT_HERE

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | bytes | None = None,
        *,
        query: dict[str, Any] | None = None,
        content_type: str = "application/json",
        timeout_s: float = _TIMEOUT_S,
    ) -> Any:
        """The JSON answer of an endpoint; None where it answers without a body. Bytes are sent as they are."""
        import http.client

        parts = urlsplit(self.url)
        kept = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{path}?{urlencode(kept)}" if kept else path
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
        # A list that waits for what comes is no work that goes on.
        quiet = contextlib.nullcontext() if "wait" in kept else under_way(f"waiting for {self.url}")
        try:
            with quiet:
                connection.request(
                    method, parts.path + target, self._encode(body), self._headers(body, content_type)
                )
                answer = connection.getresponse()
                content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise OperatorError(
                f"the server at {self.url} doesn't answer: {reason}", SERVICE_MISSING
            ) from None
        finally:
            connection.close()
        return self._judge(answer.status, content)

    @staticmethod
    def _encode(body: dict[str, Any] | bytes | None) -> bytes | None:
        return json.dumps(body).encode() if isinstance(body, dict) else body

    def _headers(self, body: dict[str, Any] | bytes | None, content_type: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if self._account is not None:
            headers["X-Sub-Account-Id"] = self._account
        return headers if body is None else {**headers, "Content-Type": content_type}

    def _judge(self, status: int, content: bytes) -> Any:
        try:
            answer: Any = json.loads(content) if content else None
        except ValueError:
            answer = None
        if status < 300:
            return answer
        if status == 401 and self._is_local:
            raise OperatorError(
                f"the server at {self.url} doesn't take this folder's token: restart it with the same --data",
                SERVICE_MISSING,
            )
        raise OperatorError(_reason(status, answer), WRONG_SETTING if status < 500 else SERVICE_MISSING)


def _reason(status: int, answer: Any) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict) or not error.get("message"):
        return f"the server answered with status {status}"
    details = [item for item in error.get("details") or () if isinstance(item, dict)]
    said = "; ".join(f"{item.get('field')}: {item.get('message')}" for item in details)
    return said or str(error["message"])


def connect(data: Path) -> Client | None:
    """The server that runs on a data folder; None when none does."""
    server = running.find(data)
    return None if server is None else Client(server)


def require(data: Path) -> Client:
    """The server that runs on a data folder, or the advice to start it."""
    client = connect(data)
    if client is None:
        raise OperatorError(f"no server runs on {data}: start it with `ringback serve`", SERVICE_MISSING)
    return client
