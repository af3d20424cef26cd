"""Jasmin (PyPI) with RabbitMQ and Redis (Debian): HTTP, a queue, by SMPP to an SMSC; receipts back by HTTP.

As shipped it sets no TCP_NODELAY, so each text waits for delayed ACKs; `nodelay` sets it, to be kind. 0.11.1 matches no
receipt (its response handler raises AttributeError), so the version is fixed. It pins old packages: it gets an
environment of its own, or the one that JASMIN_VENV names.
"""

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from urllib.parse import quote

from bench.peers.peer import Peer, Running, behind_smpp
from bench.peers.programs import Counter, Program, folder, free_ports

PACKAGE = "jasmin==0.10.13"
ENVIRONMENT = "JASMIN_VENV"
_LOGGERS = (
    "AMQP_BROKER REDIS_CLIENT HTTP_API JCLI SMPP_SERVER CLIENT_MANAGEMENT ROUTER SM_LISTENER DLR DLR_THROWER"
    " SERVICE_SMPPC"
)
_NODELAY = """\
import socket
from twisted.internet import tcp

_made, _connected = tcp.Connection.__init__, tcp.Client._connectDone


def made(self, skt, protocol, reactor=None):
    _made(self, skt, protocol, reactor)
    try:
        skt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        pass


def connected(self):
    self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _connected(self)


tcp.Connection.__init__, tcp.Client._connectDone = made, connected
"""
# What a person types into its console; {port} is the SMSC's.
_TYPED = """\
smppccm -a;cid sim;host 127.0.0.1;port {port};username foo;password bar;submit_throughput 0;loglevel 40;ok;smppccm -1 sim
group -a;gid g;ok;user -a;username u;password p;gid g;uid u;ok
mtrouter -a;type defaultroute;connector smppc(sim);rate 0.0;ok;quit
"""
_kept: list[tempfile.TemporaryDirectory[str]] = []


def _binary(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/lib/rabbitmq/bin")


def _missing() -> str | None:
    if sys.version_info >= (3, 13) and ENVIRONMENT not in os.environ:
        return f"an environment of Python 3.11 with {PACKAGE}, named by {ENVIRONMENT}"
    apt = [name for name in ("rabbitmq-server", "redis-server") if _binary(name) is None]
    return f"apt-get install {' '.join(apt)}" if apt else None


@cache
def _environment() -> Path:
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named)
    place = tempfile.TemporaryDirectory(prefix="ringback-jasmin-")
    _kept.append(place)
    subprocess.run([sys.executable, "-m", "venv", place.name], check=True)
    subprocess.run([f"{place.name}/bin/pip", "--quiet", "install", PACKAGE], check=True)
    return Path(place.name)


@contextlib.contextmanager
def _started(nodelay: bool) -> Iterator[Running]:
    environment = _environment()
    broker, redis, http, console, smpp, clients, router, smpp_pb = free_ports(8)
    with folder() as place, contextlib.ExitStack() as stack:
        smsc, receipts = Counter("bench.peers.smsc"), Counter("bench.peers.receipts", "ACK/Jasmin")
        stack.callback(smsc.stop)
        stack.callback(receipts.stop)
        rabbitmq = _rabbitmq(stack, place / "rabbitmq", broker)
        command = [_binary("redis-server") or "", "--port", str(redis), "--bind", "127.0.0.1", "--save", ""]
        stored = Program(command, place)
        stack.callback(stored.stop)
        stored.wait_for(redis)
        for path in ("etc/store", "etc/resource", "log", "site"):
            (place / path).mkdir(parents=True)
        (place / "etc" / "jasmin.cfg").touch()
        if nodelay:
            (place / "site" / "sitecustomize.py").write_text(_NODELAY)
        [spec] = environment.glob("lib/python3*/site-packages/txamqp/specs/standard/amqp0-9-1.stripped.xml")
        ports = {
            "HTTP_API": http,
            "JCLI": console,
            "SMPP_SERVER": smpp,
            "CLIENT_MANAGEMENT": clients,
            "ROUTER": router,
            "SMPP_SERVER_PB": smpp_pb,
        }
        jasmin = Program(
            [
                environment / "bin" / "python",
                environment / "bin" / "jasmind.py",
                "-c",
                place / "etc" / "jasmin.cfg",
                "--enable-dlr-lookup",
                "--enable-dlr-thrower",
            ],
            place,
            PYTHONPATH=str(place / "site"),
            ROOT_PATH=str(place),
            CONFIG_PATH=str(place / "etc"),
            LOG_PATH=str(place / "log"),
            STORE_PATH=str(place / "etc" / "store"),
            RESOURCE_PATH=str(place / "etc" / "resource"),
            AMQP_BROKER_PORT=str(broker),
            AMQP_BROKER_SPEC=str(spec),
            REDIS_CLIENT_PORT=str(redis),
            JCLI_AUTHENTICATION="no",
            **{f"{name}_PORT": str(port) for name, port in ports.items()},
            **{f"{name}_BIND": "127.0.0.1" for name in ports},
            **{f"{name}_LOG_LEVEL": "ERROR" for name in _LOGGERS.split()},
        )
        stack.callback(jasmin.stop)
        jasmin.wait_for(console)
        _type(console, _TYPED.format(port=smsc.port).replace("\n", ";").split(";"))
        jasmin.wait_for(http)
        time.sleep(2)  # until it has bound to the SMSC
        yield behind_smpp(http, _texts(receipts.port), receipts, smsc, jasmin, rabbitmq, stored)


def _rabbitmq(stack: contextlib.ExitStack, place: Path, port: int) -> Program:
    names, distribution = free_ports(2)
    place.mkdir()
    (place / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\n")
    (place / "plugins").write_text("[].")
    own = {"ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(names), "HOME": str(place)}
    epmd = Program([_binary("epmd") or "epmd"], place, **own)
    stack.callback(epmd.stop)
    epmd.wait_for(names)
    # Debian puts a wrapper on the path that insists on a user; the server itself doesn't.
    server = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    program = Program(
        [server if server.exists() else _binary("rabbitmq-server") or ""],
        place,
        **own,
        RABBITMQ_NODENAME=f"bench{port}@localhost",
        RABBITMQ_MNESIA_BASE=str(place / "store"),
        RABBITMQ_LOG_BASE=str(place / "log"),
        RABBITMQ_CONFIG_FILE=str(place / "rabbitmq.conf"),
        RABBITMQ_ENABLED_PLUGINS_FILE=str(place / "plugins"),
        RABBITMQ_PID_FILE=str(place / "pid"),
        RABBITMQ_DIST_PORT=str(distribution),
    )
    stack.callback(program.stop)
    program.wait_for(port)
    return program


def _type(port: int, lines: list[str]) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as console:
        console.settimeout(3)
        time.sleep(1)
        for line in lines:
            console.sendall(line.encode() + b"\r\n")
            time.sleep(0.15)
            with contextlib.suppress(TimeoutError):
                console.recv(65_536)


def _texts(receipts_port: int) -> Iterator[str]:
    for n in itertools.count():
        told_at = quote(f"http://127.0.0.1:{receipts_port}/receipt?id={n}", safe="")
        yield (
            f"/send?username=u&password=p&from=15550001111&to=1556{n:07d}&content=Your+table+is+ready,+number+{n}."
            f"&dlr=yes&dlr-level=2&dlr-method=GET&dlr-url={told_at}"
        )


def peers() -> list[Peer]:
    does = (
        "HTTP to SMPP, receipt to a URL; its queues at RabbitMQ aren't durable and its messages aren't persistent, what"
        " matches receipts stands in Redis without a file: a crash of either loses it"
    )
    return [
        Peer(
            f"Jasmin, {name}",
            does,
            texts=texts,
            connections=16,
            start=partial(_started, nodelay),
            missing=_missing,
        )
        for name, nodelay, texts in (("as shipped", False, 1_000), ("NODELAY=1", True, 1_500))
    ]
