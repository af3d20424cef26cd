"""Three hundred worlds keep the promises, each is the same each time, and deliberate bugs don't stay hidden."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worlds import sabotage
from tests.worlds.plan import plan_of
from tests.worlds.running import memory, run_seed, shrink
from tests.worlds.sabotage import FOUND, Bug
from tests.worlds.template import template

pytestmark = pytest.mark.world

WORLDS = 300
AT_ONCE = 15
ELSEWHERE = 100
"""Worlds to look through for a bug when the server has changed and its own world no longer shows it."""


@pytest.fixture(autouse=True)
def made() -> None:
    """What every world begins with is made by the server as it is, before a bug comes in."""
    template(memory())


@pytest.mark.parametrize("first", range(0, WORLDS, AT_ONCE))
def test_worlds_keep_the_promises(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        if run_seed(seed).problems:
            pytest.fail(str(shrink(plan_of(seed))), pytrace=False)


def test_a_seed_is_one_world_in_any_process() -> None:
    seeds = range(3, 9)
    here = [run_seed(seed).digest for seed in seeds]
    assert [run_seed(seed).digest for seed in seeds] == here
    assert len(set(here)) == len(here)
    code = f"from tests.worlds.running import run_seed\nfor s in {seeds!r}: print(run_seed(s).digest)"
    root = Path(__file__).parents[2]
    ways = os.pathsep.join([str(root), str(root / "src")])
    env = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": ways}
    there = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert there.stdout.split() == here


@pytest.mark.timeout(240)  # a bug that its own world shows no longer is looked for in others
@pytest.mark.parametrize("bug", FOUND, ids=lambda bug: bug.__name__)
def test_a_bug_is_found(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    assert any(run_seed(seed).problems for seed in (FOUND[bug], *range(ELSEWHERE)))


def test_a_failing_world_is_told_in_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    seed = FOUND[sabotage.counted_again_when_repeated]
    sabotage.counted_again_when_repeated(monkeypatch)
    whole, shortest = run_seed(seed), shrink(plan_of(seed))
    assert shortest.problems
    assert 1 <= len(shortest.plan.steps) < min(5, len(whole.plan.steps))
    steps = ",".join(str(step.n) for step in shortest.plan.steps)
    assert f"make worlds SEED={seed} STEPS={steps}" in str(shortest)
    again = run_seed(seed, [step.n for step in shortest.plan.steps])
    assert again.digest == shortest.digest
