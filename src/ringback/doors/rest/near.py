"""Whether a request comes from this machine itself, and not through a proxy on it."""

import ipaddress

from fastapi import Request

_BY_PROXY = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def is_near(request: Request) -> bool:
    """Whether the peer is on this machine, and asks this machine: a proxy passes on whom its own client asked."""
    if request.client is None or not _is_here(request.url.hostname or ""):
        return False
    # nginx says nothing of its client unless it is told to, but speaks HTTP/1.0 then, which no client of today does.
    if request.scope["http_version"] == "1.0" or any(name in request.headers for name in _BY_PROXY):
        return False
    return _is_here(request.client.host)


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
