"""Who looks at a page: a one-time link or a key opens a session, which is a sealed cookie.

It outlives a restart, since nothing of it is stored until it is signed out. A session that a key opened ends with that
key, every other with its account.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request

from ringback.accounts.book import AccountBook
from ringback.accounts.errors import AccountNotFound
from ringback.doors.rest.caller import Caller, Keys
from ringback.kit.clock import real_ms
from ringback.kit.machine import monotonic
from ringback.storage.sealing import Sealer, SealError

PATH = "/console"
LIVES_S = 30 * 86_400
_LINK_LIVES_S = 86_400.0
_MOST_LINKS = 100
_CONTEXT = "console session"


class Links:
    """One-time links that open the console for an account, kept in memory for a day."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[float, str]] = {}

    def new(self, account_id: str) -> str:
        """The path of a link that opens the account's console once."""
        while len(self._open) >= _MOST_LINKS:
            del self._open[next(iter(self._open))]
        token = secrets.token_urlsafe(24)
        self._open[token] = (monotonic() + _LINK_LIVES_S, account_id)
        return f"{PATH}/link/{token}"

    def use(self, token: str) -> str | None:
        """The account whose console the link opens; None for a link that was used or is too old."""
        until, account_id = self._open.pop(token, (0.0, ""))
        return account_id if until > monotonic() else None


@dataclass(frozen=True, slots=True)
class Session:
    """`key_hash` is of the key that opened it, None where a link did. `until_ms` is real time. `mark` is its own."""

    account_id: str
    key_hash: str | None
    until_ms: int
    mark: str


class Sessions:
    """Sealed cookies. Their name holds the port, since a browser keeps one jar for all ports of a host."""

    def __init__(self, sealer: Sealer, keys: Keys, book: AccountBook, *, port: int, secure: bool) -> None:
        self._sealer = sealer
        self._keys = keys
        self._book = book
        self._name = f"ringback_{port}"
        self._secure = secure

    def cookie(self, account_id: str, key_hash: str | None = None) -> str:
        """The `Set-Cookie` value of a new session."""
        session = {
            "a": account_id,
            "k": key_hash,
            "u": real_ms() + LIVES_S * 1000,
            "n": secrets.token_urlsafe(9),
        }
        return self._cookie(self._sealer.seal(json.dumps(session), context=_CONTEXT), LIVES_S)

    def no_cookie(self) -> str:
        return self._cookie("", 0)

    def _cookie(self, value: str, max_age_s: int) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{self._name}={value}; Path={PATH}; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"

    async def caller(self, request: Request) -> Caller | None:
        """The account that the request's session speaks for, while the session is good."""
        session = self.sealed(request)
        if session is None or await self._book.has_ended(session.mark):
            return None
        if session.key_hash is None:
            try:
                return Caller(await self._book.find(session.account_id), None)
            except AccountNotFound:
                return None
        key = await self._keys.find_hash(session.key_hash)
        return None if key is None else Caller(key.account_id, key.id)

    async def end(self, request: Request) -> None:
        """End the request's session for whoever has a copy of its cookie."""
        session = self.sealed(request)
        if session is not None:
            await self._book.end_session(session.mark, until_ms=session.until_ms)

    def sealed(self, request: Request) -> Session | None:
        """The session of the request's cookie as we made it, until its time is up; whether it is still good is not asked."""
        session = self._read(request)
        return None if session is None or session.until_ms < real_ms() else session

    def _read(self, request: Request) -> Session | None:
        # Other programs on this host share the browser's jar, and a reader that minds their cookies would sign people out.
        sealed = request.cookies.get(self._name)
        if not sealed:
            return None
        try:
            text = self._sealer.open(sealed, context=_CONTEXT)
            told = json.loads(text)
            mark = hashlib.sha256(text.encode()).hexdigest()[:32]
            return Session(str(told["a"]), told["k"], int(told["u"]), mark)
        except (SealError, ValueError, KeyError, TypeError):
            return None


def is_own(request: Request, public_url: str | None) -> bool:
    """Whether a page of this server sent the request: browsers say so, and nobody else has a reason to.

    Where the referrer policy makes a browser hide the origin (`null`), `Sec-Fetch-Site` tells it.
    """
    origin = request.headers.get("origin")
    if origin is None or origin == "null":
        return request.headers.get("sec-fetch-site") == "same-origin"
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if public_url is not None and origin == "{0.scheme}://{0.netloc}".format(urlsplit(public_url)):
        return True
    return parts.scheme in ("http", "https") and parts.netloc == request.headers.get("host", "")
