"""The server's own receiver, for development: it shows what an endpoint is told, where nobody has an endpoint yet.

It calls nobody and changes nothing, so a webhook that comes here goes no further. At its second address it answers as well,
by the rules of `webhooks.demo`.
"""

import hmac
import json
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ringback.kit.clock import real_ms
from ringback.kit.signing import verify

PATH: Final = "/catch/"
DEMO: Final = "/demo"
"""At the end of the address that answers."""
NEWEST: Final = 50
KEPT_CHARACTERS: Final = 65_536
"""So much of a body is kept."""
MOST_ACCOUNTS: Final = 100
"""Whose were not asked for or told longest are forgotten beyond."""
ID_HEADER: Final = "x-webhook-id"
SHOWN_HEADERS: Final = (
    "content-type",
    ID_HEADER,
    "x-webhook-event",
    "x-webhook-timestamp",
    "x-webhook-signature",
    "x-webhook-signature-previous",
    "x-request-id",
)
_SPOKEN: Final = (
    "This agent's webhook is the catcher, which only listens. Set an endpoint of your own to answer calls."
)


@dataclass(frozen=True, slots=True)
class Caught:
    """A POST that was signed as the endpoint's are. `at` is real time (ms); of a long `body` the beginning is kept, and
    `size` is how many bytes it had."""

    at: int
    headers: Mapping[str, str]
    body: str
    size: int


@dataclass(slots=True)
class _Shelf:
    newest: deque[Caught] = field(default_factory=lambda: deque(maxlen=NEWEST))
    refused: int = 0


class Catcher:
    """Keeps the newest of each account in memory. `base` is where the server calls itself; None where it must not."""

    def __init__(self, key: bytes, base: str | None) -> None:
        self._key = key
        self._base = base
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()
        self.on_change: Callable[[str], None] = lambda account_id: None
        """Called with the account for which something came."""

    def url_of(self, account_id: str) -> str | None:
        """The address of an account's catcher, which nobody can guess and which outlives a restart; None where there
        is no catcher."""
        if self._base is None:
            return None
        mark = hmac.digest(self._key, f"catch\x1f{account_id}".encode(), "sha256").hex()[:32]
        return f"{self._base}{PATH}{account_id}.{mark}"

    def demo_url_of(self, account_id: str) -> str | None:
        """The address at which what comes is answered too."""
        url = self.url_of(account_id)
        return None if url is None else f"{url}{DEMO}"

    def whose(self, token: str) -> str | None:
        """The account whose catcher has this token at the end of its address."""
        account_id = token.rpartition(".")[0]
        url = self.url_of(account_id)
        given = token.encode("utf-8", "surrogateescape")
        if url is None or not hmac.compare_digest(url.rpartition("/")[2].encode(), given):
            return None
        return account_id

    def take(
        self, account_id: str, headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str]
    ) -> Caught | None:
        """Keep a POST that was signed with one of the endpoint's secrets. None for any other: of that nothing is kept
        but that it came, for it may be another account's."""
        shelf = self._shelf(account_id)
        caught: Caught | None = None
        if _is_signed(headers, body, secrets):
            shown = {name: headers[name] for name in SHOWN_HEADERS if name in headers}
            text = body.decode("utf-8", "replace")
            caught = Caught(real_ms(), shown, text[:KEPT_CHARACTERS], len(body))
            shelf.newest.appendleft(caught)
        else:
            shelf.refused += 1
        self.on_change(account_id)
        return caught

    def newest(self, account_id: str) -> list[Caught]:
        """The newest first, `NEWEST` at most."""
        shelf = self._shelves.get(account_id)
        return [] if shelf is None else list(shelf.newest)

    def refused(self, account_id: str) -> int:
        """How many came with a signature that was not the endpoint's, since the server started."""
        shelf = self._shelves.get(account_id)
        return 0 if shelf is None else shelf.refused

    def _shelf(self, account_id: str) -> _Shelf:
        shelf = self._shelves.setdefault(account_id, _Shelf())
        self._shelves.move_to_end(account_id)
        if len(self._shelves) > MOST_ACCOUNTS:
            self._shelves.popitem(last=False)
        return shelf


def _is_signed(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
    signature, timestamp = headers.get("x-webhook-signature", ""), headers.get("x-webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 20):
        return False
    now = real_ms() / 1000
    return any(verify(secret, int(timestamp), body, signature, now=now) for secret in secrets)


def answer_to(caught: Caught) -> dict[str, str]:
    """What the endpoint answers: to a turn of a call a sentence, since its caller waits."""
    try:
        told = json.loads(caught.body)
    except (ValueError, RecursionError):
        return {}
    is_turn = (
        isinstance(told, dict) and told.get("channel") == "voice" and told.get("event") == "agent.message"
    )
    return {"text": _SPOKEN} if is_turn else {}
