"""`python -m bench.console [PART ...]`: see docs/benchmarks-console.md."""

import argparse
import os

from bench.console import depth, live, many, pages

PARTS = ("pages", "live", "many", "depth")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.console", description="Measure the console.")
    parser.add_argument("--rounds", type=int, default=5, help="cold loads of each page (5)")
    parser.add_argument("--seconds", type=float, default=30, help="of texts at each rate (30)")
    parser.add_argument("--rows", type=int, default=100_000, help="events to page through (100,000)")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if none is named")
    asked = parser.parse_args()
    parts = asked.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no parts are {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    print(f"Load average at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    if "pages" in parts:
        pages.report(asked.rounds)
    if "live" in parts:
        live.report(asked.seconds)
    if "many" in parts:
        many.report(min(asked.seconds, 20))
    if "depth" in parts:
        depth.report(asked.rows)


if __name__ == "__main__":
    main()
