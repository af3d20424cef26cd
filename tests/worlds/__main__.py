"""`make worlds`: many worlds over the cores, or one again, and what is wrong in as few steps as show it."""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence

from tests.worlds.plan import plan_of
from tests.worlds.running import Verdict, judge_seed, run_seed, shrink

_SHOWN = 3


def main() -> int:
    """Run what was asked for; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.worlds", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", help="this world only, and all that happens in it")
    parser.add_argument("--steps", help="of its steps these only, such as 3,7,8")
    parser.add_argument("--count", type=int, default=300, help="how many worlds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    if asked.seed is not None:
        return _one(asked.seed, [int(n) for n in asked.steps.split(",")] if asked.steps else None)
    return _many(range(asked.first, asked.first + asked.count), asked.jobs)


def _one(seed: int, steps: Sequence[int] | None) -> int:
    verdict = run_seed(seed, steps)
    print("\n".join(verdict.trace))
    print(verdict)
    print(f"{verdict.seconds:.0f} s of its time, digest {verdict.digest}")
    return bool(verdict.problems)


def _many(seeds: Sequence[int], jobs: int) -> int:
    began, failed, lived = time.monotonic(), 0, 0.0
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for verdict in pool.imap_unordered(judge_seed, seeds, chunksize=5):
            lived += verdict.seconds
            if verdict.problems:
                failed += 1
                _tell(verdict, shrunk=failed <= _SHOWN)
    took = time.monotonic() - began
    print(f"{len(seeds)} worlds, {lived / 3600:.1f} h of their time, in {took:.0f} s: {failed} are wrong")
    return bool(failed)


def _tell(verdict: Verdict, *, shrunk: bool) -> None:
    if shrunk:
        print(shrink(plan_of(verdict.plan.seed)), flush=True)
    else:
        print(f"World {verdict.plan.seed} is wrong: {verdict.problems[0]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
