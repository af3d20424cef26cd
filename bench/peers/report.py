"""The table: every side alternated, medians, and how Ringback compares."""

import statistics

from bench.peers import emulate, jasmin, kannel, ours
from bench.peers.peer import Outcome, Peer, measure

OURS = "Ringback, one webhook"
GOALS = (
    ("Jasmin, as shipped", OURS, 20.0),
    ("Jasmin, NODELAY=1", OURS, 4.0),
    ("Kannel, spool", OURS, 1 / 3),
    ("Kannel, file", OURS, None),
    ("Kannel, memory", OURS, None),
    ("emulate, two webhooks", "Ringback, two webhooks", 1.0),
    ("emulate, two webhooks", OURS, None),
)
"""Whom we stand beside, with what of ours, and how many times as many texts a second we are to do."""


def report(rounds: int, only: str = "") -> None:
    """`only` leaves out the peers whose names don't hold it."""
    there: list[Peer] = []
    print("\n## Beside others, the whole way of a text\n")
    for peer in [*ours.peers(), *kannel.peers(), *jasmin.peers(), *emulate.peers()]:
        if only.lower() not in peer.name.lower() and not peer.name.startswith("Ringback"):
            continue
        lacking = peer.missing()
        if lacking:
            print(f"- {peer.name}: not measured. To measure it: {lacking}")
        else:
            there.append(peer)
            print(f"- {peer.name}: {peer.does}.")
    found: dict[str, list[Outcome]] = {peer.name: [] for peer in there}
    for _ in range(rounds):
        for peer in there:
            found[peer.name].append(measure(peer))
    print(
        "\n| | texts, connections | accepted/s | p50 / p99 ms | at the carrier/s | receipts told/s | CPU µs a text"
        " | RSS MB | lost |\n|" + " --- |" * 9,
        flush=True,
    )
    for peer in there:
        middle = _median(found[peer.name])
        cells = [
            peer.name,
            f"{peer.texts:,}, {peer.connections}",
            f"{middle.accepted:,.0f}",
            f"{middle.p50_ms:.1f} / {middle.p99_ms:.1f}",
            f"{middle.sent:,.0f}",
            f"{middle.whole:,.0f}",
            f"{middle.cpu_us:,.0f}",
            f"{middle.rss_mb:,.0f}",
            str(sum(run.lost for run in found[peer.name])),
        ]
        print(f"| {' | '.join(cells)} |", flush=True)
    print(
        "\n| | beside | at the carrier/s | receipts told/s | goal | texts for the same CPU |\n|"
        + " --- |" * 6
    )
    for name, our_name, goal in GOALS:
        if name in found:
            its, own = _median(found[name]), _median(found[our_name])
            said = "" if goal is None else f"{goal:.2g}"
            times = f"{own.sent / its.sent:.2f} | {own.whole / its.whole:.2f}"
            print(f"| {our_name} | {name} | {times} | {said} | {its.cpu_us / own.cpu_us:.2f} |", flush=True)


def _median(runs: list[Outcome]) -> Outcome:
    middle = {name: statistics.median(getattr(run, name) for run in runs) for name in Outcome.__annotations__}
    return Outcome(**{**middle, "lost": int(middle["lost"])})
