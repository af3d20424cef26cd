"""A commit reaches the disk before it is acknowledged, on SQLite."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ringback.kit import sqlite
from tests.storage.world import World

pytestmark = pytest.mark.unit

UNITS = 25


def test_connections_that_write_are_fully_synchronous(tmp_path: Path) -> None:
    conn = sqlite.connect(tmp_path / "x.db")
    assert conn.execute("PRAGMA synchronous").fetchone() == {"synchronous": 2}
    assert conn.execute("PRAGMA journal_mode").fetchone() == {"journal_mode": "wal"}
    conn.close()


async def _write(data: Path) -> None:
    async with World(data, None) as world:
        os.write(1, b"begin\n")
        for n in range(UNITS):
            await world.send(world.text(f"+1212555{n:04d}"))
        os.write(1, b"end\n")


def test_each_commit_is_a_sync(tmp_path: Path) -> None:
    """Where the system's calls can be watched: at least one `fdatasync` for each unit that was waited for."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is missing: apt-get install strace")
    log = tmp_path / "calls"
    command = [strace, "-f", "-e", "trace=fdatasync,fsync,write", "-s", "8", "-o", str(log)]
    program = [sys.executable, "-m", "tests.storage.test_durability", str(tmp_path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, *program], cwd=root, capture_output=True, text=True, check=False, timeout=50
    )
    if "ptrace" in done.stderr.lower():
        return  # not allowed in this sandbox
    assert done.returncode == 0, done.stderr
    calls = log.read_text()
    between = calls[calls.index('"begin') : calls.index('"end')]
    assert len(re.findall(r"f(?:data)?sync\(", between)) >= UNITS


if __name__ == "__main__":
    asyncio.run(_write(Path(sys.argv[1])))
