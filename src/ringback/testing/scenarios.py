"""Playing saved calls against the server under test."""

import os
from pathlib import Path
from typing import Any

from ringback.scenarios.file import read
from ringback.scenarios.judging import Outcome
from ringback.scenarios.playing import play
from ringback.testing.api import Api


class Scenarios:
    """Plays scenarios."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def __call__(
        self,
        path: str | os.PathLike[str],
        *,
        number: str | None = None,
        agent: str | None = None,
        phone: str | None = None,
    ) -> Outcome:
        """Play the call of a file, and fail with a report where it does not hold.

        `number` is the agent's number that is called, `agent` the id of an agent that calls, `phone` the number of the
        phone at the other end: each in place of what the file names.
        """
        outcome = play(self._ask, read(Path(path)), number=number, agent=agent, phone=phone)
        if not outcome.ok:
            raise AssertionError(f"{path}: {outcome.report()}")
        return outcome

    def _ask(self, method: str, path: str, body: Any = None, *, query: Any = None) -> Any:
        return self._api.call(method, path, body, query=query)
