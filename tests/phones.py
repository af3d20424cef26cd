"""What the tests use of the pytest plugin `ringback.testing`, and a few steps that many of them take."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Ringback(Protocol):
    """A server with a fresh store."""

    base_url: str
    api_key: str

    def client(self) -> Any:
        """The vendor's client, pointed at the server."""

    def new_account(self, name: str) -> str:
        """Another account's key."""

    def revoke_key(self, key: str) -> None:
        """From now on the key opens nothing."""


class Handset(Protocol):
    """A phone on the simulated network."""

    id: str
    number: str

    def text(self, to: str, body: str) -> Any: ...

    def inbox(self) -> list[Any]: ...

    def wait_for(self, body: str | None = None, timeout: float = 10) -> Any: ...


class Handsets(Protocol):
    def __call__(self, **settings: Any) -> Handset: ...


class Clock(Protocol):
    def advance(self, seconds: float) -> Any: ...

    def freeze(self) -> Any: ...

    def resume(self) -> Any: ...


class ReceivedEvent(Protocol):
    body: dict[str, Any]
    headers: Mapping[str, str]


class WebhookInbox(Protocol):
    """An endpoint that collects and verifies what it gets."""

    url: str
    secret: str | None

    def wait_for(self, event: str | None = None, timeout: float = 10) -> ReceivedEvent: ...


def at(time_on_the_wire: str) -> datetime:
    """A time as the wire has it; it must be UTC with `Z`."""
    assert time_on_the_wire.endswith("Z"), time_on_the_wire
    return datetime.fromisoformat(time_on_the_wire)


def until(look: Callable[[], T | None], *, timeout_s: float = 10) -> T:
    """Look until there is something, and return it; fails after `timeout_s` of real time."""
    end = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < end, f"nothing came within {timeout_s} s"
        time.sleep(0.02)
    return found
