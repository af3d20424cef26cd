"""A server in a process of its own, that can be killed and started again, with speech of tones."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ringback.testing.api import Api
from tests.callers import FAKE
from tests.faults.processes import Process, environment


class Killable:
    """A server in a process of its own, as far as `tests.callers` asks one."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        env = environment(data=folder / "data", port=0, **FAKE, **settings)
        self.data = folder / "data"
        self._process = Process(folder, "serve", env=env)
        self._api: Api | None = None

    def start(self) -> None:
        asyncio.run(self._process.start())
        parts = urlsplit(self._process.url)
        key = (self.data / "first-key").read_text().strip()
        self._api = Api(parts.hostname or "", parts.port or 0, key)

    @property
    def base_url(self) -> str:
        return self._process.url

    def kill(self) -> None:
        self._process.kill()

    def stop(self) -> None:
        self._process.stop()

    def request(self, *args: Any, **more: Any) -> Any:
        assert self._api is not None
        return self._api.request(*args, **more)

    def handset(self) -> str:
        return str(self.request("POST", "/sim/v1/handsets", json={}).json["id"])
