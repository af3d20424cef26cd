"""Migrations: from empty to what the code says, once however many try."""

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from ringback.operator_error import OperatorError
from ringback.storage import indexes, migrate
from ringback.storage.opening import bring_up
from ringback.storage.schema import metadata
from ringback.testing.server import OwnSettings

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


def test_the_head_is_the_newest_migration() -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == migrate.HEAD


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
