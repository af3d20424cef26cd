"""How many files a process may have open, of which every connection is one."""

import structlog

from ringback.doors.http.limits import Limits
from ringback.settings import SLOW_SHARE, Settings

_log = structlog.get_logger("ringback")
_OTHERS = 256
"""Files that a process needs besides: the store's, the pool's, the log's, refused connections'."""
_AT_LEAST = 10


def limits_of(settings: Settings) -> Limits:
    """What the settings allow clients, as far as this process's limit of open files does, which is raised for it.

    Where files run out, not only connections fail but the store and webhooks with them.
    """
    room = _room_for_connections(settings)
    return Limits(max_connections=room, request_timeout_s=settings.request_timeout_s)


def _room_for_connections(settings: Settings) -> int:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return settings.max_connections
    others = _OTHERS + (1 + SLOW_SHARE) * settings.webhook_concurrency + settings.pg_pool_size
    needed = settings.max_connections + others
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):
            pass  # macOS has a limit below what it tells
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return settings.max_connections
    room = max(soft - others, _AT_LEAST)
    _log.warning(
        "the limit of open files leaves room for fewer connections; raise it (ulimit -n)",
        connections=room,
        asked=settings.max_connections,
        open_files=soft,
    )
    return room
