"""Media that the network keeps: their bytes once each, under an id that nobody can guess.

The network is asked for them for as long as it has them. It keeps the newest `KEPT_BYTES` in all and forgets the
oldest beyond that: whether somebody's message still links to them it can't know, as a carrier can't.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from ringback.sim.unit import Unit

PATH: Final = "/sim/v1/media/"
MAX_BYTES: Final = 5 * 1024 * 1024
"""What the media of one message may hold together."""
MOST: Final = 10
"""Media in one message."""
KEPT_BYTES: Final = 1024**3
_OWN: Final = re.compile(rf"{PATH}(med_[0-9a-z]{{26}})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Content:
    """Media that were fetched or uploaded and are fit to be sent; `content_type` is one of `media_types.TYPES`."""

    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Media:
    """What is known of kept media; `size` in bytes."""

    id: str
    content_type: str
    size: int
    created_ms: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """One of a text's media. `url` begins with `/` where the network has it; before it kept any, it was whatever it was
    sent as, and type and size (bytes) are not known.
    """

    url: str
    content_type: str | None = None
    size: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {"url": self.url, "content_type": self.content_type, "size": self.size}

    @staticmethod
    def from_json(stored: Any) -> "Attachment":
        """As stored: until version 1 of the network's file, a URL alone."""
        return Attachment(stored) if isinstance(stored, str) else Attachment(**stored)


def attachment(media: Media) -> Attachment:
    return Attachment(PATH + media.id, media.content_type, media.size)


def id_in(url: str) -> str | None:
    """The id of media of ours in a URL of any host: it may be from before a restart, or of a name that leads here."""
    found = _OWN.search(urlsplit(url).path)
    return found[1] if found else None


def keep(unit: Unit, content: Content, kept_bytes: int = KEPT_BYTES) -> Media:
    """Store media under a new id, and forget the oldest that there is no room for."""
    digest = hashlib.sha256(content.data).digest()
    media = Media(unit.ids.secret("med"), content.content_type, len(content.data), unit.now)
    unit.run(
        "INSERT INTO media_bytes (hash, data) VALUES (?, ?) ON CONFLICT DO NOTHING", digest, content.data
    )
    upto = unit.insert(
        "INSERT INTO media (upto, id, hash, content_type, size, created_ms)"
        " VALUES ((SELECT coalesce(max(upto), 0) FROM media) + ?, ?, ?, ?, ?, ?)",
        media.size,
        media.id,
        digest,
        media.content_type,
        media.size,
        media.created_ms,
    )
    _forget(unit, upto - kept_bytes)
    return media


def keep_all(
    unit: Unit, found: Sequence[Content | Attachment], kept_bytes: int = KEPT_BYTES
) -> tuple[Attachment, ...]:
    """A message's media, those stored that are not yet."""
    return tuple(
        item if isinstance(item, Attachment) else attachment(keep(unit, item, kept_bytes)) for item in found
    )


def find(unit: Unit, media_id: str) -> Media | None:
    """Media that the network has."""
    row = unit.one("SELECT id, content_type, size, created_ms FROM media WHERE id = ?", media_id)
    return Media(**row) if row else None


def piece(unit: Unit, media_id: str, start: int, size: int) -> bytes:
    """`size` bytes from `start` on, fewer at the end; none when the media are gone."""
    row = unit.one(
        "SELECT substr(data, ?, ?) AS piece FROM media JOIN media_bytes USING (hash) WHERE id = ?",
        start + 1,
        size,
        media_id,
    )
    return bytes(row["piece"]) if row else b""


def _forget(unit: Unit, before: int) -> None:
    """Forget all media that begin before this byte."""
    oldest = unit.all(
        "DELETE FROM media WHERE upto < ? AND upto - size < ? RETURNING hash", before + MAX_BYTES, before
    )
    for row in oldest:
        unit.run(
            "DELETE FROM media_bytes WHERE hash = ? AND NOT EXISTS (SELECT 1 FROM media WHERE media.hash = ?)",
            row["hash"],
            row["hash"],
        )
