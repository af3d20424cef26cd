"""What happens at the phones of the simulated network, as marks on the blocks that show it."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from ringback.doors.console.ask import Ask, Refused, every
from ringback.doors.console.live import Marks
from ringback.doors.rest.caller import Caller

_MOST_TEXTS = 5_000


class Phones:
    """Follows the network's own events, which speak of numbers; blocks are named by the ids of phones."""

    def __init__(self, api: FastAPI) -> None:
        self._ask = Ask(api, Caller("", None))
        self._ids: dict[str, str] = {}
        self._texts: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._latest: dict[str, str] = {}
        """With whom a phone texted last."""

    async def follow(self, mark: Callable[[Marks], None]) -> None:
        """Until the stream ends."""
        mark(("thread:*", "phone-call:*", "others:*"))
        async for kind, data in self._ask.stream("/sim/v1/events"):
            mark(await self._touched(kind, data))

    async def _touched(self, kind: str, data: dict[str, Any]) -> tuple[str, ...]:
        if kind == "receipt":
            return self._texts.get(data["messageId"], ("thread:*",))
        own, other = (data["from"], data["to"]) if data["direction"] == "out" else (data["to"], data["from"])
        handset_id = await self._id_of(own)
        if handset_id is None:
            return ()
        if kind == "call":
            return (f"phone-call:{handset_id}",)
        names: tuple[str, ...] = (f"thread:{handset_id}~{other}",)
        self._texts[data["id"]] = names
        if len(self._texts) > _MOST_TEXTS:
            self._texts.popitem(last=False)
        if self._latest.get(handset_id) == other:
            return names
        # Only now there is somebody else to tell of.
        self._latest[handset_id] = other
        return (*names, f"others:{handset_id}~*")

    async def _id_of(self, e164: str) -> str | None:
        if e164 not in self._ids:
            try:
                self._ids = {
                    phone["phoneNumber"]: phone["id"] async for phone in every(self._ask, "/sim/v1/handsets")
                }
            except Refused:
                return None
        return self._ids.get(e164)
