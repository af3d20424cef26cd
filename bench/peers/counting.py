"""How a counting process tells its counts: each line on its standard input is answered by one of JSON; it ends with it."""

import asyncio
import json
import sys
from collections.abc import Callable

from ringback.doors.http.loop import loop_factory


class Counts:
    """How many came, and when the last did (UNIX seconds)."""

    count = 0
    last = 0.0


async def _serve(make: Callable[[], asyncio.Protocol], counts: Counts) -> None:
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps({"count": counts.count, "last": counts.last}), flush=True)


def run(make: Callable[[], asyncio.Protocol], counts: Counts) -> None:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(make, counts))
