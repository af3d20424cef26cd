"""Fetching media as a carrier does: from wherever the sender says, for a short time, and only what may be sent."""

from typing import Final
from urllib.parse import urljoin, urlsplit

from ringback.kit.http import OutgoingHttp, RequestFailed
from ringback.kit.machine import monotonic
from ringback.sim import media_types
from ringback.sim.media import MAX_BYTES, Content
from ringback.sim.memory import Share
from ringback.sim.turns import NoTurn

FETCH_S: Final = 8.0
"""Real seconds for all media of a message."""
_REDIRECTS: Final = 3
_REDIRECTING: Final = (301, 302, 303, 307, 308)
_SHOWN: Final = 200


class Unfit(Exception):
    """Media that can't be sent: `code` is the carrier's (Twilio's numbers), the reason names their URL, not its query.

    11200 could not be fetched, 12300 of a type that isn't carried, 11751 too large.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def fetch(http: OutgoingHttp, url: str, *, max_bytes: int, until: float, share: Share) -> Content:
    """The media at `url`, at most `max_bytes`, by `until` on the monotonic clock. Raises `Unfit`, `NoTurn`.

    Up to three redirects are followed; every address on the way is judged by the client's policy. What is read counts
    as held by `share`.
    """
    shown, at = shown_as(url), url
    try:
        for _ in range(_REDIRECTS + 1):
            left_s = until - monotonic()
            if left_s <= 0:
                raise _too_slow(shown)
            got = await http.get(at, timeout_s=left_s, max_bytes=max_bytes, has_room=share.ask)
            if got.status == 200:
                share.keep(len(got.body))
                return judge(shown, got.content_type, got.body)
            if got.status not in _REDIRECTING or not got.location:
                raise Unfit("11200", f"{shown} could not be fetched: it answered {got.status}")
            at = _led_to(at, got.location)
    except RequestFailed as error:
        if error.kind == "too_large":
            raise too_large(shown) from None
        if error.kind == "no_room":
            raise NoTurn from None
        if error.kind == "timeout":
            raise _too_slow(shown) from None
        raise Unfit("11200", f"{shown} could not be fetched: {error.message}") from None
    raise Unfit("11200", f"{shown} could not be fetched: it redirected more than {_REDIRECTS} times")


def _too_slow(shown: str) -> Unfit:
    return Unfit("11200", f"{shown} could not be fetched: {FETCH_S:g} s were not enough")


def _led_to(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""  # which the client refuses as it does any other that is no URL


def judge(shown: str, content_type: str | None, data: bytes) -> Content:
    """Media of a declared type, if they are what it says and that is carried. `shown` names them. Raises `Unfit`."""
    kind = media_types.named(content_type)
    if kind is None:
        raise Unfit("12300", f"{shown} doesn't say what it is: a Content-Type is needed")
    if kind not in media_types.TYPES:
        # A header may hold any bytes, and some of them no store can.
        told = kind[:80] if kind.isascii() and kind.isprintable() else "of a type that can't be read"
        raise Unfit("12300", f"{shown} is {told}, which MMS doesn't carry")
    if not data:
        raise Unfit("11200", f"{shown} is empty")
    if not media_types.fits(kind, data):
        raise Unfit("12300", f"{shown} says it is {kind}, and its bytes are something else")
    return Content(kind, data)


def too_large(shown: str) -> Unfit:
    return Unfit("11751", f"with {shown} the media are larger than {MAX_BYTES // 1024**2} MB")


def shown_as(url: str) -> str:
    """The URL as it is told: without query and fragment, where secrets are."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:_SHOWN]
