"""A server and its network in processes of their own, with what the clients know of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.faults.processes import Process, environment


@dataclass
class World:
    """A server with its agents' numbers, the network with its handsets, and what the clients were told."""

    server: Process
    sim: Process
    http: aiohttp.ClientSession
    seed: int
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
    kills: int = 0
    figures: str = ""
    """How a load went, in words."""

    @property
    def settled(self) -> int:
        """Sends whose client has let go of them."""
        return len(self.asked)

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


@asynccontextmanager
async def world_of(folder: Path, seed: int) -> AsyncIterator[World]:
    """A network and a server over it, in processes of their own."""
    sim = Process(folder, "sim", "--port", "0", "--data", "sim-data", env=environment())
    try:
        await sim.start()
        env = environment(sim_url=sim.url, number_limit=500, log_level="warning")
        server = Process(folder, "serve", "--port", "0", "--data", "data", env=env)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            world = World(server, sim, http, seed)
            try:
                await server.start()
                world.key = (folder / "data" / "first-key").read_text().strip()
                yield world
            finally:
                server.kill()
    finally:
        sim.kill()
