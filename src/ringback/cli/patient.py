"""Asking a server that may be away for a while."""

import time
from collections.abc import Callable
from typing import Any

import click

from ringback.cli.client import Client
from ringback.operator_error import SERVICE_MISSING, OperatorError

_AGAIN_S = 1.0


def _tell(line: str) -> None:
    click.echo(line, err=True)


class Patient:
    """Asks the server that `find` finds, each time anew: one that was started again has another address and token.

    That it is away is told once, and it is asked every second until it answers. Other refusals are raised.
    """

    def __init__(self, find: Callable[[], Client], tell: Callable[[str], None] = _tell) -> None:
        self._find = find
        self._tell = tell
        self._away = False

    def call(self, method: str, path: str, *, query: dict[str, Any], timeout_s: float) -> Any:
        """The JSON answer of an endpoint that changes nothing, once there is one."""
        while True:
            try:
                answer = self._find().call(method, path, query=query, timeout_s=timeout_s)
            except OperatorError as error:
                if error.exit_code != SERVICE_MISSING:
                    raise
                if not self._away:
                    self._tell(f"{error.line}; waiting for it")
                self._away = True
                time.sleep(_AGAIN_S)
                continue
            if self._away:
                self._tell("the server answers again")
            self._away = False
            return answer
