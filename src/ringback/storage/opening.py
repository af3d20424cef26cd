"""Opening the store that the settings name, at this version's schema."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, DBAPIError

from ringback.kit import sqlite
from ringback.kit.clock import Clock
from ringback.kit.ids import IdMaker
from ringback.kit.notices import Sender
from ringback.operator_error import SERVICE_MISSING, OperatorError
from ringback.running import STORE
from ringback.settings import Settings
from ringback.storage import migrate
from ringback.storage.sealing import KEY_FILE, Sealer, load_or_create
from ringback.storage.sqlite import SqliteStore
from ringback.storage.store import Store


def file_of(settings: Settings) -> Path:
    return settings.data / STORE


def engine_of(settings: Settings) -> Engine:
    """An engine on the store that the settings name, whatever its revision. Raises `OperatorError` without a driver."""
    if settings.database_url is None:
        return migrate.engine_for_file(file_of(settings))
    _need_driver()
    return migrate.engine_for_url(settings.database_url)


def bring_up(settings: Settings) -> bool:
    """Migrate the store; whether there was anything to do. Raises `OperatorError` when it can't be opened."""
    try:
        if settings.database_url is not None:
            return _bring_up_database(settings.database_url)
        return _bring_up_file(file_of(settings))
    except migrate.StoreIsNewer as newer:
        raise OperatorError(
            f"the store was written by a newer version of Ringback (its revision is {newer}, this version knows"
            f" {migrate.HEAD}): run that version, or choose another store with --data or --database",
            exit_code=SERVICE_MISSING,
        ) from None


def _bring_up_file(path: Path) -> bool:
    try:
        return migrate.migrate(migrate.engine_for_file(path))
    except (DatabaseError, sqlite.module.Error, OSError) as error:
        reason = getattr(error, "orig", None) or error
        raise OperatorError(
            f"the store {path} can't be opened ({reason}): check the disk and the folder, or choose another with --data",
            exit_code=SERVICE_MISSING,
        ) from None


def _bring_up_database(url: str) -> bool:
    _need_driver()
    from ringback.storage.postgres.link import unreachable

    try:
        return migrate.migrate(migrate.engine_for_url(url))
    except DBAPIError as error:
        raise unreachable(url, error.orig or error) from None


def _need_driver() -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise OperatorError(
            "PostgreSQL needs its driver: run .venv/bin/uv pip install '.[postgres]' in Ringback's folder"
        ) from None


async def open_store(
    settings: Settings, clock: Clock, ids: IdMaker, wake: Callable[[str], None], sender: Sender | None = None
) -> Store:
    """A started store. `sender` is this process in the notices between processes. Raises `OperatorError`."""
    await asyncio.to_thread(bring_up, settings)
    store = _store_of(settings, clock, ids, wake, sender or Sender())
    await store.start()
    return store


def _store_of(
    settings: Settings, clock: Clock, ids: IdMaker, wake: Callable[[str], None], sender: Sender
) -> Store:
    if settings.database_url is None:
        return SqliteStore(file_of(settings), clock, ids, wake)
    from ringback.storage.postgres import PostgresStore

    return PostgresStore(settings.database_url, clock, ids, wake, sender, readers=settings.pg_pool_size)


def open_sealer(settings: Settings, *, sealed_before: bool) -> Sealer:
    """The keys of this store. A new one beside a store that holds sealed secrets would open nothing of it."""
    key = settings.secret_key.get_secret_value() if settings.secret_key else None
    file = settings.data / KEY_FILE
    if sealed_before and key is None and not file.exists():
        raise OperatorError(
            f"{file} is missing and opens this store's secrets: restore it, or set RINGBACK_SECRET_KEY"
        )
    try:
        return load_or_create(settings.data, key)
    except (ValueError, OSError) as error:
        raise OperatorError(f"{file}: {error}") from None
