"""Wiring of calls: settings -> what flows need of the outside, waits, the keeper, and who holds live calls."""

from collections.abc import Coroutine, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from ringback.calls.jobs import CallKeeper
from ringback.calls.switchboard import Switchboard
from ringback.calls.waiting import CallWaits
from ringback.flows.send_text import Line
from ringback.flows.voice_facts import Model, VoiceFacts
from ringback.flows.voice_office import VoiceOffice
from ringback.kit.clock import Clock
from ringback.kit.every import every
from ringback.kit.links import base_of
from ringback.live.inprocess import InProcess
from ringback.llm.configured import endpoint_of
from ringback.settings import Settings
from ringback.speech.client import dismiss
from ringback.storage.sealing import Sealer
from ringback.storage.store import Store
from ringback.voice import children, models
from ringback.voice.host import Host
from ringback.voice.host_id import host_id
from ringback.voice.office import Trunk

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Calling:
    """What a server has of calls. `switchboard` is None while nobody here can hold any."""

    switchboard: Switchboard | None = None

    def __init__(
        self,
        settings: Settings,
        store: Store,
        live: InProcess,
        clock: Clock,
        *,
        hash_key: bytes,
        sealer: Sealer,
    ) -> None:
        self._settings, self._store, self._live, self._clock = settings, store, live, clock
        self._host: Host | None = None
        self.facts = VoiceFacts(
            hash_key=hash_key,
            sealer=sealer,
            recordings=settings.recordings_folder,
            record=settings.record_calls,
            max_s=settings.max_call_minutes * 60,
            ring_s=settings.ring_timeout_s,
            model=partial(_model, settings),
        )
        self.waits = CallWaits(store, live)
        days = settings.recording_retention_days
        self.keeper = CallKeeper(store, clock, self.facts, keep_days=days or None)

    def hold(self, carriers: Mapping[str, Trunk], line: Line) -> None:
        """Let this process hold the calls of `carriers`, from `open` on; not where what calls need isn't installed.

        `line` is where texts go that are sent in calls.
        """
        if not carriers or models.lacks() is not None:
            return
        settings = self._settings
        name = host_id(settings.data)
        url = settings.voice_url or base_of(settings.host, settings.port)
        office = VoiceOffice(self._store, self.facts, self._clock, self._live, line=line, name=name, url=url)
        how = children.Settings(
            settings.data,
            stt=settings.speech_stt,
            tts=settings.speech_tts,
            loopback=settings.host in _LOOPBACK,
            log_level=settings.log_level,
        )
        self.switchboard = self._host = Host(how, office, carriers, name=name, beside=settings.role != "all")

    async def open(self) -> None:
        """Begin to take and place calls."""
        if self._host is not None:
            await self._host.open()

    async def close(self) -> None:
        """Let every caller hear a goodbye, and the processes end that were there for calls."""
        if self._host is not None:
            await self._host.close()
        await dismiss(self._settings.data)

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """What goes on beside the doors."""
        return [
            every(1, self.keeper.end_unused),
            every(5, self.keeper.end_lost),
            every(60, self.keeper.erase_recordings),
        ]


def _model(settings: Settings, tier: str) -> Model | None:
    endpoint = endpoint_of(settings, tier)
    return None if endpoint is None else asdict(endpoint)
