"""Pages that are kept live: what happens marks blocks, and the marked ones go to whoever shows them.

A block goes out at once, and then ten times a second at most; so a text is seen as quickly on a wall of twenty phones as on one.

A block is a named piece of a page, such as `activity` or `thread:hs_1~+14155550101`, whose function renders it whole. It is
rendered once for all pages of an account (in one time zone), however many events asked for it, and the page morphs it in.
So a frame can be lost, and a page that comes back is right after its first frame.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Protocol, TypeVar

import structlog

from ringback.doors.console import view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.socket import PageSocket
from ringback.events.store import Wanted
from ringback.events.waiting import EventWaits
from ringback.kit.faults import Fault
from ringback.kit.machine import monotonic

_log = structlog.get_logger("ringback.console")
FRAME_S = 0.1
"""Between two frames of one block."""
_SLOWER_S = {"activity": 0.3, "agents": 1.0, "home": 1.0}
"""The same for blocks that nobody waits for."""
_GAP_S = 0.02
"""Between two frames of a page."""
_EACH_S = 0.01
"""For each block that was sent: a browser that has to take more than a hundred a second falls behind, and stays there."""
_REST = 3
"""How many times longer than it worked who renders rests, if that is no longer than a frame: others want the core as well."""
_WAIT_S = 15.0
_AT_ONCE = 200
_PAUSE_S = 1.0
_SESSION_S = 5.0
"""How often it is asked whether a page's session still holds."""
Render = Callable[[Ask, str], Awaitable[str]]
BLOCKS: dict[str, Render] = {}
"""By kind: what comes before `:` in a block's name. A function gets what comes behind."""
Marks = Iterable[str]
F = TypeVar("F", bound=Render)


def block(kind: str) -> Callable[[F], F]:
    """Register the function that renders blocks of a kind; the id of its outermost element is `view.id_of` its name."""

    def register(render: F) -> F:
        BLOCKS[kind] = render
        return render

    return register


class Happens(Protocol):
    """What blocks follow besides the account's events: the phones of a simulated network, how the server's parts are."""

    def follow(self, mark: Callable[[Marks], None]) -> Awaitable[None]: ...


@dataclass(eq=False, slots=True)
class Board:
    """The pages of one account in one time zone."""

    ask: Ask
    zone: tzinfo
    pages: dict[PageSocket, frozenset[str]] = field(default_factory=dict)
    marked: dict[str, None] = field(default_factory=dict)
    ring: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def mark(self, names: Marks) -> None:
        for name in names:
            self.marked[name] = None
        self.ring.set()

    def shown(self) -> set[str]:
        return {name for wants in self.pages.values() for name in wants}

    def take(self) -> dict[str, None]:
        """The blocks that are shown and were marked since the last time."""
        self.ring.clear()
        marked, self.marked = self.marked, {}
        kinds = tuple(name[:-1] for name in marked if name.endswith("*"))
        return {name: None for name in sorted(self.shown()) if name in marked or name.startswith(kinds)}


class Live:
    """The boards, while somebody looks at them."""

    def __init__(self, waits: EventWaits, *others: Happens) -> None:
        self._waits = waits
        self.others = list(others)
        self._boards: dict[tuple[str, str], Board] = {}
        self._following: list[asyncio.Task[None]] = []
        self._beside: set[asyncio.Task[None]] = set()

    @property
    def boards(self) -> Iterable[Board]:
        return self._boards.values()

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return sum(len(board.pages) for board in self._boards.values())

    def join(self, ask: Ask, zone: tzinfo, names: frozenset[str]) -> PageSocket:
        """A socket for a page that shows the blocks of these names; it gets them all at once."""
        key = (ask.caller.account_id, str(zone))
        board = self._boards.get(key)
        if board is None:
            board = self._boards[key] = Board(ask, zone)
            board.tasks = [asyncio.create_task(self._follow(board)), asyncio.create_task(self._tell(board))]
        if not self._following:
            self._following = [asyncio.create_task(self._follow_other(other)) for other in self.others]
        found = board

        def gone(page: PageSocket) -> None:
            found.pages.pop(page, None)
            if not found.pages:
                self._close(key)

        page = PageSocket(gone)
        board.pages[page] = names
        return page

    def greet(self, page: PageSocket, ask: Ask, zone: tzinfo, names: frozenset[str]) -> None:
        """Send a page that has just come what it shows, as it is now."""

        async def send() -> None:
            frame = await _frame(ask, zone, names)
            if frame:
                page.send(frame)

        self._keep(send())

    def end_with(self, page: PageSocket, session: Callable[[], Awaitable[object | None]]) -> None:
        """Let a page go soon after its session is over, such as when its key is revoked."""

        async def look() -> None:
            while page.is_open:
                await asyncio.sleep(_SESSION_S)
                try:
                    good = await session() is not None
                except Fault:  # the store can't be asked, and what the page shows is as old
                    continue
                if not good:
                    page.end_session()
                    return

        self._keep(look())

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    def end(self) -> None:
        """The server stops: pages are let go, and come back to the next one."""
        for board in list(self._boards.values()):
            for page in list(board.pages):
                page.close()
        for key in list(self._boards):
            self._close(key)
        for task in self._beside:
            task.cancel()

    def _close(self, key: tuple[str, str]) -> None:
        board = self._boards.pop(key, None)
        for task in board.tasks if board is not None else []:
            task.cancel()
        if not self._boards:
            for task in self._following:
                task.cancel()
            self._following = []

    async def _follow(self, board: Board) -> None:
        """Mark what the account's events touch."""
        account_id = board.ask.caller.account_id
        after: int | None = None
        while not self._waits.stopping:
            try:
                if after is None:
                    newest = await board.ask.get("/v1/events", limit=1)
                    after = newest["newest"]
                found = await self._waits.read(
                    account_id, Wanted(), after=after, limit=_AT_ONCE, wait_s=_WAIT_S
                )
            except (Fault, Refused) as error:
                # The account is gone, or so many events passed that the place is forgotten.
                _log.debug("events can't be followed", reason=str(error))
                after = None
                await asyncio.sleep(_PAUSE_S)
                continue
            after = found.next_after
            for row in found.rows:
                board.mark(touched_by(row["type"], row["data"]))

    def shows(self, kind: str) -> bool:
        """Whether any page shows a block whose name begins so."""
        return any(name.startswith(kind) for board in self._boards.values() for name in board.shown())

    def mark(self, names: Marks, account_id: str | None = None) -> None:
        """Let blocks be rendered anew, of one account or everybody's."""
        told = tuple(names)
        for (of, _), board in self._boards.items():
            if account_id in (None, of):
                board.mark(told)

    async def _follow_other(self, other: Happens) -> None:
        while True:
            try:
                await other.follow(self.mark)
            except (Refused, OSError):
                pass
            except Exception:
                _log.exception("what pages show can't be followed")
            await asyncio.sleep(_PAUSE_S)

    async def _tell(self, board: Board) -> None:
        resting: dict[str, float] = {}
        waiting: dict[str, None] = {}
        while True:
            if not waiting:
                await board.ring.wait()
            waiting |= board.take()
            began = monotonic()
            resting = {name: until for name, until in resting.items() if began < until}
            due = [name for name in waiting if name not in resting]
            for name in due:
                resting[name] = began + _SLOWER_S.get(name.partition(":")[0], FRAME_S)
                del waiting[name]
            await _send(board, due)
            await asyncio.sleep(max(_GAP_S, len(due) * _EACH_S, min(_REST * (monotonic() - began), FRAME_S)))


async def _send(board: Board, names: Iterable[str]) -> None:
    rendered = {name: html for name in names if (html := await _rendered(board.ask, board.zone, name))}
    for page, wants in list(board.pages.items()):
        frame = b"".join(html for name, html in rendered.items() if name in wants)
        if frame:
            page.send(frame)


async def _frame(ask: Ask, zone: tzinfo, names: Iterable[str]) -> bytes:
    pieces = [await _rendered(ask, zone, name) for name in sorted(names)]
    return b"".join(pieces)


async def _rendered(ask: Ask, zone: tzinfo, name: str) -> bytes:
    """A block, framed; nothing for one that is no more."""
    view.zone.set(zone)
    view.clock_ms.set(ask.api.state.parts.clock.now_ms)
    try:
        html = await draw(ask, name)
    except Refused as gone:
        _log.debug("a block can't be shown", block=name, reason=gone.message)
        return b""
    except Exception:
        _log.exception("a block failed", block=name)
        return b""
    return framed(name, html)


def framed(name: str, html: str) -> bytes:
    """A block as a page takes it: it is morphed into what the page shows under that name."""
    return f'<hx-partial hx-target="#{view.id_of(name)}" hx-swap="outerMorph">{html}</hx-partial>'.encode()


async def draw(ask: Ask, name: str) -> str:
    """A block's HTML. Raises `KeyError` for a kind that there is not."""
    kind, _, rest = name.partition(":")
    return await BLOCKS[kind](ask, rest)


_BY_KIND = {
    "message": ("activity", "agents", "conversations", "home", "numbers"),
    "call": ("activity", "agents", "calls", "conversations", "home"),
    "recording": ("calls",),
    "conversation": ("conversations",),
    "number": ("activity", "numbers", "home"),
    "agent": ("activity", "agents"),
    "sub_account": ("activity", "sub-accounts"),
    "webhook": ("activity", "deliveries", "endpoints", "caught", "checks", "home"),
}


def touched_by(type_: str, data: Any) -> list[str]:
    """The names of the blocks that show what an event of this type changes; `*` at the end stands for any."""
    told: dict[str, Any] = json.loads(data) if isinstance(data, str) else data
    names = ["events", *_BY_KIND.get(type_.partition(".")[0], ())]
    if told.get("callId"):
        names += (f"{kind}:{told['callId']}" for kind in ("facts", "call", "words", "recording"))
    if told.get("conversationId"):
        names.append(f"conversation:{told['conversationId']}")
    if told.get("deliveryId"):
        names.append(f"delivery:{told['deliveryId']}")
    return names
