"""Opening the store that the settings name, at this version's schema."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from ringback.kit import sqlite
from ringback.kit.clock import Clock
from ringback.kit.ids import IdMaker
from ringback.operator_error import SERVICE_MISSING, OperatorError
from ringback.settings import Settings
from ringback.storage import migrate
from ringback.storage.sqlite import SqliteStore
from ringback.storage.store import Store

FILE = "ringback.db"


def file_of(settings: Settings) -> Path:
    return settings.data / FILE


def bring_up(settings: Settings) -> bool:
    """Migrate the store; whether there was anything to do. Raises `OperatorError` when it can't be opened."""
    path = file_of(settings)
    try:
        return migrate.migrate(migrate.engine_for_file(path))
    except (DatabaseError, sqlite.module.Error, OSError) as error:
        reason = getattr(error, "orig", None) or error
        raise OperatorError(
            f"the store {path} can't be opened ({reason}): check the disk and the folder, or choose another with --data",
            exit_code=SERVICE_MISSING,
        ) from None


async def open_store(settings: Settings, clock: Clock, ids: IdMaker, wake: Callable[[str], None]) -> Store:
    """A started store. Raises `OperatorError`."""
    await asyncio.to_thread(bring_up, settings)
    store = SqliteStore(file_of(settings), clock, ids, wake)
    await store.start()
    return store
