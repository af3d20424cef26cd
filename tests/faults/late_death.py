"""The mutant: a server that is killed after a POST with a key was committed, and before it is answered.

Run as `python -m tests.faults.late_death serve ...`. A key that begins with `die` kills once; the next time it is answered.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from ringback import cli
from ringback.doors.rest.once import Once


def plant() -> None:
    """Let both ways of answering a POST end in death, the first time that a key asks for it."""
    for name in ("write", "answer"):
        setattr(Once, name, _dying(getattr(Once, name)))


def _dying(original: Any) -> Any:
    async def answer(self: Any, claim: Any, *args: Any, **more: Any) -> Any:
        response = await original(self, claim, *args, **more)
        if claim is not None and claim.key.startswith("die"):
            marker = Path(f"died of {claim.key}")
            if not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return response

    return answer


if __name__ == "__main__":
    plant()
    sys.exit(cli.main(sys.argv[1:]))
