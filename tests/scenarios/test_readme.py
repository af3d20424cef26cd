"""README.md: its path from nothing to an answered text is walked as a reader would, and its programs run.

Its tests run with those of docs/ (test_docs.py).
"""

import re
from pathlib import Path

import pytest
from docs.pictures import draw

from ringback.testing import Ringback
from tests.scenarios.page_scripts import beside
from tests.scenarios.pages import PORT, ROOT, Block, Desk, blocks, lines_to, read, served, stopping

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]
TRANSCRIPT = ROOT / "docs/pictures/first-run.txt"


def test_the_readmes_path_ends_in_an_answered_text(tmp_path: Path) -> None:
    start, start_bot, text_it, run_tests, move_clock = blocks("README.md", "bash")
    assert start == "make run\n"
    assert run_tests.endswith(".venv/bin/pytest examples\n"), "test_examples.py runs just that"
    with served(tmp_path) as desk:
        check_first_run(desk)
        # The SDK is here already, and a test leaves the environment as it is.
        install, rest = start_bot.split("\n", 1)
        assert install == ".venv/bin/uv pip install agentphone"
        # `exec`, so that the signal that stops it reaches the bot and not its shell.
        in_terminal = desk.here(rest).replace("\n.venv/bin/python", "\nexec .venv/bin/python")
        with stopping(desk.start("bash", "-ec", in_terminal)) as bot:
            lines_to(bot, "Echo bot answers at ")
            # The third terminal moves the clock as well.
            shown, moved = desk.shell(text_it, "echo ---", move_clock).split("---\n")
        assert "You said: Is anybody there?" in shown.splitlines()[-1]
        assert '"settled":true' in moved


def test_the_readmes_programs_run(ringback: Ringback, tmp_path: Path) -> None:
    with beside(ringback, tmp_path) as script:
        for block in read("README.md"):
            if block.language == "python" and not block.is_test:
                script.run(block)
                assert script.said
        script.run(Block("README.md", "bash", ".venv/bin/ringback handset inbox +14155550123\n", 0))
        assert "Your table is ready." in script.said


def shape(said: str, folder: str) -> list[str]:
    """Lines without what differs from run to run."""
    said = said.replace(folder, "<folder>")
    said = re.sub(r"sk_live_[\w-]+…?", "<key>", said)
    return [re.sub(r"\+1\d{10}", "<number>", line) for line in said.splitlines() if line]


def check_first_run(desk: Desk) -> None:
    """A first run says what stands in the transcript."""
    first_run = TRANSCRIPT.read_text(encoding="utf-8").split("\n\n")[0].split("\n", 1)[1]
    said = "\n".join(desk.said).replace(f":{desk.port}", f":{PORT}")
    assert shape(said, str(desk.folder)) == shape(first_run, "/srv/ringback")


def test_the_picture_is_drawn_from_the_transcript() -> None:
    lines = TRANSCRIPT.read_text(encoding="utf-8").rstrip("\n").split("\n")
    assert draw.draw(lines) == TRANSCRIPT.with_suffix(".svg").read_text(encoding="utf-8")
