"""Signatures of outgoing webhooks: HMAC-SHA256 over the timestamp, a full stop and the raw body."""

import hmac

_PREFIX = "sha256="


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The value of `X-Webhook-Signature` for one attempt.

    `secret` is used as text (`whsec_` included), `timestamp` is the value of `X-Webhook-Timestamp` in unix
    seconds of real time, `body` the bytes exactly as they go over the wire. HMAC is RFC 2104.
    """
    signed = f"{timestamp}.".encode() + body
    return _PREFIX + hmac.digest(secret.encode(), signed, "sha256").hex()


def verify(
    secret: str, timestamp: int, body: bytes, signature: str, *, now: float, tolerance_s: float = 300
) -> bool:
    """Whether `signature` is ours and its `timestamp` lies within `tolerance_s` seconds of `now`, either way.

    `now` is real time in unix seconds. The comparison takes the same time wherever the two first differ.
    """
    expected = sign(secret, timestamp, body).encode()
    # Bytes, because `compare_digest` raises on text outside ASCII, and a header may hold anything.
    same = hmac.compare_digest(expected, signature.encode("utf-8", "surrogateescape"))
    return same and abs(now - timestamp) <= tolerance_s
