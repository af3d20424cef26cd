"""What the command line does with a store while no server runs on it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from ringback.accounts.book import AccountBook
from ringback.checkup import check_model, check_settings, check_store, check_webhooks, part
from ringback.kit.clock import MovableClock
from ringback.kit.faults import Fault
from ringback.kit.ids import IdMaker
from ringback.operator_error import OperatorError
from ringback.settings import Settings
from ringback.storage import facts
from ringback.storage.opening import bring_up, open_store
from ringback.storage.store import Store

T = TypeVar("T")


def create_key(
    settings: Settings, name: str | None, expires_days: int | None, account_id: str | None
) -> dict[str, Any]:
    """A new key of an account, the first one unless another is named: `{id, key, accountId}`.

    Raises `OperatorError` for an unknown account.
    """

    async def act(book: AccountBook) -> dict[str, Any]:
        await book.open_first()
        made = await book.create_key(name or "command line", expires_days, account_id=account_id)
        return {"id": made.id, "key": made.key, "accountId": made.account_id}

    return _with_book(settings, act)


def list_keys(settings: Settings) -> dict[str, Any]:
    async def act(book: AccountBook) -> dict[str, Any]:
        return {"data": await book.list_keys()}

    return _with_book(settings, act)


def revoke_key(settings: Settings, key_id: str) -> None:
    """Raises `OperatorError` for an unknown key."""
    _with_book(settings, lambda book: book.revoke_key(key_id))


def hide_first_key(settings: Settings) -> None:
    async def act(book: AccountBook) -> None:
        book.hide_first_key()

    _with_book(settings, act)


def migrate(settings: Settings) -> str:
    """Bring the store to this version; answers what was done."""
    return (
        "the store was brought to this version"
        if bring_up(settings)
        else "the store is at this version already"
    )


def check(settings: Settings) -> list[dict[str, Any]]:
    """How each part is, as far as it can be told without a server."""
    if not settings.on_postgres and not settings.data.exists():
        return [_new_folder(settings.data), *check_settings(settings), asyncio.run(check_model(settings))]

    async def act(store: Store) -> list[dict[str, Any]]:
        return [
            await check_store(settings, store),
            *await check_webhooks(store),
            *check_settings(settings),
            await check_model(settings),
        ]

    return asyncio.run(_with_store(settings, act))


def _new_folder(data: Path) -> dict[str, Any]:
    above = next(folder for folder in data.parents if folder.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return part("store", True, f"{data} is made at the first start")
    return part(
        "store", False, f"{data} can't be made in {above}: choose another with --data or RINGBACK_DATA"
    )


def _with_book(settings: Settings, act: Callable[[AccountBook], Awaitable[T]]) -> T:
    try:
        return asyncio.run(_with_store(settings, lambda store: act(AccountBook(store, settings.data))))
    except Fault as fault:
        raise OperatorError(fault.message) from None


async def _with_store(settings: Settings, act: Callable[[Store], Awaitable[T]]) -> T:
    clock = MovableClock()
    store = await open_store(settings, clock, IdMaker(clock), lambda topic: None)
    try:
        await store.read(lambda db: facts.load_clock(db, clock))
        return await act(store)
    finally:
        await store.stop()
