"""How each part of a server is: one line each, fine or what to do (`ringback check`)."""

from typing import Any

from ringback.kit import sqlite
from ringback.kit.http import AddressPolicy, OutgoingHttp
from ringback.llm.configured import TIERS, endpoint_of
from ringback.llm.looking import trouble_of
from ringback.settings import Settings
from ringback.speech import registry, services
from ringback.speech.protocol import SpeechMissing
from ringback.storage.store import Store

_FIXED_SQLITE = (3, 51, 3)
_SHOWN = 3
_VOICE = registry.VOICE.brings


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
        part("carrier", trouble is None, f"{trouble} ({where})" if trouble else f"simulated, {where}"),
        part("public URL", True, public),
        check_voice(),
        check_speech(settings),
    ]


def check_voice() -> dict[str, Any]:
    """Whether calls can be held, or what to install; a server for texts alone is fine without."""
    lacks = registry.VOICE.lacks()
    return part(
        "voice", True, "pipecat is installed" if lacks is None else f"calls need the extra voice: {_VOICE}"
    )


def check_speech(settings: Settings) -> dict[str, Any]:
    """What hears and speaks on calls, or what to install; a server for texts alone is fine without."""
    engines = []
    for choose, setting, what in (
        (registry.hearing_engine, settings.speech_stt, services.HEAR),
        (registry.speaking_engine, settings.speech_tts, services.SPEAK),
    ):
        try:
            engine = choose(setting)
            if engine is registry.HOSTED:
                engines.append(services.read(settings.data, what).name)
                continue
        except SpeechMissing as error:
            needed = setting != registry.AUTO
            return part("speech", not needed, str(error) if needed else f"calls have none: {error}")
        engines.append(f"{engine.name} ({engine.note})" if engine.note else engine.name)
    return part("speech", True, f"hears with {engines[0]}, speaks with {engines[1]}")


async def check_model(settings: Settings) -> dict[str, Any]:
    """Whether the language model of hosted agents is there, or who stands in for it."""
    found = {tier: endpoint for tier in TIERS if (endpoint := endpoint_of(settings, tier)) is not None}
    if not found:
        return part(
            "model", True, "none: the demo brain (rules) speaks for hosted agents; set llm_url for a model"
        )
    http = OutgoingHttp(AddressPolicy(loopback_allowed=True))
    try:
        trouble = await trouble_of(http, list(found.values()))
    finally:
        await http.close()
    names = ", ".join(dict.fromkeys(endpoint.model for endpoint in found.values()))
    return part("model", trouble is None, trouble or f"{names} at {settings.llm_url}")


async def checkup(settings: Settings, store: Store, *, trouble: str | None) -> list[dict[str, Any]]:
    return [
        await check_store(settings, store),
        *await check_webhooks(store),
        *check_settings(settings, trouble=trouble),
        await check_model(settings),
    ]
