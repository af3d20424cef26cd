"""A server and its network in processes of their own, with what the clients know of them."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from ringback.storage import migrate
from tests.faults.processes import Process, environment
from tests.postgres import Cluster, Databases, binaries_of_our_own, cluster


@dataclass
class World:
    """A server with its agents' numbers, the network with its handsets, and what the clients were told."""

    server: Process
    sim: Process
    http: aiohttp.ClientSession
    seed: int
    folder: Path
    database: "Database | None" = None
    """The PostgreSQL that it stores in, which may be killed; else a file."""
    key: str = ""
    numbers: list[dict[str, Any]] = field(default_factory=list)
    handsets: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By body: the answer of each send that was acknowledged."""
    asked: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By body: the number's id and the recipient of each send, acknowledged or not."""
    refused: list[str] = field(default_factory=list)
    """Answers other than 200, which no send here should get."""
    texted: list[tuple[str, str, str]] = field(default_factory=list)
    """From, to and body of what the handsets sent of their own accord."""
    denied: set[str] = field(default_factory=set)
    """Bodies of which the server said that nothing was done, and which nobody sent again."""
    away: Counter[str] = field(default_factory=Counter)
    """Answers that the database was away, by code."""
    read: list[int] = field(default_factory=list)
    """The sequence of every event that a reader of the log was told."""
    kills: int = 0
    restarts: int = 0
    """Of the database."""
    figures: str = ""
    """How a load went, in words."""

    @property
    def settled(self) -> int:
        """Sends whose client has let go of them."""
        return len(self.asked)

    def rows(self, query: str) -> list[Any]:
        """Rows of the store, past the server."""
        if self.database is not None:
            with psycopg.connect(self.database.url) as db:
                return db.execute(query.encode()).fetchall()
        return rows(self.folder / "data" / "ringback.db", query)

    def far(self, query: str) -> list[Any]:
        """Rows of the network, past its process."""
        return rows(self.folder / "sim-data" / "network.db", query)

    async def ask(self, method: str, path: str, **request: Any) -> Any:
        """Ask the living server; the answer must be a 200."""
        async with self.http.request(
            method, self.server.url + path, headers={"Authorization": f"Bearer {self.key}"}, **request
        ) as response:
            body = await response.text()
            assert response.status == 200, f"{method} {path}: {response.status} {body}"
            return await response.json()

    async def network(self, method: str, path: str, **request: Any) -> Any:
        """Ask the network, which never dies."""
        async with self.http.request(method, f"{self.sim.url}/sim/v1{path}", **request) as response:
            body = await response.text()
            assert response.status == 200, f"{method} {path}: {response.status} {body}"
            return await response.json()


def rows(path: Path, query: str) -> list[Any]:
    """Rows of a SQLite file, read only."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(query).fetchall()


@dataclass(frozen=True)
class Database:
    """A database at this version's schema, and the PostgreSQL that holds it, which is this test's alone."""

    cluster: Cluster
    url: str

    async def start(self) -> None:
        """Start a killed one. Until the last process of the killed one is gone it refuses."""
        for _ in range(50):
            self.cluster.begin()
            if await asyncio.to_thread(self.cluster.wait):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"PostgreSQL did not start:\n{self.cluster.log[-2_000:]}")


@contextmanager
def database(*settings: str) -> Iterator[Database]:
    """With settings of PostgreSQL's such as `fsync=off`. Skips where PostgreSQL is not installed."""
    options = [word for setting in settings for word in ("-c", setting)]
    with cluster(binaries_of_our_own(), *options) as own:
        url = Databases(own.url).empty()
        migrate.migrate(migrate.engine_for_url(url))
        yield Database(own, url)


@asynccontextmanager
async def world_of(folder: Path, seed: int, database: Database | None = None) -> AsyncIterator[World]:
    """A network and a server over it, in processes of their own."""
    sim = Process(folder, "sim", "--port", "0", "--data", "sim-data", env=environment())
    try:
        await sim.start()
        more = {} if database is None else {"database_url": database.url}
        env = environment(sim_url=sim.url, number_limit=500, log_level="warning", **more)
        server = Process(folder, "serve", "--port", "0", "--data", "data", env=env)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            world = World(server, sim, http, seed, folder, database)
            try:
                await server.start()
                world.key = (folder / "data" / "first-key").read_text().strip()
                yield world
            finally:
                server.kill()
    finally:
        sim.kill()
