"""All rows of a store as lines of JSON, from one moment, and back into an empty store of either kind.

Each table is one member of a ZIP file, `rows/<table>.jsonl`: first the names of its columns, then a list for each row.
`store.json` tells the revision of the schema; what comes back is brought to this version's afterwards.
"""

import json
from collections.abc import Iterator
from typing import Any, Final
from zipfile import ZipFile

from sqlalchemy import Connection, Engine, Table, func, insert, select

from ringback.storage import migrate

FORMAT: Final = 1
MANIFEST: Final = "store.json"
_MANY: Final = 1_000
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class NotEmpty(Exception):
    """The store to restore into holds something."""


class BadBackup(Exception):
    """The file is no backup, or one that this version can't read; the message says why."""


def dump(engine: Engine, file: ZipFile) -> dict[str, int]:
    """Write every row; answers how many each table had. Writers go on meanwhile."""
    counts: dict[str, int] = {}
    level = "REPEATABLE READ" if engine.dialect.name == "postgresql" else "SERIALIZABLE"
    with engine.connect().execution_options(isolation_level=level, stream_results=True) as conn:
        if engine.dialect.name == "sqlite":
            # The driver begins nothing by itself, and a reader's snapshot is that of its first SELECT.
            conn.exec_driver_sql("BEGIN")
        tables = migrate.tables_of(conn)
        revision = conn.execute(select(tables.pop(migrate.VERSION_TABLE).c.version_num)).scalar_one()
        for name, table in sorted(tables.items()):
            counts[name] = _dump_table(conn, table, file)
        conn.rollback()
    manifest = {"format": FORMAT, "revision": revision, "rows": counts}
    file.writestr(MANIFEST, json.dumps(manifest, indent=2))
    return counts


def _dump_table(conn: Connection, table: Table, file: ZipFile) -> int:
    rows = 0
    with file.open(f"rows/{table.name}.jsonl", "w", force_zip64=True) as member:
        member.write(_to_json([column.name for column in table.columns]).encode() + b"\n")
        for many in conn.execute(select(table)).partitions(_MANY):
            member.write("".join(_to_json(list(row)) + "\n" for row in many).encode())
            rows += len(many)
    return rows


def manifest_of(file: ZipFile) -> dict[str, Any]:
    """What a backup says of itself. Raises `BadBackup`."""
    try:
        manifest: dict[str, Any] = json.loads(file.read(MANIFEST))
        known = isinstance(manifest["revision"], str) and isinstance(manifest["rows"], dict)
    except (KeyError, ValueError, TypeError):
        raise BadBackup("it is no backup of Ringback") from None
    if not known or manifest.get("format") != FORMAT or manifest["revision"] > migrate.HEAD:
        raise BadBackup("it was written by a newer version of Ringback")
    return manifest


def load(engine: Engine, file: ZipFile) -> dict[str, int]:
    """Bring a backup's rows into an empty store, all or nothing, and that to this version's schema.

    Answers how many rows each table got. Raises `BadBackup`, and `NotEmpty` for a store that holds an account.
    """
    manifest = manifest_of(file)
    if _holds_something(engine):
        raise NotEmpty
    migrate.clear(engine)
    migrate.migrate(engine, to=manifest["revision"])
    counts: dict[str, int] = {}
    with migrate.all_or_nothing(engine) as conn:
        tables = migrate.tables_of(conn)
        for name, told in manifest["rows"].items():
            if name not in tables:
                raise BadBackup(f"it holds a table {name[:64]} that no version has")
            counts[name] = _load_table(conn, tables[name], file)
            if counts[name] != told:
                raise BadBackup(f"it is damaged: {name} has {counts[name]} rows of {told}")
    migrate.migrate(engine)
    return counts


def _holds_something(engine: Engine) -> bool:
    with engine.connect() as conn:
        accounts = migrate.tables_of(conn).get("accounts")
        return accounts is not None and conn.execute(select(func.count()).select_from(accounts)).scalar() != 0


def _load_table(conn: Connection, table: Table, file: ZipFile) -> int:
    try:
        member = file.open(f"rows/{table.name}.jsonl")
    except KeyError:
        raise BadBackup(f"it is damaged: {table.name} is missing") from None
    rows = 0
    with member:
        names = json.loads(member.readline())
        for many in _batches(member):
            conn.execute(insert(table), [dict(zip(names, row, strict=True)) for row in many])
            rows += len(many)
    return rows


def _batches(lines: Iterator[bytes] | Any) -> Iterator[list[list[Any]]]:
    many: list[list[Any]] = []
    for line in lines:
        many.append(json.loads(line))
        if len(many) == _MANY:
            yield many
            many = []
    if many:
        yield many
