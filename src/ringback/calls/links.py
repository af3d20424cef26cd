"""Links to recordings that open without a key, for a day: whoever has one may listen, and pass it on."""

import hmac

from ringback.storage.tx import Row

HOUR_MS = 3_600_000
VALID_MS = 24 * HOUR_MS


def signed_path(key: bytes, call: Row, *, now: int) -> str:
    """The path and query under which a call's recording is fetched, for 24 to 25 hours of the clock.

    Through one hour it stays the same, so that an answer that is asked for again is the same too.
    """
    expires = (now // HOUR_MS + 1) * HOUR_MS + VALID_MS
    account_id, call_id = call["account_id"], call["id"]
    signature = _sign(key, account_id, call_id, str(expires))
    return f"/v1/calls/{call_id}/recording?account={account_id}&expires={expires}&signature={signature}"


def is_good(key: bytes, account_id: str, call_id: str, expires: str, signature: str, *, now: int) -> bool:
    """Whether such a link was signed here and is still good."""
    expected = _sign(key, account_id, call_id, expires).encode()
    if not hmac.compare_digest(expected, signature.encode("utf-8", "surrogateescape")):
        return False
    return int(expires) > now


def _sign(key: bytes, account_id: str, call_id: str, expires: str) -> str:
    text = "\x1f".join(("recording", account_id, call_id, expires))
    return hmac.digest(key, text.encode("utf-8", "surrogateescape"), "sha256").hex()
