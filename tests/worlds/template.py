"""The files that every world begins with: three accounts with their agents, numbers, endpoints, and three phones."""

import asyncio
import atexit
import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from ringback.testing.server import make_template
from tests.worlds.plan import Plan
from tests.worlds.world import HOOKS, STATUSES, Who, World, in_virtual_time

_TOLD = """
CREATE TABLE told (seq INTEGER PRIMARY KEY, kind TEXT, data TEXT);
CREATE TRIGGER remember AFTER INSERT ON carrier_events
BEGIN INSERT INTO told (kind, data) VALUES (new.kind, new.data); END;
CREATE TABLE taken (seq INTEGER PRIMARY KEY, reference TEXT);
CREATE TRIGGER remember_taken AFTER INSERT ON submitted
BEGIN INSERT INTO taken (reference) VALUES (new.reference); END;
"""
"""What the network forgets and the oracle needs: all that it told, and the order of what it took."""


@cache
def template(base: Path) -> Path:
    """The folder, made once a process; it is made as a world is, so that it is the same each time."""
    above = tempfile.mkdtemp(prefix="worlds-", dir=base)
    atexit.register(shutil.rmtree, above, ignore_errors=True)
    folder = Path(above) / "template"
    folder.mkdir()
    make_template(folder)
    world = World(Plan(0, False, (), ()), folder)
    in_virtual_time(world, lambda: _furnish(world))
    for file in folder.glob("*.db"):
        with closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for left in (*folder.glob("*-wal"), *folder.glob("*-shm")):
        left.unlink()
    return folder


async def _furnish(world: World) -> None:
    await world.begin()
    a, b, s = world.who
    server = world.life.server
    a.key = server.book.key_file.read_text().strip()
    b.key = (await server.book.create_account("other")).key
    s.key, s.sub = a.key, (await world.must(a, "POST", "/v1/sub-accounts", {"name": "sub"}))["id"]
    for who, numbers in ((a, 2), (b, 1), (s, 1)):
        await _settle(world, who, numbers)
    for who, host in zip((a, b, s), HOOKS, strict=True):
        ordered = {"ordered": who is b, "events": STATUSES if who is a else []}
        asked = {"url": f"https://{host}/hook", "contextLimit": 3, "timeout": 10, "ringback": ordered}
        who.secrets = {"": {(await world.must(who, "POST", "/v1/webhooks", asked))["secret"]}}
    for n in range(3):
        await world.network.create_handset(phone_number=f"+1415236010{n}")
    known = {"who": [_known(who) for who in world.who]}
    (world.folder / "known.json").write_text(json.dumps(known))
    await asyncio.sleep(1)
    await world._end()
    with closing(sqlite3.connect(world.folder / "network.db")) as db:
        db.executescript(_TOLD)


async def _settle(world: World, who: Who, numbers: int) -> None:
    who.agent_id = (await world.must(who, "POST", "/v1/agents", {"name": "Desk"}))["id"]
    for _ in range(numbers):
        number = await world.must(who, "POST", "/v1/numbers", {"agentId": who.agent_id})
        who.numbers.append(number)
    rows = await world.life.server.store.read(lambda db: _owner(db, who.numbers[0]["phoneNumber"]))
    who.account_id = rows["account_id"]


def _owner(db: Any, e164: str) -> Any:
    from ringback.storage.schema import number_owners

    return db.get(number_owners, e164)


def _known(who: Who) -> dict[str, Any]:
    kept = ("key", "sub", "account_id", "agent_id")
    numbers = [{name: number[name] for name in ("id", "phoneNumber")} for number in who.numbers]
    return {**{name: getattr(who, name) for name in kept}, "numbers": numbers, "secret": min(who.secrets[""])}
