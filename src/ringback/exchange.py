"""Wiring only: the far end's process (`python -m ringback.exchange`), with the speech engines that are installed."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path

from ringback.kit.g711 import encode_ulaw
from ringback.kit.private_sockets import socket_path
from ringback.kit.rtp import RATE
from ringback.sim.exchange.exchange import Exchange
from ringback.sim.exchange.studio import Studio
from ringback.speech import registry
from ringback.speech.client import SpeechClient


async def serve(where: Path, data: Path, *, hears: str, speaks: str) -> None:
    """Run until the network says that it is over, and leave word in `where` how the exchange is reached meanwhile."""
    encode_ulaw(b"\0\0")  # its table takes a tenth of a second, which no call should wait for
    pages = socket_path(data, f"exchange-{os.getpid()}.pages")
    exchange = Exchange(studio(data, hears=hears, speaks=speaks), pages)
    await exchange.start()
    reached = {"host": "127.0.0.1", "port": exchange.port, "key": exchange.key, "pages": str(pages)}
    found = json.dumps({"pid": os.getpid(), **reached})
    await asyncio.to_thread(_tell, where, found)
    stopped = asyncio.create_task(exchange.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await stopped
    finally:
        await asyncio.to_thread(_forget, where, found)
        await exchange.stop()


def _tell(where: Path, found: str) -> None:
    fresh = where.with_suffix(f".{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(found)
    fresh.replace(where)


def _forget(where: Path, found: str) -> None:
    """Take the word back, unless another exchange has left its own."""
    with contextlib.suppress(OSError):
        if where.read_text(encoding="utf-8") == found:
            where.unlink()


def studio(data: Path, *, hears: str, speaks: str) -> Studio:
    """Voices and ears from the speech worker of a data folder. What isn't installed is missed when it is needed."""
    engines = SpeechClient(data, stt=hears, tts=speaks, rate=RATE)
    voices = registry.voices(speaks, data)
    named = [voice.id for voice in voices if voice.engine == voices[0].engine]
    # Another voice than the first, which is the agents', where there is one: two alike are hard to tell apart.
    return Studio(engines, engines, voice=named[-1] if named else "")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m ringback.exchange")
    parser.add_argument("--data", type=Path, required=True, help="the data folder, of which speech is")
    parser.add_argument("--where", type=Path, required=True, help="the file that says how it is reached")
    parser.add_argument(
        "--hears", default=registry.AUTO, help="the engine that hears, as the setting speech_stt"
    )
    parser.add_argument("--speaks", default=registry.AUTO, help="the engine that speaks, as speech_tts")
    given = parser.parse_args()
    asyncio.run(serve(given.where, given.data, hears=given.hears, speaks=given.speaks))


if __name__ == "__main__":
    main()
