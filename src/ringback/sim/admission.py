"""How a page is let into a handset's call: by a token, once, and from then on by a ticket, as long as the call lives."""

import hmac
import secrets

from ringback.kit.machine import monotonic

TOKEN_S = 30.0
"""So long a token opens its call."""


class Admission:
    """Tokens are this process's own; tickets are signed with the exchange's key, so that they outlive a server."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, float]] = {}

    def token(self, call_id: str) -> str:
        """A token for a call."""
        now = monotonic()
        self._tokens = {token: known for token, known in self._tokens.items() if known[1] > now}
        token = secrets.token_urlsafe(24)
        self._tokens[token] = (call_id, now + TOKEN_S)
        return token

    def call_of(self, secret: str, key: str) -> str | None:
        """The call that a token opens, which it does once, or a ticket; None where it opens none."""
        call_id, until = self._tokens.pop(secret, ("", 0.0))
        if monotonic() < until:
            return call_id
        call_id = secret.partition(".")[0]
        good = hmac.compare_digest(secret.encode(), ticket_of(call_id, key).encode())
        return call_id if key and good else None


def ticket_of(call_id: str, key: str) -> str:
    """The ticket of a call of the exchange whose key this is."""
    return f"{call_id}.{hmac.digest(key.encode(), f'page of {call_id}'.encode(), 'sha256').hex()}"
