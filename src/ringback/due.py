"""What falls due in the workers and keepers, as whoever moves the clock asks for it."""

from collections.abc import Awaitable, Callable

from ringback.calls.jobs import CallKeeper
from ringback.doors.sim.moving import Timed
from ringback.messages.jobs import Dispatcher, TextKeeper
from ringback.numbers.jobs import NumberKeeper
from ringback.webhooks.jobs import Deliverer


def worker_time(worker: Dispatcher | Deliverer, *, patient: bool = False) -> Timed:
    """Of a worker that takes what is due; `patient` as there."""

    async def wake() -> None:
        worker.clock_moved()

    return Timed(worker.next_due, worker.idle, wake, patient)


def keeper_time(keeper: NumberKeeper | TextKeeper | CallKeeper, act: Callable[[], Awaitable[None]]) -> Timed:
    """Of a keeper that does `act` when something is due."""

    async def idle() -> bool:
        return not keeper.busy

    return Timed(keeper.next_due, idle, act)


def recordings_time(keeper: CallKeeper) -> Timed:
    """Of the recordings that get too old."""

    async def idle() -> bool:
        return not keeper.busy

    return Timed(keeper.next_expiry, idle, keeper.erase_recordings, patient=True)
