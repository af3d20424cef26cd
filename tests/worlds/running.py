"""Running worlds: one by its seed, again with fewer steps while it still fails, many over the cores."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.worlds import oracle
from tests.worlds.doing import do
from tests.worlds.plan import Plan, Step, plan_of
from tests.worlds.template import template
from tests.worlds.virtual import Stuck
from tests.worlds.world import World, copy_of, in_virtual_time

_MOST_RUNS = 120


@dataclass(frozen=True)
class Verdict:
    """How a world went."""

    plan: Plan
    problems: tuple[str, ...]
    digest: str
    trace: tuple[str, ...]
    seconds: float
    """Of the world's own time."""

    def __str__(self) -> str:
        steps = "\n".join(f"  {step}" for step in self.plan.steps)
        wrong = "\n".join(f"  {problem}" for problem in self.problems)
        seed, kept = self.plan.seed, ",".join(str(step.n) for step in self.plan.steps)
        some = "" if len(self.plan.steps) == len(plan_of(seed).steps) else f" STEPS={kept}"
        return (
            f"World {seed}, {'network apart' if self.plan.apart else 'one process'}, phones {self.plan.phones}:\n{steps}\n"
            f"{'is wrong' if wrong else 'nothing is wrong'}:\n{wrong}\nThe same world again: make worlds SEED={seed}{some}"
        )


def memory() -> Path:
    """A memory disk where there is one: a world's files are small, and its disk is slow by the seed alone."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() else Path(tempfile.gettempdir())


def run(plan: Plan) -> Verdict:
    """Run a world and judge it."""
    folder = copy_of(template(memory()))
    world = World(plan, folder)
    try:
        try:
            in_virtual_time(world, lambda: world.run(do, oracle.judge_by_api))
            oracle.judge_files(world)
        except Stuck as stuck:
            world.wrong(str(stuck))
        return Verdict(plan, tuple(world.problems), world.digest, tuple(world.trace), world.machine.now)
    finally:
        world.close()
        shutil.rmtree(folder, ignore_errors=True)


def shrink(plan: Plan) -> Verdict:
    """The same world with as few steps as still fail."""
    best, runs = run(plan), 0
    size = max(1, len(best.plan.steps) // 2)
    while size:
        at, shorter = 0, False
        while at < len(best.plan.steps) and runs < _MOST_RUNS:
            steps = best.plan.steps
            tried = run(replace(plan, steps=steps[:at] + steps[at + size :]))
            runs += 1
            if tried.problems:
                best, shorter = tried, True
            else:
                at += size
        if not shorter or size > 1:
            size //= 2
        if runs >= _MOST_RUNS:
            break
    return best


def run_seed(seed: int, steps: Sequence[int] | None = None) -> Verdict:
    """The world of a seed; of its steps only those with these numbers, if given."""
    plan = plan_of(seed)
    if steps is not None:
        kept: tuple[Step, ...] = tuple(step for step in plan.steps if step.n in steps)
        plan = replace(plan, steps=kept)
    return run(plan)


def judge_seed(seed: int) -> Verdict:
    """As `run_seed`, for another process: what happened in a good world is of no use there."""
    verdict = run_seed(seed)
    return verdict if verdict.problems else replace(verdict, trace=())
