"""Brings a store to the schema of this version."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from ringback.kit import sqlite
from ringback.storage.schema import metadata

HEAD = "0004"
"""The newest revision; a test keeps it equal to the migrations' own head."""
VERSION_TABLE = "alembic_version"


class StoreIsNewer(Exception):
    """The store was written by a newer version; going back would lose what that one keeps."""


def engine_for_file(path: Path) -> Engine:
    return create_engine("sqlite://", creator=lambda: _plain(path), module=sqlite.module, poolclass=NullPool)


def _plain(path: Path) -> sqlite.Connection:
    conn = sqlite.connect(path)
    conn.row_factory = None
    return conn


def engine_for_url(url: str) -> Engine:
    """An engine for a URL of PostgreSQL's own kind, which says more than SQLAlchemy's (several hosts, sockets)."""
    import psycopg

    return create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url, connect_timeout=5), poolclass=NullPool
    )


def revision_of(engine: Engine) -> str | None:
    """The revision that a store is at; None for an empty one."""
    with engine.connect() as conn:
        if not inspect(conn).has_table(VERSION_TABLE):
            return None
        found: str | None = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found


@contextlib.contextmanager
def all_or_nothing(engine: Engine) -> Iterator[Connection]:
    """One transaction, changes of the schema included. SQLite's driver would begin none by itself."""
    with engine.begin() as conn:
        if engine.dialect.name == "sqlite":
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        yield conn


def clear(engine: Engine) -> None:
    """Drop the tables of a store; those of others in the same database stay."""
    if revision_of(engine) is None:
        return
    with all_or_nothing(engine) as conn:
        own = tables_of(conn)
        next(iter(own.values())).metadata.drop_all(conn, tables=list(own.values()))


def tables_of(conn: Connection) -> dict[str, Table]:
    """The store's tables as they are in the database, by name, the one of its revision among them."""
    found = MetaData()
    found.reflect(conn, only=lambda name, _: name in metadata.tables or name == VERSION_TABLE)
    return dict(found.tables)


def migrate(engine: Engine, to: str = HEAD) -> bool:
    """Bring the store to a revision; whether there was anything to do. Several processes may try at once.

    Raises `StoreIsNewer`, changing nothing.
    """
    found = revision_of(engine)
    if found == to:
        return False
    # Revisions are numbers that count up.
    if found is not None and found > to:
        raise StoreIsNewer(found)
    # Importing Alembic takes longer than starting the rest: only where there is work for it.
    from alembic import command

    with all_or_nothing(engine) as conn:
        if engine.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_advisory_xact_lock(72464225)"))
        command.upgrade(_config(conn), to)
    return True


def _config(connection: Any) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
