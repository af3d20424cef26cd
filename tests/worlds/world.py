"""A world: accounts, lines, phones and endpoints around a server, what happens to them, and what the clients know."""

import asyncio
import hashlib
import json
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from ringback.carriers.protocol import CarrierError
from ringback.kit import machine
from ringback.kit.clock import MovableClock
from ringback.numbers.store import open_orders
from ringback.sim.network import Network
from ringback.testing.server import OwnSettings
from tests.worlds.far_side import Endpoints, NetworkProcess, Watched
from tests.worlds.plan import Plan, Step
from tests.worlds.process import Answer, ServerProcess, WorldServer
from tests.worlds.virtual import VirtualLoop, VirtualMachine

_SECRETS = re.compile(rb"sk_live_[\w-]+|whsec_[\w-]+")
_KEY = "00" * 32
HOOKS = ("one.example", "two.example", "three.example")
STATUSES = ["message.sent", "message.delivered", "message.failed", "message.unconfirmed"]


@dataclass
class Who:
    """An account as its client knows it."""

    name: str
    key: str = ""
    sub: str | None = None
    account_id: str = ""
    agent_id: str = ""
    numbers: list[dict[str, Any]] = field(default_factory=list)
    told: list[tuple[int, str]] = field(default_factory=list)
    """Sequence and type of every event that its log told, in the order in which they came."""
    gone: bool = False
    """Whether it may be deleted."""
    hooked: bool = False
    """Whether the project's endpoint has been there all the time."""
    secrets: dict[str, set[str]] = field(default_factory=dict)
    """By scope: the secrets that its endpoint has been told."""
    unsure: set[str] = field(default_factory=set)
    """Scopes that may have a secret which nobody was told, and `replay` where one may have been done."""
    replayed: int = 0
    """Events that were told again, as the answers say."""


@dataclass
class Line:
    """A number of an account, from which texts go and to which phones write."""

    who: Who
    number: dict[str, Any]
    touched: bool = False
    """Whether somebody tried to release it."""


@dataclass
class Sent:
    """A text that a client sent, however often, and the answers that came."""

    line: Line
    to: str
    body: str
    key: str | None
    answers: list[Answer] = field(default_factory=list)
    tries: int = 0

    @property
    def ids(self) -> list[str]:
        return [answer.json["id"] for answer in self.answers if answer.status == 200]

    @property
    def uncertain(self) -> bool:
        return any(answer.status in (0, 500, 503) for answer in self.answers)


class World:
    """One world. `run` makes it happen; `problems` are what is wrong already."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.machine = VirtualMachine(plan.seed)
        self.trace: list[str] = []
        self.problems: list[str] = []
        self.endpoints = Endpoints(plan.seed, self.note, self.machine)
        self.watched = Watched([], {}, {})
        self.lives: list[ServerProcess] = []
        self.sent: list[Sent] = []
        self.texted: list[tuple[str, str, str, str]] = []
        """From, to, body, and the network's id of what phones sent."""
        self.settled: dict[str, str | None] = {}
        """By message: what a person said became of it; None where nobody knows whether that was stored."""
        self.healed_at = 0.0
        self.newest_secrets: dict[tuple[str, str], str] = {}
        """By account and scope: what signs at the end."""
        self.seen: dict[str, str] = {}
        """By message: the status seen last."""
        self.away: NetworkProcess | None = None
        self.was_full = False
        """Whether the disk was full at any time: then the log may say so."""
        self.who = [Who("A"), Who("B"), Who("S")]
        self.lines: list[Line] = []
        self.phones: list[Any] = []
        self._clients: dict[asyncio.Task[Any], None] = {}
        self._files: sqlite3.Connection | None = None

    # Telling

    def note(self, *what: object) -> None:
        """Add to the trace: what two runs of one seed must have in common."""
        self.trace.append(f"{self.machine.now:.6f} {' '.join(map(str, what))}")

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    def wrong(self, what: str) -> None:
        self.note("WRONG", what)
        self.problems.append(what)

    # Processes

    @property
    def life(self) -> ServerProcess:
        return self.lives[-1]

    @property
    def network(self) -> Network:
        if self.away is not None:
            return self.away.network
        line: Any = self.life.server.line
        found: Network = line.network
        return found

    @property
    def network_is_up(self) -> bool:
        """Whether phones have a network now: in one process it goes and comes with the server."""
        return self.life.up if self.away is None else not self.away.death.is_set()

    @property
    def loop(self) -> VirtualLoop:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return loop

    def _make(self) -> WorldServer:
        settings = OwnSettings(
            data=self.folder,
            port=80,
            secret_key=_KEY,
            number_limit=6,
            stop_timeout_s=2,
            webhook_concurrency=20,
        )
        return WorldServer(settings, self.endpoints, self.note, self.watched, self.away)

    async def begin(self) -> None:
        """Start a server on the files that are there."""
        self.lives.append(ServerProcess(self._make))
        self.note("begin")
        await self.life.start()

    async def crash(self, for_s: float) -> None:
        if self.life.process.dead:
            return
        self.note("crash")
        life = self.life
        await life.die()
        await asyncio.sleep(for_s)
        if life is self.life:
            await self.begin()

    async def restart(self, for_s: float) -> None:
        if not self.life.up:
            return
        self.note("stop")
        life = self.life
        await life.stop()
        life.process.dead = True
        await life.process.end_tasks()
        await asyncio.sleep(for_s)
        if life is self.life:
            await self.begin()

    async def crash_network(self, for_s: float) -> None:
        if self.away is None or self.away.death.is_set():
            return
        self.note("network crash")
        away = self.away
        await away.die()
        await asyncio.sleep(for_s)
        await away.begin()
        self.note("network back")

    # Asking

    async def ask(
        self, who: Who, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> Answer:
        """One request; what it gets is in the trace."""
        headers = {"Authorization": f"Bearer {who.key}"}
        if who.sub is not None:
            headers["X-Sub-Account-Id"] = who.sub
        if key is not None:
            headers["Idempotency-Key"] = key
        answer = await self.life.ask(method, path, body, headers)
        self.note(who.name, method, path, answer.status, _SECRETS.sub(b"...", answer.body)[:300])
        if answer.status == 500:
            self.wrong(f"{method} {path} answered 500")
        return answer

    async def must(self, who: Who, method: str, path: str, body: Any = None) -> Any:
        answer = await self.ask(who, method, path, body)
        assert answer.status == 200, (method, path, answer)
        return answer.json

    async def persist(
        self, who: Who, method: str, path: str, body: Any, key: str | None, tries: int = 12
    ) -> list[Answer]:
        """Ask as a client should: again with the same key until an answer comes; without a key only if nobody listened."""
        answers: list[Answer] = []
        for turn in range(tries):
            answer = await self.ask(who, method, path, body, key=key)
            answers.append(answer)
            listened = answer.status >= 0
            again = answer.status in (0, 503) or (
                answer.status == 409 and b"IDEMPOTENCY_IN_PROGRESS" in answer.body
            )
            if listened and not (again and key is not None):
                break
            await asyncio.sleep(min(0.05 * 2**turn, 5))
        return answers

    def client(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let somebody do something by himself."""
        task = asyncio.get_running_loop().create_task(work)
        self._clients[task] = None
        task.add_done_callback(self._client_done)

    def _client_done(self, task: asyncio.Task[Any]) -> None:
        self._clients.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            self.wrong(f"a client failed: {task.exception()!r}")

    # The whole of it

    async def run(
        self, do: Callable[["World", Step], Coroutine[Any, Any, None]], judge: Callable[["World"], Any]
    ) -> None:
        """From the start to the verdict."""
        if self.plan.apart:
            self.away = NetworkProcess(self.folder / "network.db", MovableClock())
            await self.away.begin()
        await self.begin()
        await self._know()
        followers = [asyncio.ensure_future(self._follow(who)) for who in self.who]
        for step in self.plan.steps:
            await asyncio.sleep(max(0.0, step.at - self.machine.now))
            self.note("step", step)
            self.client(do(self, step))
        await self._heal()
        rests = await self._rest()
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
        if rests:
            await judge(self)
        await self._end()

    async def _follow(self, who: Who) -> None:
        """An agent without a public URL reads on and on, whatever happens to the server."""
        while not who.gone:
            if await self.read_on(who, wait_s=20) is None:
                await asyncio.sleep(0.3)

    async def read_on(self, who: Who, *, wait_s: int = 0) -> int | None:
        """Read the account's log behind what it told already; how many events came, None for no answer."""
        after = who.told[-1][0] if who.told else 0
        answer = await self.ask(who, "GET", f"/v1/events?after={after}&wait={wait_s}&limit=50")
        if answer.status != 200:
            return None
        who.told += [(event["seq"], event["type"]) for event in answer.json["data"]]
        return len(answer.json["data"])

    async def _know(self) -> None:
        """What was there when the template was made."""
        known = json.loads((self.folder / "known.json").read_text())
        for who, kept in zip(self.who, known["who"], strict=True):
            who.key, who.sub, who.account_id, who.agent_id = (
                kept[name] for name in ("key", "sub", "account_id", "agent_id")
            )
            who.numbers = kept["numbers"]
            who.secrets = {"": {kept["secret"]}}
            who.hooked = True
        self.lines = [Line(who, number) for who in self.who for number in who.numbers]
        handsets, _ = await self.network.list_handsets(limit=10)
        self.phones = list(reversed(handsets))
        for phone, personality in zip(self.phones, self.plan.phones, strict=True):
            await self.network.change_handset(phone.id, {"personality": personality})
        await self.network.change_settings({"seed": self.plan.seed})

    async def _heal(self) -> None:
        """Everything works again, and stays so."""
        for _ in range(200):
            if not self._clients:
                break
            await asyncio.wait(tuple(self._clients), timeout=5)
        else:
            self.wrong("clients wait without end")
        self.note("heal")
        self.healed_at = self.machine.now
        self.loop.slow_disk = 1.0
        for host in HOOKS:
            self.endpoints.moods[host] = "well"
        if self.away is not None and self.away.death.is_set():
            await self.away.begin()
        if not self.life.up:
            await self.begin()
        while (page := await self.network.list_faults(limit=100))[1]:
            for fault in page[0]:
                await self.network.delete_fault(fault.id)
        await self.network.change_settings(
            {
                "latency_ms": 0,
                "jitter_ms": 0,
                "loss_percent": 0,
                "messages_per_second": None,
                "campaign": None,
            }
        )
        for phone in self.phones:
            await self.network.change_handset(phone.id, {"online": True})
        # What was in flight ends, and what a lease holds back is let go.
        await self._until(self._idle)
        self.machine.set_forward_ms = self.machine.most_forward_ms + 600_000
        await asyncio.sleep(2)
        await self._until(self._has_no_order)

    async def _until(self, look: Callable[[], Coroutine[Any, Any, bool]]) -> None:
        for _ in range(40):
            await asyncio.sleep(1.1)
            if await look():
                return

    async def _idle(self) -> bool:
        server = self.life.server
        return not (server.dispatcher.busy or server.deliverer.busy) and await self.network.idle()

    async def _has_no_order(self) -> bool:
        return not await self.life.server.store.read(lambda db: open_orders(db, real_now=1 << 62))

    async def _rest(self) -> bool:
        """Let time run until nothing is left to do; whether that came."""
        server = self.life.server
        for _ in range(400):
            await asyncio.sleep(1.1)
            if not await self._idle():
                continue
            dues = [due for timed in server._timed() if (due := await timed.next_due()) is not None]
            due = await self.network.next_due()
            dues += [] if due is None else [due]
            now = server.clock.now_ms()
            if not dues:
                # What was due a moment ago may be on its way by now.
                if await self._idle():
                    return True
                continue
            self.machine.set_forward_ms += max(0, min(dues) - now)
        self.wrong(f"never at rest: due {dues}, now {now}")
        return False

    async def _end(self) -> None:
        await self.life.stop()
        self.life.process.dead = True
        await self.life.process.end_tasks()
        if self.away is not None:
            await self.away.stop()
            await self.away.process.end_tasks()

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of the files of a world that is over: the store's, and the network's as `far.*`."""
        if self._files is None:
            self._files = sqlite3.connect(self.folder / "ringback.db")
            self._files.row_factory = sqlite3.Row
            self._files.execute("ATTACH ? AS far", (str(self.folder / "network.db"),))
        return [dict(row) for row in self._files.execute(query)]

    def close(self) -> None:
        """Let go of the files."""
        if self._files is not None:
            self._files.close()


def in_virtual_time(world: World, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work` on the world's machine, on a loop of its own."""
    machine_of, seed = world.machine, world.plan.seed
    with (
        _errors_in(world),
        machine.put(machine_of),
        asyncio.Runner(loop_factory=lambda: VirtualLoop(machine_of, seed)) as runner,
    ):
        runner.run(work())


@contextmanager
def _errors_in(world: World) -> Iterator[None]:
    """Whatever the server logs as an error is a problem, unless it is the word of somebody who is dead."""

    def take(_: Any, __: str, event: Any) -> Any:
        if world.lives and not world.life.process.dead:
            error = event.get("exc_info")
            error = sys.exc_info()[1] if error is True else error
            # A carrier that is out of reach is no fault of the server's.
            if not isinstance(error, CarrierError) and not world.was_full:
                world.wrong(f"logged: {event['event']} {error!r}")
        raise structlog.DropEvent

    structlog.configure(
        processors=[take],
        wrapper_class=structlog.make_filtering_bound_logger(40),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.reset_defaults()


def copy_of(template: Path) -> Path:
    """A folder of its own with the template's files."""
    folder = Path(tempfile.mkdtemp(prefix="world-", dir=template.parent))
    shutil.copytree(template, folder, dirs_exist_ok=True)
    return folder
