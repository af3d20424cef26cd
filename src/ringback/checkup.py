"""How each part of a server is: one line each, fine or what to do (`ringback check`)."""

from typing import Any

from ringback.kit import sqlite
from ringback.settings import Settings
from ringback.storage.store import Store

_FIXED_SQLITE = (3, 51, 3)
_SHOWN = 3


def part(name: str, ok: bool, line: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "line": line}


async def check_store(settings: Settings, store: Store) -> dict[str, Any]:
    """Whether the store answers, and what it is."""
    from ringback.accounts.keys import list_keys

    try:
        live = sum(row["revoked_at"] is None for row in await store.read(list_keys))
        count = f"{live} live key{'' if live == 1 else 's'}"
        trouble = await store.trouble()
    except Exception as error:
        return part("store", False, f"does not answer ({type(error).__name__}): look at its server or disk")
    if trouble is not None:
        return part("store", False, f"{trouble}: make room on the disk")
    if settings.on_postgres:
        return part("store", True, f"PostgreSQL, {count}")
    return part("store", True, f"{settings.data}, SQLite {sqlite.VERSION}{_sqlite_note()}, {count}")


async def check_webhooks(store: Store) -> list[dict[str, Any]]:
    """Whether endpoints are switched off, as far as the store answers."""
    from ringback.webhooks.store import switched_off

    try:
        off = await store.read(lambda db: switched_off(db, most=_SHOWN + 1))
    except Exception:
        return []
    if not off:
        return [part("webhooks", True, "no endpoint is switched off")]
    named = ", ".join(f"{row['id']} of {row['account_id']}" for row in off[:_SHOWN])
    more = " and more" if len(off) > _SHOWN else ""
    line = f"switched off after days of failures: {named}{more}: repair and POST /v1/webhooks/enable"
    return [part("webhooks", False, line)]


def _sqlite_note() -> str:
    version = tuple(int(number) for number in sqlite.VERSION.split("."))
    if version >= _FIXED_SQLITE:
        return ""
    return " (older than 3.51.3: let no other program write or checkpoint the file)"


def check_settings(settings: Settings, *, trouble: str | None = None) -> list[dict[str, Any]]:
    """What the settings alone say, and what is wrong with the carrier if that was asked."""
    where = (
        f"in a process of its own at {settings.sim_url}" if settings.sim_url else "in the server's process"
    )
    public = settings.public_url or "none: only this machine can call back"
    return [
        part("carrier", trouble is None, trouble or f"simulated, {where}"),
        part("public URL", True, public),
    ]


async def checkup(settings: Settings, store: Store, *, trouble: str | None) -> list[dict[str, Any]]:
    return [
        await check_store(settings, store),
        *await check_webhooks(store),
        *check_settings(settings, trouble=trouble),
    ]
