"""Migrations: from empty to what the code says, once however many try; and what they make of what is stored."""

import threading
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, Table, insert, select, text

from ringback.operator_error import OperatorError
from ringback.storage import indexes, migrate
from ringback.storage.opening import bring_up
from ringback.storage.schema import metadata
from ringback.storage.tx import Row
from ringback.testing.server import OwnSettings
from tests.storage.recount import TABLES, counted, kept

pytestmark = pytest.mark.unit

assert indexes
"""Importing it puts the indexes into the metadata."""


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    if request.param == "sqlite":
        return migrate.engine_for_file(tmp_path / "store.db")
    return migrate.engine_for_url(request.getfixturevalue("empty_postgres_url"))


def test_from_empty_to_what_the_code_says(empty: Engine) -> None:
    assert migrate.revision_of(empty) is None
    assert migrate.migrate(empty)
    assert not migrate.migrate(empty)
    assert migrate.revision_of(empty) == migrate.HEAD
    with empty.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []


def test_a_store_of_a_newer_version_is_left_alone(empty: Engine, tmp_path: Path) -> None:
    migrate.migrate(empty)
    with empty.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(migrate.StoreIsNewer, match="9999"):
        migrate.migrate(empty)
    assert migrate.revision_of(empty) == "9999"
    if empty.dialect.name == "sqlite":
        (tmp_path / "store.db").rename(tmp_path / "ringback.db")
        with pytest.raises(OperatorError, match="newer version") as told:
            bring_up(OwnSettings(data=tmp_path))
        assert told.value.exit_code == 3


def test_the_head_is_the_newest_migration() -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == migrate.HEAD


def test_a_migration_that_breaks_off_leaves_the_store_as_it_was(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the next start would meet half of its tables."""
    migrate.migrate(empty, to="0001")
    before = tables_and_columns(empty)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_index", broken)
        with pytest.raises(KeyboardInterrupt):
            migrate.migrate(empty)
    assert tables_and_columns(empty) == before
    assert migrate.revision_of(empty) == "0001"
    assert migrate.migrate(empty)


def tables_and_columns(engine: Engine) -> dict[str, list[str]]:
    with engine.connect() as conn:
        return {
            name: [column.name for column in table.columns] for name, table in migrate.tables_of(conn).items()
        }


def test_many_at_once_migrate_once(empty_postgres_url: str) -> None:
    done: list[bool] = []

    def work() -> None:
        done.append(migrate.migrate(migrate.engine_for_url(empty_postgres_url)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4
    assert migrate.revision_of(migrate.engine_for_url(empty_postgres_url)) == migrate.HEAD


def add(conn: Connection, table: Table, **values: Any) -> None:
    """A row; where nothing is given, nothing is in it."""
    empty = {c.name: 0 if c.type.python_type is int else "" for c in table.columns if not c.nullable}
    conn.execute(insert(table).values({**empty, **values}))


def rows(conn: Connection, name: str) -> list[Row]:
    return [dict(row._mapping) for row in conn.execute(select(metadata.tables[name]))]


def test_counters_are_filled_from_what_is_stored(empty: Engine) -> None:
    """A store of the first version gets counters that equal its rows."""
    day, agents = 86_400_000, dict[str, str]()
    with empty.begin() as conn:
        command.upgrade(migrate._config(conn), "0001")
        then = MetaData()
        then.reflect(conn)
        tables = then.tables
        for account in ("acct_a", "acct_b", "acct_empty"):
            stored = 0 if account == "acct_empty" else 30
            add(conn, tables["accounts"], id=account, message_count=stored, delivery_count=stored)
        for n in range(60):
            account, agent = ("acct_a", "acct_b")[n % 2], (None, "agt_1", "agt_2")[n % 3]
            own = {"account_id": account, "number_id": f"num_{n % 4}"}
            add(conn, tables["conversations"], **own, id=f"conv_{n}", agent_id=agent, party=f"{n}")
            add(
                conn,
                tables["messages"],
                **own,
                id=f"msg_{n}",
                conversation_id=f"conv_{n}",
                at=1_800_000_000_000 + n * day // 9 - n % 2,
                segments=n % 5,
            )
            agents[f"msg_{n}"] = agent or ""
            add(
                conn,
                tables["deliveries"],
                account_id=account,
                id=f"whd_{n}",
                agent_id=agent,
                event_type=("agent.message", "agent.reaction")[n % 7 == 0],
                message_id=None if n % 10 == 0 else f"msg_{n}",
                status=("pending", "delivered", "failed")[n % 3],
                created_at=1_800_000_000_000 + n * day // 7,
            )
    assert migrate.migrate(empty)
    with empty.connect() as conn:
        expected = counted(rows(conn, "messages"), rows(conn, "deliveries"), agents)
        for table in TABLES:
            assert kept(table, rows(conn, table.name)) == expected[table], table.name
        assert {row["call_count"] for row in rows(conn, "accounts")} == {0}


def test_what_is_queued_is_weighed(empty: Engine) -> None:
    """A text that waits in a store of the second version has its validity and its segments in the third."""
    with empty.begin() as conn:
        command.upgrade(migrate._config(conn), "0002")
        then = MetaData()
        then.reflect(conn)
        own = {"account_id": "acct_a"}
        for kind, subject in (("text", "msg_1"), ("webhook", "whd_1")):
            add(conn, then.tables["outbox"], **own, id=f"out_{kind}", kind=kind, subject_id=subject)
            add(conn, then.tables["lanes"], **own, id=f"{kind}:1", kind=kind)
        add(conn, then.tables["messages"], **own, id="msg_1", segments=3, valid_until=1_800_000_000_000)
    assert migrate.migrate(empty)
    with empty.connect() as conn:
        work = {row["kind"]: row for row in rows(conn, "outbox")}
        assert (work["text"]["expires_at"], work["text"]["segments"]) == (1_800_000_000_000, 3)
        assert (work["webhook"]["expires_at"], work["webhook"]["segments"]) == (None, 0)
        carriers = {row["kind"]: row["carrier"] for row in rows(conn, "lanes")}
        assert carriers == {"text": "simulated", "webhook": ""}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:swordfish@127.0.0.1:1/phones",
        "postgresql://ada:swordfish@127.0.0.1:port/phones",
        "postgresql:///phones?host=/nowhere&password=swordfish",
    ],
)
def test_a_database_that_is_not_there_is_told_without_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as told:
        bring_up(OwnSettings(data=tmp_path, database_url=url))
    assert "swordfish" not in told.value.line
    assert "RINGBACK_DATABASE_URL" in told.value.line
    assert told.value.exit_code == 3


def test_a_database_without_the_name_is_told(postgres_url: str, tmp_path: Path) -> None:
    url = postgres_url.replace("postgresql:///", "postgresql:///no_")
    with pytest.raises(OperatorError, match=r"database no_.* does not exist"):
        bring_up(OwnSettings(data=tmp_path, database_url=url))
