"""Where the `ringback` command begins."""

import os
import signal


def main() -> int:
    """Run the command. While it is still being imported an interrupt ends it at once, and says nothing."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    from ringback import cli

    signal.signal(signal.SIGINT, signal.default_int_handler)
    return cli.main()
