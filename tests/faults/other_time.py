"""A server on a machine whose calendar is wrong: ahead by so many seconds, or set back and forth while it runs.

Run as `python -m tests.faults.other_time [--ahead=SECONDS] [--jumps] serve ...`. With `--jumps` each SIGUSR1 sets the
calendar back by an hour, and each SIGUSR2 forth again.
"""

import signal
import sys
import time

from ringback import cli
from ringback.kit import machine

HOUR_NS = 3_600 * 1_000_000_000


class OtherTime(machine.Machine):
    """The machine, but for its calendar."""

    def __init__(self, ahead_ns: int) -> None:
        self.ahead_ns = ahead_ns
        self.time_ns = lambda: time.time_ns() + self.ahead_ns

    def jump(self, by_ns: int) -> None:
        self.ahead_ns += by_ns


def main(args: list[str]) -> int:
    ahead_s, jumps = 0, False
    while args and args[0].startswith("--"):
        option, _, value = args.pop(0).partition("=")
        ahead_s, jumps = (int(value), jumps) if option == "--ahead" else (ahead_s, True)
    own = OtherTime(ahead_s * 1_000_000_000)
    if jumps:
        signal.signal(signal.SIGUSR1, lambda *_: own.jump(-HOUR_NS))
        signal.signal(signal.SIGUSR2, lambda *_: own.jump(HOUR_NS))
    with machine.put(own):
        return cli.main(args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
