"""URLs in settings."""

from urllib.parse import urlsplit


def web_address(value: str | None) -> str | None:
    """A base that paths are added to: without a slash at its end. Raises `ValueError`."""
    if value is None:
        return None
    parts = urlsplit(value)
    if (
        parts.port == 0
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
    ):
        raise ValueError("not a URL")
    return value.rstrip("/")


def postgres_url(value: str | None) -> str | None:
    """The URL of a PostgreSQL database as its driver takes it. Raises `ValueError`."""
    if value is None:
        return None
    scheme, mark, rest = value.partition("://")
    if not mark or scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise ValueError("not a PostgreSQL URL")
    return f"postgresql://{rest}"
