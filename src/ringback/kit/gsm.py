"""Segments of a text as a carrier counts and cuts them (3GPP TS 23.038 section 6.2.1, TS 23.040 section 9.2.3.24.1)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_BASE = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"
_PLAIN = re.compile(f"[{re.escape(_BASE)}]*")
_GSM = re.compile(f"[{re.escape(_BASE + _EXTENSION)}]*")
_ESCAPE = "\x1b"
_SEPTETS_ALONE, _SEPTETS_JOINED = 160, 153
_UTF16_ALONE, _UTF16_JOINED = 70, 67
_UTF16 = "utf-16-le"


@dataclass(frozen=True, slots=True)
class Segments:
    """What a body costs: `count` parts, and `units` in all: septets of GSM-7, UTF-16 code units of UCS-2, bytes of UTF-8."""

    count: int
    encoding: Literal["gsm7", "ucs2", "utf8"]
    units: int


def segment(body: str) -> Segments:
    """Count the parts a body is sent in: 160 septets alone or 153 joined, 70 UTF-16 code units alone or 67 joined.

    An empty body is one part, because one PDU is sent. A character of the extension table takes two septets,
    one above U+FFFF two code units, and neither is cut in two.
    """
    if _PLAIN.fullmatch(body):
        units = len(body)
        return Segments(1 if units <= _SEPTETS_ALONE else -(-units // _SEPTETS_JOINED), "gsm7", units)
    if _GSM.fullmatch(body):
        units = len(body) + sum(map(body.count, _EXTENSION))
        return Segments(1 if units <= _SEPTETS_ALONE else sum(1 for _ in _cut_septets(body)), "gsm7", units)
    units = len(_utf16(body)) // 2
    return Segments(1 if units <= _UTF16_ALONE else sum(1 for _ in _cut_utf16(body)), "ucs2", units)


def segment_for(channel: str, body: str) -> Segments:
    """As `segment` on SMS; an MMS carries its words whole, as one more part beside the media (OMA-TS-MMS-ENC section 6)."""
    return Segments(1, "utf8", len(body.encode())) if channel == "mms" else segment(body)


def split(body: str) -> list[str]:
    """The text of each part, in order: as many as `segment` counts, and joined they are the body."""
    whole = segment(body)
    if whole.count == 1:
        return [body]
    return list(_cut_septets(body) if whole.encoding == "gsm7" else _cut_utf16(body))


def _cut_septets(body: str) -> Iterator[str]:
    septets = body
    for extended in _EXTENSION:
        septets = septets.replace(extended, _ESCAPE + extended)
    start = 0
    while start < len(septets):
        end = start + _SEPTETS_JOINED
        if septets[end - 1 : end] == _ESCAPE:
            end -= 1
        yield septets[start:end].replace(_ESCAPE, "")
        start = end


def _cut_utf16(body: str) -> Iterator[str]:
    units = _utf16(body)
    start = 0
    while start < len(units):
        end = start + 2 * _UTF16_JOINED
        if end < len(units) and 0xD8 <= units[end - 1] <= 0xDB:
            end -= 2
        yield units[start:end].decode(_UTF16, "surrogatepass")
        start = end


def _utf16(body: str) -> bytes:
    return body.encode(_UTF16, "surrogatepass")
