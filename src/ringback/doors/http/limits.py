"""What a server takes from its clients (docs/limits.md)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How many, how long and how large. An operator chooses the first and the third; see `ringback.settings`."""

    max_connections: int = 4_000
    head_timeout_s: float = 10
    """From a request's first byte to the end of its headers, and from a new connection to its first byte."""
    request_timeout_s: float = 30
    """From the end of the headers to the end of the body."""
    answer_timeout_s: float = 30
    """For which a client may take nothing of an answer that waits for it."""
    idle_timeout_s: float = 75
    """For which a connection is kept between requests: longer than the 60 s for which load balancers keep theirs."""
    linger_s: float = 5
    """For which what a refused client sends is still read."""
    half_closed_s: float = 75
    """For which the beginning of an answer is waited for when its client sends no more, and may be gone: longer than
    anything takes here, the 60 s of a long poll or of a carrier included."""
    max_target_bytes: int = 8_192
    max_head_bytes: int = 32_768
    max_headers: int = 100
    max_pipelined: int = 32
