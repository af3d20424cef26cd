"""The mutant: a server that is killed when the carrier has said yes, and before it has stored that. Once in its folder.

Run as `python -m tests.faults.carrier_death WHAT serve ...`, where WHAT is `submit`, `buy` or `release`.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from ringback import cli
from ringback.carriers.simulated.remote import RemoteSimulatedCarrier


def plant(what: str) -> None:
    """Let the first yes of this kind be the last word that the server hears."""
    ask = getattr(RemoteSimulatedCarrier, what)
    marker = Path(f"died of {what}")

    async def hear_and_die(self: Any, *args: Any) -> Any:
        answer = await ask(self, *args)
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(RemoteSimulatedCarrier, what, hear_and_die)


if __name__ == "__main__":
    plant(sys.argv[1])
    sys.exit(cli.main(sys.argv[2:]))
