"""Wake-ups from other processes that share the database: PostgreSQL's LISTEN, on a connection of its own.

Nothing durable hangs on a notice: workers look at the outbox now and then in any case, so a lost connection costs time
and nothing else.
"""

import asyncio
import contextlib
import threading

import psycopg
import structlog

from ringback.kit.notices import CHANNEL, Sender
from ringback.live.inprocess import InProcess

_log = structlog.get_logger("ringback.live")
_LOOK_S = 0.2
"""How often the thread looks whether it is to stop."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0


class Notices:
    """Listens in a thread and wakes who waits in this process."""

    def __init__(self, url: str, hub: InProcess, sender: Sender) -> None:
        self._url = url
        self._hub = hub
        self._sender = sender
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ringback-notices", daemon=True)

    def start(self) -> None:
        """Listen from now on; never fails, a connection is tried again until there is one."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._stopped.is_set():
            try:
                with psycopg.connect(
                    self._url, autocommit=True, connect_timeout=5, application_name="ringback notices"
                ) as conn:
                    conn.execute(f"LISTEN {CHANNEL}")
                    wait_s = _FIRST_WAIT_S
                    self._listen(conn)
            except psycopg.Error as error:
                _log.warning(
                    "notices of other processes can't be heard; trying again", reason=type(error).__name__
                )
            self._stopped.wait(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _listen(self, conn: psycopg.Connection) -> None:
        while not self._stopped.is_set():
            for notice in conn.notifies(timeout=_LOOK_S):
                for topic in self._sender.topics(notice.payload):
                    # The loop may be gone when a server is torn down.
                    with contextlib.suppress(RuntimeError):
                        self._loop.call_soon_threadsafe(self._hub.wake, topic)
