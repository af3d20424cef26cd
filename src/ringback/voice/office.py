"""What the voice host asks of the rest of the server: the rooms, the store and the carrier, none of which it knows."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from ringback.carriers.protocol import InboundCall
from ringback.voice.protocol import CallPlan, Message


class Trunk(Protocol):
    """The calls of a carrier, as far as the host deals with them."""

    def calls(self) -> AsyncIterator[InboundCall]:
        """Calls that ring now, each once."""
        ...

    async def trunk(self) -> dict[str, Any]:
        """Where legs of this carrier are, as plain JSON."""
        ...

    async def reject(self, ref: str, code: int) -> None:
        """Don't take a call that rings, with a SIP code."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """A living call that a host holds. `end_asked` is the reason with which somebody asked for its end."""

    account_id: str
    call_id: str
    child: str | None
    carrier: str
    ref: str
    """What the carrier's line calls it."""
    end_asked: str | None = None
    browser: bool = False
    """Whether it comes from a browser and no carrier carries it."""


class Office(Protocol):
    """Everything here is written down when it returns. What can't be done now raises, and is asked again."""

    async def say_alive(self, until_ms: int) -> None:
        """This host lives until then (real time)."""
        ...

    async def leave(self) -> None:
        """This host holds nothing any more."""
        ...

    async def receive(self, call: InboundCall, trunk: dict[str, Any]) -> CallPlan | int:
        """Take a call in; answers its plan, or the SIP code with which it is refused."""
        ...

    async def waiting(self) -> list[Held]:
        """Calls that nobody has dialled yet."""
        ...

    async def held(self) -> list[Held]:
        """The calls that this host, or one that is dead, holds."""
        ...

    async def admit(self, secret: str) -> Held:
        """A browser comes with its token, or comes back with its ticket: its call, which this host then holds. Raises
        `BadToken`."""
        ...

    async def take(self, account_id: str, call_id: str, child: str) -> bool:
        """Give a call to a child; False where it is over, or somebody else's."""
        ...

    async def plan(self, held: Held, leg: dict[str, Any], *, resumed: bool) -> CallPlan:
        """The plan of a living call whose line is reached by `leg`."""
        ...

    async def apply(self, event: Message, child: str) -> None:
        """Something happened in a call."""
        ...

    async def serve(self, asked: Message, child: str) -> dict[str, Any]:
        """A call asks for something, once for each id; answers what came of it."""
        ...

    async def lose(self, held: Held, detail: str) -> None:
        """The worker of a call is gone, and the call with it."""
        ...

    async def next_change(self) -> None:
        """Return when a call may be waiting, or its end be asked for."""
        ...
