"""Pictures and other media, as phones have them."""

import mimetypes
from dataclasses import dataclass, field
from pathlib import Path

from ringback.testing.api import Api

_PATH = "/sim/v1/media"
_UNSAID = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Media:
    """One of a text's media; `size` in bytes."""

    url: str
    content_type: str
    size: int
    _api: Api = field(repr=False)

    def read(self) -> bytes:
        """The bytes, asked for as anybody would: without a key."""
        return self._api.fetch(f"{_PATH}/{self.url.rpartition('/')[2]}")


def to_url(api: Api, media: bytes | str | Path) -> str:
    """Where the network finds media: a URL is one already; a file, or bytes, are uploaded.

    What a file is, its name says; what bytes are, they say themselves.
    """
    if isinstance(media, str) and media.startswith(("http://", "https://")):
        return media
    content, kind = (media, None) if isinstance(media, bytes) else (Path(media).read_bytes(), _kind_of(media))
    made = api.upload(_PATH, content, kind or _UNSAID)
    return str(made["url"])


def _kind_of(file: str | Path) -> str | None:
    return mimetypes.guess_type(str(file))[0]
