"""Backups: every row of a moment, and back, also into the other kind of store."""

import asyncio
import io
import json
import os
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import Engine, insert, select, text

from ringback import cli
from ringback.backup import back_up, restore
from ringback.operator_error import OperatorError
from ringback.settings import Settings
from ringback.storage import dump, migrate
from ringback.storage.schema import accounts, events, messages, metadata
from ringback.testing.server import OwnSettings
from tests.storage.world import World

pytestmark = pytest.mark.unit


def engine_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> Engine:
    if kind == "sqlite":
        folder.mkdir(exist_ok=True)
        return migrate.engine_for_file(folder / "store.db")
    return migrate.engine_for_url(request.getfixturevalue("empty_postgres_url"))


def rows_of(engine: Engine) -> dict[str, Sequence[Any]]:
    with engine.connect() as conn:
        return {
            name: sorted(map(tuple, conn.execute(select(table)))) for name, table in metadata.tables.items()
        }


def fill(engine: Engine, count: int) -> None:
    migrate.migrate(engine)
    with engine.begin() as conn:
        conn.execute(insert(accounts), {"id": "acct_1", "name": "Zoë\n“quoted”\t😀", "created_at": 1})
        conn.execute(
            insert(events),
            [
                {"account_id": "acct_1", "seq": n, "id": f"evt_{n}", "type": "t", "at": 1 << 40, "data": "{}"}
                for n in range(count)
            ],
        )


def dumped(engine: Engine) -> io.BytesIO:
    raw = io.BytesIO()
    with ZipFile(raw, "w") as file:
        dump.dump(engine, file)
    return raw


@pytest.mark.parametrize(
    ("source", "target"), [("sqlite", "sqlite"), ("sqlite", "postgres"), ("postgres", "sqlite")]
)
def test_every_row_comes_back(
    source: str, target: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    before = engine_of(source, request, tmp_path / "a")
    fill(before, 2_345)
    raw = dumped(before)
    after = engine_of(target, request, tmp_path / "b")
    with ZipFile(raw) as file:
        counts = dump.load(after, file)
    assert counts["events"] == 2_345
    assert rows_of(after) == rows_of(before)
    assert migrate.revision_of(after) == migrate.HEAD


def test_an_older_version_s_backup_is_brought_up(tmp_path: Path) -> None:
    old = migrate.engine_for_file(tmp_path / "old.db")
    migrate.migrate(old, to="0002")
    with old.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO lanes (id, account_id, kind, in_flight, backlog) VALUES ('l', 'a', 'text', 0, 0)"
            )
        )
    new = migrate.engine_for_file(tmp_path / "new.db")
    with ZipFile(dumped(old)) as file:
        dump.load(new, file)
    with new.connect() as conn:
        assert conn.execute(text("SELECT carrier FROM lanes")).scalar_one() == "simulated"
    assert migrate.revision_of(new) == migrate.HEAD


def test_tables_of_others_stay(empty_postgres_url: str, tmp_path: Path) -> None:
    ours = migrate.engine_for_file(tmp_path / "store.db")
    fill(ours, 1)
    shared = migrate.engine_for_url(empty_postgres_url)
    migrate.migrate(shared)
    with shared.begin() as conn:
        conn.execute(text("CREATE TABLE orders (id bigint)"))
        conn.execute(text("INSERT INTO orders VALUES (7)"))
    with ZipFile(dumped(ours)) as file:
        dump.load(shared, file)
    with shared.connect() as conn:
        assert conn.execute(text("SELECT id FROM orders")).scalar_one() == 7
    with ZipFile(dumped(shared)) as file:
        assert "rows/orders.jsonl" not in file.namelist()


async def test_a_moment_while_texts_are_sent(world: World) -> None:
    """What a reader of the copy finds fits together, however much is written meanwhile."""
    stop = asyncio.Event()

    async def send() -> None:
        n = 0
        while not stop.is_set():
            await asyncio.gather(
                *[world.send(world.text(f"+1212555{(n + i) % 9999:04d}")) for i in range(16)]
            )
            n += 16

    sending = asyncio.create_task(send())
    try:
        url = world.settings.database_url
        engine = (
            migrate.engine_for_url(url)
            if url
            else migrate.engine_for_file(world.settings.data / "ringback.db")
        )
        for _ in range(3):
            await asyncio.sleep(0.1)
            raw = await asyncio.to_thread(dumped, engine)
            with ZipFile(raw) as file:
                found = {
                    name: [json.loads(line) for line in file.read(f"rows/{name}.jsonl").splitlines()]
                    for name in ("accounts", "events", "messages")
                }
            head = dict(
                zip(
                    found["accounts"][0],
                    next(r for r in found["accounts"][1:] if world.account in r),
                    strict=True,
                )
            )
            assert len(found["messages"]) - 1 == head["message_count"] > 0
            assert len(found["events"]) - 1 == head["event_seq"]
    finally:
        stop.set()
        await sending


def settings_on(folder: Path) -> Settings:
    return OwnSettings(data=folder)


def whole(folder: Path) -> Settings:
    folder.mkdir()
    fill(migrate.engine_for_file(folder / "ringback.db"), 3)
    (folder / "secret.key").write_text("a key")
    return settings_on(folder)


def test_a_folder_and_back(tmp_path: Path) -> None:
    before = whole(tmp_path / "a")
    back_up(before, tmp_path / "copy.zip")
    assert os.stat(tmp_path / "copy.zip").st_mode & 0o777 == 0o600
    counts = restore(settings_on(tmp_path / "b"), tmp_path / "copy.zip")
    assert counts["events"] == 3
    assert (tmp_path / "b/secret.key").read_text() == "a key"
    assert os.stat(tmp_path / "b/secret.key").st_mode & 0o777 == 0o600


def test_recordings_come_along_unless_they_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole(tmp_path / "a")
    name = "recordings/acct_1/call_1.wav"
    (tmp_path / "a" / name).parent.mkdir(parents=True)
    (tmp_path / "a" / name).write_bytes(b"RIFF and sound")
    (tmp_path / "a/recordings/acct_1/notes.wav").write_bytes(b"no recording of a call")
    assert cli.main(["backup", str(tmp_path / "copy.zip"), "--data", str(tmp_path / "a")]) == 0
    assert "0 calls; 1 recordings" in capsys.readouterr().out
    restore(settings_on(tmp_path / "b"), tmp_path / "copy.zip")
    assert (tmp_path / "b" / name).read_bytes() == b"RIFF and sound"
    assert os.stat(tmp_path / "b" / name).st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "b/recordings/acct_1").iterdir()] == ["call_1.wav"]
    light = ["backup", str(tmp_path / "light.zip"), "--no-recordings", "--data", str(tmp_path / "a")]
    assert cli.main(light) == 0
    restore(settings_on(tmp_path / "c"), tmp_path / "light.zip")
    assert not (tmp_path / "c/recordings").exists()
    (tmp_path / "d" / name).parent.mkdir(parents=True)
    (tmp_path / "d" / name).write_bytes(b"another")
    with pytest.raises(OperatorError, match=r"call_1\.wav already: restore into an empty folder"):
        restore(settings_on(tmp_path / "d"), tmp_path / "copy.zip")
    assert (tmp_path / "d" / name).read_bytes() == b"another"


def test_a_backup_reaches_nothing_outside_the_folder(tmp_path: Path) -> None:
    back_up(whole(tmp_path / "a"), tmp_path / "copy.zip")
    with ZipFile(tmp_path / "copy.zip", "a") as file:
        for name in ("recordings/../../evil.wav", "recordings/acct_1/../../call_1.wav", "/call_1.wav"):
            file.writestr(f"data/{name}", b"x")
    restore(settings_on(tmp_path / "b"), tmp_path / "copy.zip")
    assert not list(tmp_path.rglob("*.wav"))


@pytest.mark.parametrize("key", ["in the backup", "in the settings", "elsewhere"])
def test_a_backup_without_the_key_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    before = whole(tmp_path / "a")
    if key != "in the backup":
        (tmp_path / "a/secret.key").unlink()
    back_up(before, tmp_path / "copy.zip")
    if key == "in the settings":
        monkeypatch.setenv("RINGBACK_SECRET_KEY", "ab" * 32)
    assert cli.main(["restore", str(tmp_path / "copy.zip"), "--data", str(tmp_path / "b")]) == 0
    told = capsys.readouterr()
    assert "rows, of them 0 messages" in told.out
    assert ("RINGBACK_SECRET_KEY" in told.err) is (key == "elsewhere")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    before = whole(tmp_path / "a")
    back_up(before, tmp_path / "copy.zip")
    kept = (tmp_path / "copy.zip").read_bytes()
    with pytest.raises(OperatorError, match="is there already"):
        back_up(before, tmp_path / "copy.zip")
    assert (tmp_path / "copy.zip").read_bytes() == kept
    with pytest.raises(OperatorError, match="already: restore into an empty folder"):
        restore(before, tmp_path / "copy.zip")
    (tmp_path / "a/secret.key").unlink()
    with pytest.raises(OperatorError, match="holds an account already"):
        restore(before, tmp_path / "copy.zip")


def test_what_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no zip")
    with ZipFile(tmp_path / "other.zip", "w") as file:
        file.writestr("a", "b")
    for name in ("text", "other.zip", "missing"):
        with pytest.raises(OperatorError, match=re.escape(name)) as told:
            restore(settings_on(tmp_path / "b"), tmp_path / name)
        assert "\n" not in told.value.line
    with pytest.raises(OperatorError, match="no store"):
        back_up(settings_on(tmp_path / "empty"), tmp_path / "copy.zip")
    assert not (tmp_path / "copy.zip").exists()
    with pytest.raises(OperatorError, match="can't be written: No such file"):
        back_up(whole(tmp_path / "a"), tmp_path / "none" / "copy.zip")


def test_a_damaged_backup_leaves_an_empty_store(tmp_path: Path) -> None:
    back_up(whole(tmp_path / "a"), tmp_path / "copy.zip")
    with ZipFile(tmp_path / "copy.zip") as good, ZipFile(tmp_path / "bad.zip", "w") as bad:
        for name in good.namelist():
            lines = good.read(name).splitlines(keepends=True)
            bad.writestr(name, b"".join(lines[:-1] if name == "rows/events.jsonl" else lines))
    with pytest.raises(OperatorError, match="damaged: events has 2 rows of 3"):
        restore(settings_on(tmp_path / "b"), tmp_path / "bad.zip")
    assert not (tmp_path / "b/secret.key").exists()
    with closing(migrate.engine_for_file(tmp_path / "b/ringback.db").connect()) as conn:
        assert conn.execute(select(messages)).all() == conn.execute(select(accounts)).all() == []
    assert restore(settings_on(tmp_path / "b"), tmp_path / "copy.zip")["events"] == 3


def test_a_newer_version_s_backup_is_left_alone(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "new.zip", "w") as file:
        file.writestr(dump.MANIFEST, json.dumps({"format": 1, "revision": "9999", "rows": {}}))
    with pytest.raises(OperatorError, match="newer version"):
        restore(settings_on(tmp_path / "b"), tmp_path / "new.zip")
