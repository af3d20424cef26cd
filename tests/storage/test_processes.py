"""Three processes on one database: no deadlock, no lost count."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ringback.flows import send_text as flow
from ringback.flows.send_text import SendText
from ringback.kit.clock import MovableClock
from ringback.kit.ids import IdMaker
from ringback.storage import schema
from ringback.storage.opening import open_store
from ringback.testing.server import OwnSettings
from tests.storage.world import LINE, World

pytestmark = pytest.mark.fault

PROCESSES, CLIENTS, EACH = 3, 32, 20


async def _write(url: str, data: Path, account: str, numbers: list[str]) -> None:
    clock = MovableClock()
    settings = OwnSettings(data=data, database_url=url)
    store = await open_store(settings, clock, IdMaker(clock), lambda topic: None)

    async def client(n: int) -> None:
        for k in range(EACH):
            to = f"+1212555{(n * 37 + k * 11) % 200:04d}"
            asked = SendText(account, to, f"{n} {k}", number_id=numbers[(n + k) % len(numbers)])
            await store.write(
                lambda tx, asked=asked: flow.send_text(tx, LINE, asked),  # type: ignore[misc]
                account=account,
                needs=flow.needs(LINE, asked),
            )

    await asyncio.gather(*[client(n) for n in range(CLIENTS)])
    await store.stop()


async def test_three_processes_share_two_hundred_conversations(shared_world: World, tmp_path: Path) -> None:
    world = shared_world
    url = world.settings.database_url
    assert url is not None
    before = await deadlocks(world)
    command = [
        sys.executable,
        "-m",
        "tests.storage.test_processes",
        url,
        str(tmp_path),
        world.account,
        *world.numbers,
    ]
    root = Path(__file__).parents[2]
    writers = [
        subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(PROCESSES)
    ]
    for writer in writers:
        _, errors = await asyncio.to_thread(writer.communicate, timeout=50)
        assert writer.returncode == 0, errors
    total = PROCESSES * CLIENTS * EACH
    head = await world.head()
    conversations = await world.rows(schema.conversations)
    assert (head["message_count"], head["event_seq"]) == (total, total + len(conversations))
    assert head["conversation_count"] == len(conversations)
    assert sum(row["message_count"] for row in conversations) == total
    assert [row["seq"] for row in await world.rows(schema.events)] == list(range(1, head["event_seq"] + 1))
    assert sum(row["backlog"] for row in await world.rows(schema.lanes)) == total
    for table in (schema.usage_days, schema.usage_quarters):
        assert sum(row["messages"] for row in await world.rows(table)) == total
    for number in world.numbers:
        messages = await world.rows(schema.messages, number_id=number)
        queued = await world.rows(schema.events, type="message.queued")
        events = {row["data"]: row["seq"] for row in queued}
        by_time = sorted(messages, key=lambda row: int(row["at"]))
        seqs = [next(seq for data, seq in events.items() if row["id"] in data) for row in by_time[:50]]
        assert len({row["at"] for row in messages}) == len(messages)
        assert seqs == sorted(seqs)
    assert await deadlocks(world) == before


async def deadlocks(world: World) -> int:
    import psycopg

    assert world.settings.database_url is not None
    with psycopg.connect(world.settings.database_url) as conn:
        row = conn.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    _url, _data, _account, *_numbers = sys.argv[1:]
    assert re.match("acct_", _account)
    asyncio.run(_write(_url, Path(_data), _account, _numbers))
