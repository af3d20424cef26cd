"""Events of a child's calls, kept until its host has them in the store."""

import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ringback.kit import machine
from ringback.voice.protocol import Message, line_of

LEFT = ".left"
"""A child that ends without a host leaves what nobody has in a file of its name and this ending."""


class Outbox:
    """`send` gets every event as it is made; whoever it goes to may not be there."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._kept: dict[tuple[str, int], Message] = {}
        self._numbers: dict[str, Iterator[int]] = {}

    def begin(self, call_id: str, *, after: int) -> None:
        """The events of a call count from `after` + 1."""
        self._numbers[call_id] = itertools.count(after + 1)

    def tell(self, account_id: str, call_id: str, type_: str, **fields: Any) -> None:
        """An event of a call; `at` is real time in ms."""
        at = machine.current.time_ns() // 1_000_000
        n = next(self._numbers[call_id])
        event = {"account": account_id, "call": call_id, "n": n, "type": type_, "at": at, **fields}
        self._kept[call_id, n] = event
        self._send(event)

    def acknowledge(self, call_id: str, n: int) -> None:
        """Event `n` of a call is in the store."""
        self._kept.pop((call_id, n), None)

    def kept(self) -> list[Message]:
        """What nobody has acknowledged, in order."""
        return list(self._kept.values())

    def leave(self, path: Path) -> None:
        """Write down what nobody has, for a host to come."""
        if self._kept:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(file, "wb") as out:
                out.writelines(line_of(event) for event in self._kept.values())


def read_left(path: Path) -> list[Message]:
    """What a child left; lines that can't be read are left out."""
    found = []
    for line in path.read_bytes().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and {"account", "call", "n", "type", "at"} <= event.keys():
            found.append(event)
    return found
