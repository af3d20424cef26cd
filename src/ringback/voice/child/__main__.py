"""`python -m ringback.voice.child`: started by the voice host, never by hand."""

import argparse
import asyncio
import logging
import os
import signal
from pathlib import Path

from ringback import logs
from ringback.kit.private_sockets import private_folder
from ringback.voice.child.child import Child, Makeup
from ringback.voice.protocol import ORPHAN_S


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m ringback.voice.child", description="A media child.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--stt", required=True)
    parser.add_argument("--tts", required=True)
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--loopback", action="store_true")
    parser.add_argument("--orphan-s", type=float, default=ORPHAN_S)
    asked = parser.parse_args()
    private_folder(asked.data)
    # A terminal's Ctrl-C is for the server, which lets its children say goodbye.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.set_up(asked.log_level)
    _quiet_pipecat()
    makeup = Makeup(asked.data, asked.name, asked.stt, asked.tts, asked.loopback, asked.orphan_s)
    asyncio.run(_serve(makeup))
    logging.shutdown()
    os._exit(0)  # threads of the models may hang in their own exit


async def _serve(makeup: Makeup) -> None:
    await Child(makeup).serve()


def _quiet_pipecat() -> None:
    """pipecat writes every step to standard error, by a logger of its own."""
    try:
        from loguru import logger
    except ImportError:
        return
    logger.remove()


if __name__ == "__main__":
    main()
