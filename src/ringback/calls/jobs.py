"""What falls due for calls: those whose worker is gone, browsers that did not come, recordings that are too old."""

import asyncio
from functools import partial

import structlog

from ringback.calls import store as calls
from ringback.calls.errors import CallInProgress, RecordingNotFound
from ringback.flows import erase_recording, hold_calls, web_call
from ringback.flows.call_figures import note_end
from ringback.flows.voice_facts import VoiceFacts
from ringback.kit.clock import Clock, real_ms
from ringback.storage.store import Store
from ringback.storage.tx import Row
from ringback.voice.recording import salvaged_ms

_log = structlog.get_logger("ringback.calls")
GRACE_MS = 40_000
"""Real time that a dead host's calls wait for another host: its children hold them for 30 s."""
BLIND_MS = 15_000
"""After so long without a look at the store, as in an outage, hosts get their grace again: they could not say that they
live, and what their calls did meanwhile is still on its way."""
UNTAKEN_MS = 60_000
"""How long (clock) a queued call waits for a host."""
_DAY_MS = 86_400_000


class CallKeeper:
    """Ends what nobody holds, and removes recordings. `keep_days` None keeps them for ever."""

    def __init__(self, store: Store, clock: Clock, facts: VoiceFacts, *, keep_days: int | None) -> None:
        self._store = store
        self._clock = clock
        self._facts = facts
        self._keep_ms = None if keep_days is None else keep_days * _DAY_MS
        self._at_work = 0
        self._looked: int | None = None
        self._seeing_since = 0

    @property
    def busy(self) -> bool:
        """Whether it is at work."""
        return self._at_work > 0

    async def next_due(self) -> int | None:
        """When (clock) the next browser is too late."""
        return await self._store.read(calls.next_unused)

    async def next_expiry(self) -> int | None:
        """When (clock) the next recording is too old."""
        if self._keep_ms is None:
            return None
        oldest = await self._store.read(calls.oldest_recorded)
        return None if oldest is None else oldest + self._keep_ms

    async def end_unused(self) -> None:
        """End the calls of browsers that did not come in time."""
        self._at_work += 1
        try:
            now = self._clock.now_ms()
            for token in await self._store.read(lambda db: calls.unused_tokens(db, now=now)):
                ended = await self._store.write(
                    partial(web_call.drop_unused, token=token), account=token["account_id"]
                )
                if ended is not None:
                    await note_end(self._store, ended["account_id"], ended["id"])
        finally:
            self._at_work -= 1

    async def end_lost(self) -> None:
        """End the calls that nobody holds any more, with the truth."""
        real_now = real_ms() - GRACE_MS
        lost = await self._store.read(lambda db: calls.lost(db, real_now=real_now))
        self._note_look()
        for call in lost if self._seeing_since <= real_now else ():
            await self._lose(call, "the process that held it died, and no other took it over")
        now = self._clock.now_ms()
        for call in await self._store.read(calls.waiting):
            if call["created_at"] + UNTAKEN_MS <= now:
                await self._lose(call, "no voice host took it")

    def _note_look(self) -> None:
        before, self._looked = self._looked, real_ms()
        if before is not None and self._looked - before > BLIND_MS:
            self._seeing_since = self._looked

    async def _lose(self, call: Row, detail: str) -> None:
        recorded_ms = salvaged_ms(self._facts.recording_path(call)) if call["record"] else 0
        lost = await self._store.write(
            lambda tx: hold_calls.lose(
                tx, call["account_id"], call["id"], detail=detail, real_at=None, recorded_ms=recorded_ms
            ),
            account=call["account_id"],
        )
        if lost is not None:
            await note_end(self._store, call["account_id"], call["id"])
            _log.warning("a call was lost", call_id=call["id"], reason=detail)

    async def erase_recordings(self) -> None:
        """Let recordings expire, and remove the files of those that were deleted."""
        self._at_work += 1
        try:
            while await self._expire_some() or await self._remove_some():
                pass
        finally:
            self._at_work -= 1

    async def _expire_some(self) -> bool:
        """Whether there were any."""
        if self._keep_ms is None:
            return False
        before = self._clock.now_ms() - self._keep_ms + 1
        found = await self._store.read(lambda db: calls.old_recordings(db, before=before))
        for call in found:
            await self._expire(call)
        return bool(found)

    async def _remove_some(self) -> bool:
        """Whether any file could be removed."""
        found = await self._store.read(calls.erasing)
        return any([await self.remove_file(call) for call in found])

    async def _expire(self, call: Row) -> None:
        try:
            await self._store.write(
                lambda tx: erase_recording.erase(tx, call["account_id"], call["id"], reason="expired"),
                account=call["account_id"],
            )
        except (CallInProgress, RecordingNotFound):
            return

    async def remove_file(self, call: Row) -> bool:
        """Remove the file of a recording that was deleted; whether it could be."""
        path = self._facts.recording_path(call)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            _log.error(
                "a deleted recording can't be removed; trying again", path=str(path), reason=error.strerror
            )
            return False
        await self._store.write(
            lambda tx: erase_recording.erased(tx, call["account_id"], call["id"]), account=call["account_id"]
        )
        return True
