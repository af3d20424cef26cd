"""Each test on a store runs on both kinds."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.postgres import databases, empty_postgres_url, postgres_url
from tests.storage.world import World

__all__ = ["databases", "empty_postgres_url", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """The URL of a PostgreSQL database, or None for SQLite."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def world(database_url: str | None, tmp_path: Path) -> AsyncIterator[World]:
    """An open store with an account that holds numbers, and a clock that stands still."""
    async with World(tmp_path, database_url) as world:
        yield world


@pytest.fixture
async def shared_world(postgres_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """As `world`, on PostgreSQL only."""
    async with World(tmp_path, postgres_url) as world:
        yield world
