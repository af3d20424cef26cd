"""A right body for each POST that the server's document lists: what is not here is a test that fails."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.fuzz.target import JSON, Said, Target
from tests.openapi import Operation

Body = dict[str, Any] | bytes
"""JSON, or media as they are."""
_MAKE: dict[str, Callable[[Target, int], Body]] = {
    "sendMessage": lambda target, n: {
        "number_id": target.ids["number_id"],
        "to_number": f"+1202556{n:04}",
        "body": f"once {n}",
    },
    "settleMessage": lambda _, n: {"status": "delivered", "note": f"once {n}"},
    "sendReaction": lambda _, n: {"reaction": "love"},
    "setChatBackground": lambda target, n: {"image_url": target.endpoint},
    "sendTypingIndicator": lambda _, n: {},
    "createNumber": lambda _, n: {"country": "US"},
    "createAgent": lambda _, n: {"name": f"once {n}"},
    "createContact": lambda _, n: {"phoneNumber": f"+1415555{n:04}", "name": f"once {n}"},
    "createSubAccount": lambda _, n: {"name": f"once {n}"},
    "submitFeedback": lambda _, n: {"category": "bug", "note": f"once {n}"},
    "attachNumberToAgent": lambda target, n: {"numberId": target.ids["number_id"]},
    "createOrUpdateAgentWebhook": lambda target, n: {"url": target.endpoint},
    "createOrUpdateWebhook": lambda target, n: {"url": target.endpoint},
    "rotateAgentWebhookSecret": lambda _, n: {"overlapHours": n % 100},
    "rotateWebhookSecret": lambda _, n: {"overlapHours": n % 100},
    "enableAgentWebhook": lambda _, n: {},
    "enableWebhook": lambda _, n: {},
    "redeliverDelivery": lambda _, n: {},
    "redeliverRange": lambda target, n: {
        "from": "2026-01-01T00:00:00Z",
        "agentId": target.ids["agent_id"],
    },
    "replayEvents": lambda target, n: {"webhook": target.ids["agent_id"], "after": n % 3},
    "testAgentWebhook": lambda _, n: {},
    "testWebhook": lambda _, n: {},
    "createOutboundCall": lambda target, n: {
        "agentId": target.ids["agent_id"],
        "toNumber": f"+1202557{n:04}",
    },
    "createWebCall": lambda target, n: {"agentId": target.ids["agent_id"], "metadata": {"n": n}},
    "usePromptVersion": lambda _, n: {"n": n},
    "endCall": lambda _, n: {},
    "placeHandsetCall": lambda _, n: {"to": f"+1202558{n:04}", "script": [{"hangup": True}]},
    "answerHandsetCall": lambda _, n: {},
    "declineHandsetCall": lambda _, n: {},
    "hangUpHandsetCall": lambda _, n: {},
    "talkInHandsetCall": lambda _, n: {},
    "pressKeysInHandsetCall": lambda _, n: {"digits": f"{n}"},
    "createHandset": lambda _, n: {"name": f"once {n}"},
    "sendText": lambda target, n: {"to": target.number, "body": f"once {n}"},
    "createFault": lambda _, n: {"kind": "submit-refused", "match": {"from": f"+1202555{n:04}"}},
    "uploadMedia": lambda _, n: b"GIF89a%d" % n,
    "changeClock": lambda _, n: {"advanceSeconds": 60},
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

    @staticmethod
    def kind(body: Body) -> dict[str, str]:
        """The header that says what the body is."""
        return {"Content-Type": "image/gif"} if isinstance(body, bytes) else dict(JSON)

    def ask(self, target: Target, body: Body, key: str | None = None) -> Said:
        """POST it, under an `Idempotency-Key` if `key` is one."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = self.kind(body) if key is None else {**self.kind(body), "Idempotency-Key": key}
        return target.ask("POST", self.path, raw=raw, headers=headers)


def posts(target: Target) -> Iterator[Post]:
    """Every POST of the document."""
    for operation in target.operations:
        if operation.method == "POST":
            make = _MAKE[operation.id]
            yield Post(operation, target.path(operation), lambda make=make: make(target, next(_ordinals)))  # type: ignore[misc]
