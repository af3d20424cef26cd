"""Tools as any client calls them: JSON-RPC by POST, without a handshake."""

import json
from collections.abc import Mapping
from typing import Any

from ringback.testing import Answer, Ringback

ACCEPT = {"Accept": "application/json, text/event-stream"}


class Tools:
    """The tools of one server, with one key."""

    def __init__(self, ringback: Ringback, *, key: str | None = None, account: str | None = None) -> None:
        self._ringback = ringback
        self._key = key or ringback.api_key
        self._headers = ACCEPT | ({} if account is None else {"X-Sub-Account-Id": account})

    def post(self, method: str, params: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method} | ({} if params is None else {"params": params})
        return self._ringback.request(
            "POST", "/mcp", json=asked, headers={**self._headers, **(headers or {})}, api_key=self._key
        )

    def result(self, method: str, params: Any = None) -> Any:
        answer = self.post(method, params)
        assert answer.status == 200, answer
        assert "result" in answer.json, answer.json
        return answer.json["result"]

    def call(self, name: str, /, **arguments: Any) -> Any:
        """What a tool tells."""
        told = self.result("tools/call", {"name": name, "arguments": arguments})
        assert not told["isError"], told
        return json.loads(told["content"][0]["text"])

    def refused(self, name: str, /, **arguments: Any) -> str:
        """Why a tool failed."""
        told = self.result("tools/call", {"name": name, "arguments": arguments})
        assert told["isError"], told
        text: str = told["content"][0]["text"]
        return text
