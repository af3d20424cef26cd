"""How a client and the speech worker talk: one compact JSON object a line, and after it as many bytes as its `bytes` says.

Requests carry an `id` and get one answer each, in any order:

    {"id", "op": "speak", "engine", "voice", "text", "speed", "rate", "first"}  ->  {"id", "bytes"} + PCM
    {"id", "op": "hear", "engine", "rate", "language", "bytes"} + PCM           ->  {"id", "text", "confidence", "ms"}
    {"id", "op": "cancel"}                                                      ->  nothing, nor an answer to what it cancels
    {"id", "op": "warm", "does": "speak", "engine", "voice"}                    ->  {"id"}
    {"id", "op": "warm", "does": "hear", "engine", "language"}                  ->  {"id"}
    {"id", "op": "ping"}                                                        ->  {"id", "pid"}
    {"op": "dismiss"}                                                           ->  nothing, and the connection ends

or `{"id", "error", "kind"}`. PCM is signed 16-bit little-endian, one channel.
"""

import asyncio
import json
from typing import Any

from ringback.speech.protocol import LanguageNotSpoken, SpeechError, SpeechMissing

MAX_LINE = 1_048_576
MAX_PCM = 64 * 1_048_576
"""Bytes of audio in one piece: an hour of a telephone line."""
KINDS: dict[str, type[SpeechError]] = {
    "missing": SpeechMissing,
    "language": LanguageNotSpoken,
    "failed": SpeechError,
}
"""What an answer's `kind` means. That the worker is lost, it doesn't say itself."""


class BadFrame(Exception):
    """The other side doesn't speak this protocol."""


def frame(header: dict[str, Any], pcm: bytes = b"") -> bytes:
    """A header and its audio as they go over the socket."""
    if pcm:
        header = {**header, "bytes": len(pcm)}
    return json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" + pcm


async def read_frame(reader: asyncio.StreamReader) -> tuple[dict[str, Any], bytes] | None:
    """The next header and its audio; None at the end. The reader's limit must be `MAX_LINE`. Raises `BadFrame`."""
    try:
        line = await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise BadFrame(f"a line of more than {MAX_LINE} bytes") from None
    try:
        header = json.loads(line)
    except ValueError:
        raise BadFrame("a line that is not JSON") from None
    if not isinstance(header, dict):
        raise BadFrame("a line that is not a JSON object")
    size = header.pop("bytes", 0)
    if not isinstance(size, int) or not 0 <= size <= MAX_PCM:
        raise BadFrame(f"bytes: {size!r} is not a number from 0 to {MAX_PCM}")
    try:
        return header, await reader.readexactly(size) if size else b""
    except asyncio.IncompleteReadError:
        return None


def refusal(error: Exception) -> dict[str, Any]:
    """The part of an answer that tells of an error."""
    kind = next((kind for kind, meant in KINDS.items() if type(error) is meant), "failed")
    return {"error": str(error) or type(error).__name__, "kind": kind}
