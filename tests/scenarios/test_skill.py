"""/skill.md: an agent that was given this page alone, a shell and a key holds a conversation, by text and by voice."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Ringback
from tests.callers import FAKE
from tests.phones import until
from tests.scenarios.pages import path_without_venv
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    need("voice", "pipecat", "numpy")
    return dict(FAKE)


@pytest.fixture
def skill(ringback: Ringback) -> str:
    answer = ringback.request("GET", "/skill.md", api_key=None)
    assert answer.status == 200
    return answer.content.decode()


def commands(skill: str) -> list[str]:
    assert {kind for kind, _ in _BLOCK.findall(skill)} == {"bash"}
    return [code for _, code in _BLOCK.findall(skill)]


def follow(ringback: Ringback, folder: Path, typed: str) -> str:
    """What a shell says that knows nothing but a key; no command fails, and none is refused."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=typed,
        cwd=folder,
        env={"PATH": path_without_venv(), "RINGBACK_API_KEY": ringback.api_key, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"error"' not in done.stdout, done.stdout
    return done.stdout


def test_its_commands_in_their_order_are_a_conversation(
    ringback: Ringback, skill: str, tmp_path: Path
) -> None:
    assert re.match(r"---\nname: ringback\ndescription: .{60,}\n---\n", skill)
    said = follow(ringback, tmp_path, "\n".join(commands(skill)))
    assert "Great, until when are you open?" in said
    assert "delivered" in said
    assert said.index("Great, until when") < said.index('"body":"Until six."')
    client = ringback.client()
    [number] = client.numbers.list().data
    assert number.phone_number.startswith("+1415")
    [held] = client.conversations.list().data
    texts = [(one.direction, one.body) for one in client.conversations.get(held.id).messages]
    assert texts == [
        ("outbound", "Until six."),
        ("inbound", "Great, until when are you open?"),
        ("outbound", "The bakery here: your cake is ready. STOP ends this."),
    ]
    [agent] = client.agents.list().data
    assert (agent.name, agent.voice_mode) == ("Front desk", "hosted")
    check_calls(ringback, said)


def check_calls(ringback: Ringback, said: str) -> None:
    """One each way, and both sides were heard."""
    calls = until(lambda: ended(ringback, 2))
    assert [call["direction"] for call in calls] == ["inbound", "outbound"]
    assert '"content":"Hello, the bakery here. Your cake is ready."' in said
    assert "api_end" in said
    assert re.search(r'"text":"[^"]*until when are you open', said, re.IGNORECASE)
    for call in calls:
        turns = ringback.request("GET", f"/v1/calls/{call['id']}/transcript").json["transcript"]
        assert {turn["role"] for turn in turns} == {"user", "agent"}, turns


def ended(ringback: Ringback, many: int) -> Any:
    calls = ringback.request("GET", "/v1/calls").json["data"]
    return len(calls) == many and all(call["endedAt"] for call in calls) and calls


def test_each_command_may_have_a_shell_of_its_own(ringback: Ringback, skill: str, tmp_path: Path) -> None:
    """As the page says: the file that the first block leaves is all that a new shell needs."""
    first, second, *_ = commands(skill)
    follow(ringback, tmp_path, first)
    assert '"remaining":10' in follow(ringback, tmp_path, f". ./ringback.sh\n{second}")
