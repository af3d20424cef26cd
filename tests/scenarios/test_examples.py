"""The examples, run as a user runs them: in processes of their own, from a folder that is not ours."""

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ringback.testing import Handsets, Ringback
from tests.media import GIF, PNG

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]
EXAMPLES = Path(__file__).parents[2] / "examples"


@contextmanager
def bot(ringback: Ringback, file: str, name: str) -> Iterator[str]:
    """The example as a process; the number it answers at."""
    env = {**os.environ, "RINGBACK_URL": ringback.base_url, "RINGBACK_API_KEY": ringback.api_key}
    command = [sys.executable, "-W", "error", str(EXAMPLES / file)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield said_by(process, f"{name} answers at ").split(";")[0]
        finally:
            process.terminate()


def said_by(process: subprocess.Popen[str], beginning: str) -> str:
    """The rest of the line that the process says first."""
    assert process.stdout is not None
    end = time.monotonic() + 60
    while not select.select([process.stdout], [], [], 0.5)[0]:
        assert process.poll() is None, "it ended at once"
        assert time.monotonic() < end, "it says nothing"
    line = process.stdout.readline().rstrip("\n")
    assert line.startswith(beginning), line
    return line.removeprefix(beginning)


def test_the_echo_bot_answers_a_phone(ringback: Ringback, handset: Handsets) -> None:
    phone = handset()
    with bot(ringback, "echo_bot.py", "Echo bot") as number:
        phone.text(number, "Is anybody there?")
        assert phone.wait_for("You said: Is anybody there?", timeout=20).from_ == number
    with bot(ringback, "echo_bot.py", "Echo bot") as same_number:
        assert same_number == number, "it takes up what it made before"
        phone.text(number, "And now?")
        phone.wait_for("You said: And now?", timeout=20)
    assert len(ringback.client().agents.list().data) == 1


def test_the_picture_bot_looks_at_pictures(ringback: Ringback, handset: Handsets) -> None:
    phone = handset()
    with bot(ringback, "picture.py", "Picture bot") as number:
        phone.text(number, "Hello")
        phone.wait_for("Text me a picture", timeout=20)
        phone.text(number, media=[PNG, GIF])
        answer = phone.wait_for(timeout=20)
    assert answer.body == f"image/png of {len(PNG)} bytes and image/gif of {len(GIF)} bytes"
    assert [one.read() for one in answer.media] == [PNG, GIF]


def test_the_echo_bot_says_what_it_needs() -> None:
    env = {name: value for name, value in os.environ.items() if name != "RINGBACK_API_KEY"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "echo_bot.py")], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "set RINGBACK_API_KEY=$(cat ringback-data/first-key)\n"


def test_the_example_of_a_users_tests_passes(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    command = [sys.executable, "-m", "pytest", "examples", "-p", "no:asyncio", "-W", "error"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"= \d+ passed in ", done.stdout), done.stdout
