"""A right body for each POST that the server's document lists: what is not here is a test that fails."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.fuzz.target import Target
from tests.openapi import Operation

Body = dict[str, Any]
URL = "http://127.0.0.1:9/once"
_MAKE: dict[str, Callable[[Target, int], Body]] = {
    "sendMessage": lambda target, n: {
        "number_id": target.ids["number_id"],
        "to_number": f"+1202556{n:04}",
        "body": f"once {n}",
    },
    "sendReaction": lambda _, n: {"reaction": "love"},
    "setChatBackground": lambda _, n: {"image_url": URL},
    "sendTypingIndicator": lambda _, n: {},
    "createNumber": lambda _, n: {"country": "US"},
    "createAgent": lambda _, n: {"name": f"once {n}"},
    "createContact": lambda _, n: {"phoneNumber": f"+1415555{n:04}", "name": f"once {n}"},
    "createSubAccount": lambda _, n: {"name": f"once {n}"},
    "submitFeedback": lambda _, n: {"category": "bug", "note": f"once {n}"},
    "attachNumberToAgent": lambda target, n: {"numberId": target.ids["number_id"]},
    "createOrUpdateAgentWebhook": lambda _, n: {"url": URL},
    "createOrUpdateWebhook": lambda _, n: {"url": URL},
    "testAgentWebhook": lambda _, n: {},
    "testWebhook": lambda _, n: {},
    "createHandset": lambda _, n: {"name": f"once {n}"},
    "sendText": lambda target, n: {"to": target.number, "body": f"once {n}"},
    "createFault": lambda _, n: {"kind": "submit-refused", "match": {"from": f"+1202555{n:04}"}},
    "changeClock": lambda _, n: {"advanceSeconds": 60 + n},
}
_ordinals = itertools.count(100)


@dataclass(frozen=True, slots=True)
class Post:
    """One POST of the document at a path that is there; `fresh` makes a right body that nothing was sent with yet."""

    operation: Operation
    path: str
    fresh: Callable[[], Body]

    @property
    def name(self) -> str:
        return self.operation.name


def posts(target: Target) -> Iterator[Post]:
    """Every POST of the document."""
    for operation in target.operations:
        if operation.method == "POST":
            make = _MAKE[operation.id]
            yield Post(operation, target.path(operation), lambda make=make: make(target, next(_ordinals)))  # type: ignore[misc]
