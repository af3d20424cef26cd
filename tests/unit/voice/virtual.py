"""Calls in no time: a test whose clock jumps to whatever happens next."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from ringback.kit.machine import put
from tests.worlds.virtual import VirtualLoop, VirtualMachine

Test = Callable[..., Coroutine[Any, Any, None]]


def in_virtual_time(test: Test) -> Callable[..., None]:
    """Run an async test on a loop that never waits."""

    @functools.wraps(test)
    def run(*args: Any, **given: Any) -> None:
        machine = VirtualMachine(1)
        with put(machine), asyncio.Runner(loop_factory=lambda: VirtualLoop(machine, 1)) as runner:
            runner.run(test(*args, **given))

    return run
