"""What comes back from a request of the outgoing client."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of any status. `body` is the first part of it as text, without NULs; `elapsed_ms` real time.

    `retry_after_s` is what it says of when to come again (RFC 9110 section 10.2.3), None where that says nothing.
    """

    status: int
    body: str
    elapsed_ms: int
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """An answer to be kept. `body` is whole on a 200 and empty otherwise; `content_type` and `location` are as sent."""

    status: int
    content_type: str | None
    location: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that is read as it comes. `pieces` are as the network cut them, and end with the answer; `length` is how
    many bytes its head says it has, None where that says nothing."""

    status: int
    content_type: str
    pieces: AsyncIterator[bytes]
    retry_after_s: int | None = None
    length: int | None = None
