"""The multimedia centre: where the network fetches media before it takes a text, keeps them, and gives them out."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar

from ringback.kit.addresses import BadUrl, check_url
from ringback.kit.faults import Unavailable
from ringback.kit.http import OutgoingHttp
from ringback.kit.machine import monotonic
from ringback.sim import fetching, inbound, media, media_types, outbound
from ringback.sim.engine import Engine
from ringback.sim.errors import BadInput, LineDown, LineError, MediaNotFound, MediaRefused, SenderThrottled
from ringback.sim.fetching import FETCH_S, Unfit
from ringback.sim.inbound import Draft
from ringback.sim.media import MAX_BYTES, MOST, Attachment, Content, Media
from ringback.sim.memory import Memory, Share
from ringback.sim.outbound import Heard, Outcome, Submission
from ringback.sim.pace import Pace
from ringback.sim.texts import Text
from ringback.sim.turns import NoTurn, Turns
from ringback.sim.unit import Unit

T = TypeVar("T")
AT_ONCE: Final = 256
"""Messages whose media are fetched at one time: many, since a place that answers slowly holds next to nothing."""
EACH: Final = 3
"""So many of them may be one number's: a slow place to fetch from delays those who send from there."""
HELD_BYTES: Final = 160 * 1024**2
"""Media of the server's messages that are in memory at one time."""
HELD_BYTES_OF_HANDSETS: Final = 40 * 1024**2
_PATIENCE_S: Final = 3.0
"""Real seconds that a message waits for its turn, and for memory."""
_PIECE: Final = 256 * 1024


class _Line:
    """One side's turns and memory; a message of the server never waits for one of a handset."""

    def __init__(self, held_bytes: int) -> None:
        self.turns = Turns(AT_ONCE, EACH)
        self.memory = Memory(held_bytes)


class Mmsc:
    """Media of one network. Without `http` it fetches nothing and has only what is uploaded."""

    def __init__(
        self, engine: Engine, http: OutgoingHttp | None, *, kept_bytes: int = media.KEPT_BYTES
    ) -> None:
        self._engine = engine
        self._http = http
        self._kept_bytes = kept_bytes
        self._under_way: dict[str, asyncio.Event] = {}
        self._server, self._handsets = _Line(HELD_BYTES), _Line(HELD_BYTES_OF_HANDSETS)

    async def submit(self, text: Submission, pace: Pace) -> Outcome:
        """As `outbound.submit`. With media in three steps: what speaks against the text, fetching, taking it.

        One that is submitted again meanwhile waits, so that a refusal is true of both.
        """
        if not text.media_urls:
            return await self._engine.run(lambda unit: outbound.submit(unit, text, pace))
        while text.reference in self._under_way:
            await self._under_way[text.reference].wait()
        ended = self._under_way[text.reference] = asyncio.Event()
        try:
            return await self._submit_media(text, pace)
        finally:
            del self._under_way[text.reference]
            ended.set()

    async def _submit_media(self, text: Submission, pace: Pace) -> Outcome:
        def hear(unit: Unit) -> Heard | Outcome:
            heard = outbound.hear(unit, text, pace)
            if isinstance(heard, Outcome):
                return heard
            found = outbound.look(unit, text)
            return found if isinstance(found, Outcome) else heard

        heard = await self._engine.run(hear)
        if isinstance(heard, Outcome):
            return heard
        try:
            async with self._fetched(text.media_urls, self._server, text.sender) as found:
                return await self._engine.run(
                    lambda unit: outbound.take(unit, text, heard, self._keep(unit, found))
                )
        except LineError as error:
            return Outcome(error=error)

    async def send(self, handset_id: str, draft: Draft) -> Text:
        """A handset sends media. `BadInput` names those that can't be sent; `Unavailable` when it is too busy."""
        await self._engine.run(lambda unit: inbound.look(unit, handset_id, draft))
        try:
            async with self._fetched(draft.media_urls, self._handsets, handset_id) as found:
                return await self._engine.run(
                    lambda unit: inbound.send_draft(unit, handset_id, draft, self._keep(unit, found))
                )
        except MediaRefused as error:
            raise BadInput(f"mediaUrls.{error.index}", f"{error.message} ({error.code})") from None
        except LineError as error:
            raise Unavailable(error.message, retry_after_s=1) from None

    @asynccontextmanager
    async def _fetched(
        self, urls: Sequence[str], line: _Line, name: str
    ) -> AsyncIterator[list[Content | Attachment]]:
        """The media at `urls`, in their order; to be stored inside, since they count as held until the end.

        Raises `MediaRefused` for good, `SenderThrottled` when too many others are under way, `LineDown` at a stop.
        """
        if len(urls) > MOST:
            raise MediaRefused(f"a message carries at most {MOST} media; this has {len(urls)}", "21623")
        async with AsyncExitStack() as held:
            try:
                if not await self._are_all_here(urls):
                    await held.enter_async_context(line.turns.turn(name, _PATIENCE_S))
                share = held.enter_context(line.memory.share(_PATIENCE_S))
                found = await self._unless_stopped(self._bring_in(urls, share))
            except NoTurn:
                raise SenderThrottled("too many messages with media at a time", "20429") from None
            yield found

    async def _are_all_here(self, urls: Sequence[str]) -> bool:
        """Whether all are media of this network, for which nobody has to wait."""
        ids = [media.id_in(url) for url in urls]
        return all(ids) and await self._engine.run(
            lambda unit: all(id_ is not None and media.find(unit, id_) is not None for id_ in ids)
        )

    def _keep(self, unit: Unit, found: Sequence[Content | Attachment]) -> tuple[Attachment, ...]:
        """What `_fetched` found as a text's media, in the unit that takes the text."""
        return media.keep_all(unit, found, self._kept_bytes)

    async def upload(self, content_type: str | None, data: bytes) -> Media:
        """Keep what a phone is about to send. Raises `BadInput`; without a type the bytes tell it where they can."""
        kind = media_types.named(content_type)
        if kind in (None, media_types.UNKNOWN):
            kind = media_types.told_by(data)
            if data and kind is None:
                raise BadInput("Content-Type", "is needed: the bytes alone don't tell what this is")
        try:
            content = fetching.judge("this", kind or media_types.UNKNOWN, data)
        except Unfit as unfit:
            field = "body" if not data else "Content-Type"
            raise BadInput(field, f"{unfit.reason}; MMS carries {', '.join(media_types.TYPES)}") from None
        return await self._engine.run(lambda unit: media.keep(unit, content, self._kept_bytes))

    async def find(self, media_id: str) -> Media:
        """What is known of media; `MediaNotFound`."""
        found = await self._engine.run(lambda unit: media.find(unit, media_id))
        if found is None:
            raise MediaNotFound("there are no such media, or no longer")
        return found

    async def read(self, found: Media) -> AsyncIterator[bytes]:
        """The bytes, in pieces. Raises `MediaNotFound` when they are forgotten meanwhile."""
        for start in range(0, found.size, _PIECE):
            piece = await self._engine.run(
                lambda unit, start=start: media.piece(unit, found.id, start, _PIECE)  # type: ignore[misc]
            )
            if not piece:
                raise MediaNotFound("the media were forgotten while they were read")
            yield piece

    async def _bring_in(self, urls: Sequence[str], share: Share) -> list[Content | Attachment]:
        until = monotonic() + FETCH_S
        found: list[Content | Attachment] = []
        left = MAX_BYTES
        for index, url in enumerate(urls):
            try:
                item = await self._one(url, left, until, share)
            except Unfit as unfit:
                raise MediaRefused(unfit.reason, unfit.code, index) from None
            found.append(item)
            left -= len(item.data) if isinstance(item, Content) else item.size or 0
        return found

    async def _one(self, url: str, left: int, until: float, share: Share) -> Content | Attachment:
        try:
            check_url(url)
        except BadUrl as error:
            raise Unfit("11200", str(error)) from None
        media_id = media.id_in(url)
        own = await self._engine.run(lambda unit: media.find(unit, media_id)) if media_id else None
        if own is not None:
            if own.size > left:
                raise fetching.too_large(fetching.shown_as(url))
            return media.attachment(own)
        if self._http is None:
            raise Unfit("11200", "this network fetches no media")
        return await fetching.fetch(self._http, url, max_bytes=left, until=until, share=share)

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which ends at once when the network stops: nothing was taken then."""
        ending = self._engine.ending.next()
        task, bell = asyncio.ensure_future(work), asyncio.ensure_future(ending.wait())
        try:
            if not self._engine.stopping:
                await asyncio.wait((task, bell), return_when=asyncio.FIRST_COMPLETED)
            if self._engine.stopping and not task.done():
                raise LineDown("the network is stopping")
            return await task
        finally:
            task.cancel()
            bell.cancel()
