"""What the voice host and its media children say to each other: one JSON object a line, over a Unix socket.

Down go commands, up go answers and events. An event carries the account, its call and a number `n` that rises by one in
each call; a child keeps it until it is acknowledged, which its host does after the COMMIT, and tells all that it keeps again
to every host that says hello. What a call needs of the server, such as to send a text, goes up as an `ask` with an id of its
own, and an `answer` comes down; asked again with the same id, it is not done again.
"""

import asyncio
import json
from pathlib import Path
from typing import Any, Final, Literal, NotRequired, TypedDict

from ringback.kit.private_sockets import socket_path

VERSION: Final = 1
MAX_LINE: Final = 16 * 1_048_576
"""Bytes of a message: a plan has the prompt, the tools and what was said before."""
MAX_CALLS: Final = 25
"""Calls that one child holds."""
PING_S: Final = 1.0
DEAD_S: Final = 3.0
"""A child that says nothing for so long is dead; a host never gets so far behind."""
ORPHAN_S: Final = 30.0
"""How long a child goes on without its host."""
GRACE_S: Final = 12.0
"""How long a child that drains may take for its goodbyes."""

Message = dict[str, Any]


class Line(TypedDict):
    """A leg over an exchange: where it listens, with what key, and which call. `take` one that rings there, `dial` a new
    one, which rings for `ring_s`, `retake` one whose leg was lost."""

    kind: Literal["line"]
    host: str
    port: int
    key: str
    op: Literal["take", "dial", "retake"]
    ref: str
    ring_s: NotRequired[float]


class Browser(TypedDict):
    """A leg to a page, whose connection its host hands over, by `kit.hand_over` with `{call}`. With `ticket` a page comes
    back that lost it."""

    kind: Literal["browser"]
    ticket: str


class Turn(TypedDict):
    """What was said before, in a call that goes on."""

    turn_id: str
    role: Literal["user", "agent"]
    text: str


_From = TypedDict("_From", {"from": str})


class CallPlan(_From):
    """All that a child needs to hold a call, as the server's rooms have it. `agent` are the agent's voice settings as stored,
    with those of this call; `brain` is of one of the kinds in `voice.brains`; times are seconds."""

    call_id: str
    account_id: str
    request_id: str | None
    direction: Literal["inbound", "outbound", "web"]
    to: str
    leg: dict[str, Any]
    agent: dict[str, Any]
    brain: dict[str, Any]
    greeting: str | None
    max_s: float
    record: bool
    recording_path: str | None
    recording_notice: str | None
    resumed: bool
    talked_ms: NotRequired[int]
    last_n: int
    history: list[Turn]
    apologize: NotRequired[bool]


class BadLine(Exception):
    """The other side does not speak this protocol."""


def pages_path(data: Path, child: str) -> Path:
    """Where a child takes the connections of pages."""
    return socket_path(data, f"{child}.pages")


def line_of(message: Message) -> bytes:
    """A message as it goes over the wire."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None at the end. Raises `BadLine`."""
    try:
        line = await reader.readline()
    except ConnectionError:
        return None
    except ValueError:
        raise BadLine(f"a line of more than {MAX_LINE} bytes") from None
    if not line.endswith(b"\n"):
        return None
    try:
        message = json.loads(line)
    except ValueError:
        raise BadLine("a line that is not JSON") from None
    if not isinstance(message, dict):
        raise BadLine("a line that is no JSON object")
    return message
