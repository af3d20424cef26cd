"""Pictures and other media in the terminal: named, and sent from files."""

import mimetypes
from pathlib import Path
from typing import Any

from ringback.cli.client import Client
from ringback.cli.options import printable
from ringback.operator_error import OperatorError


def told(message: dict[str, Any]) -> str:
    """A text's media as its line shows them: what each is, how large, and where it is to be seen."""
    known = {
        one["url"]: f"{one['contentType']}, {_size(one['bytes'])}: " for one in message.get("media") or ()
    }
    return "".join(f"  [{printable(known.get(url, '') + url)}]" for url in message.get("mediaUrls") or ())


def to_url(server: Client, named: str) -> str:
    """Where the network finds media: a URL is one already, a file is uploaded."""
    if named.startswith(("http://", "https://")):
        return named
    file = Path(named).expanduser()
    try:
        content = file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{file} can't be read: {error.strerror}") from None
    kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
    return str(server.call("POST", "/sim/v1/media", content, content_type=kind)["url"])


def _size(size: int) -> str:
    return (
        f"{size} bytes"
        if size < 1024
        else f"{size / 1024:.0f} KB"
        if size < 1024**2
        else f"{size / 1024**2:.1f} MB"
    )
