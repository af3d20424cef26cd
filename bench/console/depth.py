"""The page of events, wherever in a long log it stands."""

import time

from bench.console.desk import sign_in
from bench.console.table import head, row
from bench.fill import Filler
from bench.load import Run, load
from bench.server import Server

_SECONDS = 3
GOAL_MS = 50


def report(count: int) -> None:
    server = Server("idle", pinned=False)
    folder = server.folder
    number = server.request("POST", "/v1/numbers", {})
    server.stop(keep=True)
    filler = Filler(folder / "ringback-data" / "ringback.db", number=number, until_ms=int(time.time() * 1000))
    newest = filler.events(count)
    server = Server("idle", data=folder, pinned=False)
    try:
        cookie = sign_in(server)
        head(f"Events, {count:,} rows")
        places = {"first": "", "middle": f"?before={newest // 2}", "last": "?before=51"}
        places |= {"of texts": "?types=message.*", "of a kind that there is not": "?types=key.*"}
        for name, query in places.items():
            run = _ask(server, f"/console/events{query}", cookie)
            row(f"{name}: p50", run.percentile_ms(0.5), GOAL_MS)
            row(f"{name}: p95", run.percentile_ms(0.95))
    finally:
        server.stop()


def _ask(server: Server, path: str, cookie: str) -> Run:
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {server.host}\r\nCookie: {cookie}\r\nAccept-Encoding: gzip\r\n\r\n"
    )
    run = load(
        server.host, server.port, iter(lambda: request.encode(), None), connections=1, seconds=_SECONDS
    )
    if run.refused or not run.latencies_s:
        raise SystemExit(f"{path} was refused {run.refused} times")
    return run
