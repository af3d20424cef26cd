"""Endpoints that answer quickly, and the deliveries to them that are claimed ahead of their turn.

A claim costs as much for one delivery as for many, and an endpoint is posted to ten times at once at most. Of one that
answers at once more are claimed, which wait here; as soon as it slows down they go back to where they came from.
"""

import asyncio
from collections import deque

QUICK_MS = 50
"""An endpoint is quick while it takes each delivery in less."""
_QUICK_ANSWERS = 10
"""In a row, before an endpoint counts as quick."""


class Turns:
    """Who posts to which endpoint, named by its lane, of which `at_once` do so together."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._posting: dict[str, int] = {}
        self._queues: dict[str, deque[asyncio.Future[bool]]] = {}
        self._answers: dict[str, int] = {}
        self._stopped = False
        self.quick: set[str] = set()
        self.waiting = 0

    async def take(self, lane_id: str) -> bool:
        """Wait for a turn, to be given back; False when there will be none."""
        if self._posting.get(lane_id, 0) < self._at_once:
            self._posting[lane_id] = self._posting.get(lane_id, 0) + 1
            return True
        if self._stopped or lane_id not in self.quick:
            return False
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(lane_id, deque()).append(turn)
        self.waiting += 1
        try:
            return await turn
        finally:
            self.waiting -= 1

    def give_back(self, lane_id: str) -> None:
        """The turn goes to who has waited longest."""
        queue = self._queues.get(lane_id)
        while queue:
            turn = queue.popleft()
            if not queue:
                del self._queues[lane_id]
            if not turn.done():
                turn.set_result(True)
                return
        left = self._posting[lane_id] - 1
        if left:
            self._posting[lane_id] = left
        else:
            del self._posting[lane_id]

    def note_quick(self, lane_id: str) -> None:
        """It took a delivery in less than `QUICK_MS`."""
        answers = self._answers.get(lane_id, 0) + 1
        self._answers[lane_id] = answers
        if answers == _QUICK_ANSWERS:
            self.quick.add(lane_id)

    def note_slow(self, lane_id: str) -> None:
        """It took longer or nothing: who waits for it is sent away."""
        self._answers.pop(lane_id, None)
        self.quick.discard(lane_id)
        for turn in self._queues.pop(lane_id, ()):
            if not turn.done():
                turn.set_result(False)

    def stop(self) -> None:
        """Send everybody away who waits, and let nobody wait any more."""
        self._stopped = True
        for lane_id in list(self._queues):
            self.note_slow(lane_id)
