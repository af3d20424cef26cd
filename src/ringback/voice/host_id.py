"""What a voice host is called."""

import secrets
from pathlib import Path

from ringback.kit.private_sockets import private_folder


def host_id(data: Path) -> str:
    """The name of the host of a data folder, the same at every start: so that it takes back what it held."""
    path = private_folder(data) / "host"
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        name = f"host_{secrets.token_hex(8)}"
        path.write_text(name, encoding="utf-8")
        return name
