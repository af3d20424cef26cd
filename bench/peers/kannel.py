"""Kannel (Debian: kannel): HTTP to smsbox, to bearerbox, by SMPP to an SMSC; receipts back by HTTP."""

import contextlib
import itertools
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

from bench.peers.peer import Peer, Running, behind_smpp
from bench.peers.programs import Counter, Program, folder, free_ports

# Debian's Kannel wants an empty line between groups, and none in them.
_CONFIG = """\
group = core
admin-port = {admin}
smsbox-port = {boxes}
admin-password = bar
status-password = bar
log-file = "{folder}/bearerbox.log"
log-level = 3
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal
sms-incoming-queue-limit = 1000000
sms-outgoing-queue-limit = 1000000
{store}
group = smsc
smsc = smpp
smsc-id = sim
host = 127.0.0.1
port = {smsc}
transceiver-mode = true
smsc-username = foo
smsc-password = bar
system-type = VMA
address-range = ""
max-pending-submits = 100

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {boxes}
sendsms-port = {http}
log-file = "{folder}/smsbox.log"
log-level = 3

group = sendsms-user
username = u
password = p
max-messages = 1

group = sms-service
keyword = default
text = "ok"
max-messages = 1
"""
_STORES = {
    "memory": ("", "keeps its queue in memory alone: a crash loses it"),
    "file": (
        "store-type = file\nstore-location = {folder}/store\n",
        "writes its queue to a file, never fsynced",
    ),
    "spool": ("store-type = spool\nstore-location = {folder}/spool\n", "writes a file a text, never fsynced"),
}


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def _missing() -> str | None:
    return None if _program("bearerbox") and _program("smsbox") else "apt-get install kannel"


@contextlib.contextmanager
def _started(store: str) -> Iterator[Running]:
    admin, boxes, http = free_ports(3)
    with folder() as place, contextlib.ExitStack() as stack:
        (place / "spool").mkdir()
        smsc, receipts = Counter("bench.peers.smsc"), Counter("bench.peers.receipts")
        stack.callback(smsc.stop)
        stack.callback(receipts.stop)
        config = place / "kannel.conf"
        config.write_text(
            _CONFIG.format(
                admin=admin,
                boxes=boxes,
                http=http,
                smsc=smsc.port,
                folder=place,
                store=_STORES[store][0].format(folder=place),
            )
        )
        boxes_in_turn = [
            _box(stack, name, config, port) for name, port in (("bearerbox", boxes), ("smsbox", http))
        ]
        time.sleep(1.5)  # until the box has bound to the SMSC
        yield behind_smpp(http, _texts(receipts.port), receipts, smsc, *boxes_in_turn)


def _box(stack: contextlib.ExitStack, name: str, config: Path, port: int) -> Program:
    binary = _program(name)
    assert binary is not None
    program = Program([binary, config], config.parent)
    stack.callback(program.stop)
    program.wait_for(port)
    return program


def _texts(receipts_port: int) -> Iterator[str]:
    for n in itertools.count():
        told_at = quote(f"http://127.0.0.1:{receipts_port}/receipt?id={n}", safe="")
        yield (
            f"/cgi-bin/sendsms?username=u&password=p&from=15550001111&to=1556{n:07d}"
            f"&text=Your+table+is+ready,+number+{n}.&dlr-mask=1&dlr-url={told_at}"
        )


def peers() -> list[Peer]:
    return [
        Peer(
            f"Kannel, {store}",
            f"HTTP to SMPP, receipt to a URL; {does}",
            texts=6_000,
            connections=32,
            start=partial(_started, store),
            missing=_missing,
        )
        for store, (_, does) in _STORES.items()
    ]
