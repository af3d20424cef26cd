"""The server with one part taken out or changed, so that two runs tell what the part costs.

Run as `python -m bench.variants NAME serve ...`; the names are the functions below, joined by `+`.
"""

import asyncio
import cProfile
import sys
from typing import Any

from starlette.types import Receive, Scope, Send

from ringback import cli
from ringback.accounts import subs
from ringback.doors.rest.endpoints import messages as door
from ringback.doors.rest.front import Front
from ringback.messages.jobs import Dispatcher
from ringback.storage import sqlite as storage

_ROW = {
    "id": "msg_06h1800000000000000000000",
    "status": "queued",
    "channel": "sms",
    "from_e164": "+14155550100",
    "to_e164": "+13035550000",
    "conversation_id": "conv_06h180000000000000000000",
    "media_urls": "[]",
    "segments": 1,
    "encoding": "gsm7",
}


def real() -> None:
    """The server as it is."""


def idle() -> None:
    """Nothing is dispatched: the route and the store alone."""

    async def rest(self: Dispatcher) -> None:
        await asyncio.Event().wait()

    setattr(Dispatcher, "run", rest)  # noqa: B010


def unstored() -> None:
    """The route without its unit and without the store: authentication, validation and the answer remain."""
    store: Any = storage.SqliteStore
    write = store.write

    async def answer_at_once(self: Any, unit: Any, **how: Any) -> Any:
        return unit(None) if how.get("needs") is not None else await write(self, unit, **how)

    store.write = answer_at_once
    setattr(door, "send_text", lambda tx, line, asked: _ROW)  # noqa: B010
    setattr(subs, "check_living", lambda tx, account_id: None)  # noqa: B010


def single() -> None:
    """A transaction for each unit."""
    writer: Any = storage._Writer
    make = writer.__init__

    def make_single(self: Any, *args: Any, **more: Any) -> None:
        make(self, *args, **more)
        if not hasattr(self, "_max_batch"):
            raise AttributeError("the writer's batch size is kept elsewhere now: adapt this variant")
        self._max_batch = 1

    writer.__init__ = make_single


def long_way() -> None:
    """Through FastAPI, without the short way to the hottest route."""

    async def pass_on(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    setattr(Front, "__call__", pass_on)  # noqa: B010


if __name__ == "__main__":
    names, *arguments = sys.argv[1:]
    profile = cProfile.Profile() if "profile" in names.split("+") else None
    for name in names.split("+"):
        if name != "profile":
            globals()[name]()
    if profile is None:
        sys.exit(cli.main(arguments))
    code = profile.runcall(cli.main, arguments)
    profile.dump_stats("ringback.prof")
    sys.exit(code)
