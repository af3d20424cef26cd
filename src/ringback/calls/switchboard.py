"""What the API asks of whoever holds live calls."""

import socket
from collections.abc import Collection
from typing import Protocol


class Switchboard(Protocol):
    """The voice host, as doors see it. What it is asked is written before, so a question that is lost costs time only."""

    def trouble(self) -> str | None:
        """Why no call can be made or taken now, in words for a developer; None where it can."""
        ...

    def start(self, account_id: str, call_id: str) -> None:
        """A call is queued (`store.waiting` lists it): dial."""
        ...

    def end(self, account_id: str, call_id: str, reason: str) -> None:
        """Somebody asked for the end of a living call (`end_asked` in its row)."""
        ...

    async def admit(self, secret: str) -> str:
        """A browser comes with its access token, or comes back with its ticket; answers the id of its call. Raises
        `BadToken`, and `OSError` where no call can be held now."""
        ...

    async def bring(self, call_id: str, page: socket.socket) -> None:
        """Give the connection of a browser that was admitted to whoever holds its call; ours is left to be closed.
        Raises `OSError` where nobody holds it."""
        ...

    def living(self) -> Collection[str]:
        """The ids of the calls that it holds."""
        ...
