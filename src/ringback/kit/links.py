"""Links that stay true when the server moves: kept without a host, given one where they leave."""

from collections.abc import Iterable

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def base_of(host: str, port: int) -> str:
    """The web address under which this machine reaches what listens on `host`, such as `http://127.0.0.1:8642`."""
    host = _EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def absolute(base: str, links: Iterable[str]) -> list[str]:
    """`links` as the world may follow them: those that begin with `/` are this server's own, reached at `base`."""
    return [f"{base}{link}" if link.startswith("/") else link for link in links]
