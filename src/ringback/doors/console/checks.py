"""How the server's parts are, kept live: no event tells of a database that is away, or of an attempt that failed."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from ringback.accounts import subs
from ringback.doors.console import view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.desk import Checkup
from ringback.doors.console.live import Live, Marks, block
from ringback.doors.console.words import advice_on_part
from ringback.doors.rest.caller import Caller
from ringback.kit.faults import Fault
from ringback.kit.machine import monotonic

EVERY_S = 3.0
_OLD_S = 5.0
_PATIENCE_S = 2.0
"""How long a database that is away is waited for, which keeps its readers waiting longer."""
_TITLES = {"store": "database"}


class Checks:
    """The last checkup. A page takes one that is seconds old, and waits for no part that takes its time to answer."""

    def __init__(self, check: Checkup) -> None:
        self._check = check
        self._known: list[dict[str, Any]] = []
        self._until = 0.0
        self._looking: asyncio.Task[bool] | None = None
        self._main: set[str] = set()

    async def look(self) -> bool:
        """Look now; whether anything is other than it was."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> bool:
        before, self._known = self._known, await self._check()
        self._until = monotonic() + _OLD_S
        return self._known != before

    async def recent(self) -> list[dict[str, Any]]:
        if monotonic() > self._until:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.look(), _PATIENCE_S if self._known else None)
        return self._known

    async def is_for_main(self, ask: Ask) -> bool:
        """Whether an account is nobody's sub-account, as far as the store answers: then it is told of the whole server."""
        account_id = ask.caller.account_id
        if account_id not in self._main:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    below = await ask.api.state.store.read(lambda db: subs.is_one(db, account_id))
            except (Fault, TimeoutError):
                return False
            if not below:
                self._main.add(account_id)
        return account_id in self._main


class Watch:
    """Looks every few seconds while pages are open, at what they show."""

    def __init__(self, api: FastAPI, checks: Checks, live: Live) -> None:
        self._ask = Ask(api, Caller("", None))
        self._checks = checks
        self._live = live

    async def follow(self, mark: Callable[[Marks], None]) -> None:
        """Until it is cancelled. A look at the parts may take long, which the look at the server doesn't wait for."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._follow_trouble(mark))
            both.create_task(self._follow_parts(mark))

    async def _follow_trouble(self, mark: Callable[[Marks], None]) -> None:
        trouble = await trouble_of(self._ask)
        while True:
            await asyncio.sleep(EVERY_S)
            before, trouble = trouble, await trouble_of(self._ask)
            if trouble != before:
                # Once all is well again, everything on the pages may be old.
                mark(("trouble", "checks") if trouble else ("*",))
            if self._live.shows("delivery:") and not trouble:
                mark(("delivery:*",))

    async def _follow_parts(self, mark: Callable[[Marks], None]) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            if self._live.shows("checks") and await self._checks.look():
                mark(("checks",))


async def trouble_of(ask: Ask) -> str:
    """Why the server can't do its job; empty while it can."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await ask.get("/readyz")
    except Refused as error:
        return error.message
    except TimeoutError:
        return "the database does not answer"
    return ""


@block("trouble")
async def trouble(ask: Ask, rest: str = "") -> str:
    """The word above every page while the server can't do its job."""
    return view.render("parts/trouble.html", why=await trouble_of(ask))


@block("checks")
async def checks(ask: Ask, rest: str = "") -> str:
    """What runs, and what is wrong with what to do. Of webhooks an account sees its own, and a sub-account sees of the
    server's parts only whether they work."""
    known: Checks = ask.api.state.checks
    main = await known.is_for_main(ask)
    parts = [{**part} for part in await known.recent() if part["name"] != "webhooks"]
    for part in parts:
        part["advice"] = "" if part["ok"] or not main else advice_on_part(part["name"])
        if not main:
            # Folders, addresses and what to install are for whoever runs the server.
            part["line"] = "works" if part["ok"] else "has a fault; whoever runs this server sees which"
    parts += [
        {**part, "advice": "" if part["ok"] else advice_on_part(part["name"])}
        for part in await _webhooks(ask)
    ]
    for part in parts:
        part["title"] = _TITLES.get(part["name"], part["name"])
    return view.render("parts/checks.html", parts=parts)


async def _webhooks(ask: Ask) -> list[dict[str, Any]]:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            endpoints = (await ask.get("/v1/webhooks/endpoints", limit=1))["data"]
    except (Refused, TimeoutError):
        return []
    if not endpoints:
        return [{"name": "webhooks", "ok": True, "line": "no endpoint: nobody is told of texts and calls"}]
    [worst] = endpoints  # those that fail come first
    since = worst["ringback"]["failingSince"]
    if worst["status"] != "active":
        return [
            {
                "name": "webhooks",
                "ok": False,
                "line": f"{worst['url']} is switched off after days of failures",
            }
        ]
    if since is not None:
        return [
            {"name": "webhooks", "ok": False, "line": f"{worst['url']} has failed since {view.hour(since)}"}
        ]
    return [{"name": "webhooks", "ok": True, "line": "every endpoint works"}]
