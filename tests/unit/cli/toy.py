"""`ringback serve` with a toy in place of the application: `python -m tests.unit.cli.toy HOW ARGUMENTS...`."""

import asyncio
import json
import sys
import types
from pathlib import Path
from typing import Any

import click

from ringback import cli, running
from ringback.kit.clock import MovableClock
from ringback.kit.ids import IdMaker
from ringback.operator_error import OperatorError

HOW = sys.argv[1] if len(sys.argv) > 1 else ""


class First:
    link = "/console/link/of-a-toy"
    handset = "+14155550123"
    sandbox = True

    def __init__(self, data: Path) -> None:
        self.key_file = data / "first-key"


class Server:
    """Answers every path with what it was given; `/slow` after half a second."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings
        self.first = First(settings.data)
        self.ids = IdMaker(MovableClock())
        self.traces = None

    async def start(self) -> None:
        if HOW == "broken":
            raise OperatorError("PostgreSQL doesn't answer: start it", 3)
        if HOW == "slow-start":
            click.echo("starting")
            await asyncio.sleep(0.4)
        if HOW != "hidden":
            self.first.key_file.write_text("sk_live_abc\n")

    def end_waits(self) -> None:
        """Nothing waits here."""

    async def stop(self) -> None:
        click.echo("drained")

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            await asyncio.sleep(0.5)
        found = running.read(self._settings.data)
        said = {
            "path": scope["path"],
            "authorization": dict(scope["headers"]).get(b"authorization", b"").decode(),
            "port": self._settings.port,
            "token": found.token if found else None,
        }
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})


def main() -> int:
    toy = types.ModuleType("ringback.app")
    toy.Server = Server  # type: ignore[attr-defined]
    sys.modules["ringback.app"] = toy
    return cli.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
