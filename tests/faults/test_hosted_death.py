"""The server dies in a call of a hosted agent, just when the model asks for something that only the server can do."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.callers import call_of, children, desk, dial, turns, wait_until
from tests.faults.killable import Killable
from tests.models import Model, Reply, serving
from tests.speech import need

pytestmark = [pytest.mark.fault, pytest.mark.timeout(150), pytest.mark.realtime]

TEXT = "Main Street 1"


@pytest.fixture
def model() -> Iterator[Model]:
    with serving() as made:
        yield made


@pytest.fixture
def killable(tmp_path: Path, model: Model) -> Iterator[Killable]:
    need("voice", "pipecat", "numpy")
    server = Killable(tmp_path, llm_url=model.url)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        wait_until(lambda: not children(server.data), "media children are left", 5)


def test_a_text_that_is_asked_for_while_the_server_is_dead_is_sent_once(
    killable: Killable, model: Model
) -> None:
    model.will(
        Reply((2.0,), [("send_text", {"text": TEXT})]),
        Reply(("I have sent it.",), [("end_call", {})]),
    )
    _, number, number_id = desk(killable, voiceMode="hosted", systemPrompt="You are the desk.")
    phone = killable.handset()
    dial(
        killable, phone, number, {"pauseMs": 800}, {"say": "text me the address please"}, {"pauseMs": 60_000}
    )
    wait_until(lambda: model.requests, "the model was not asked", 20)
    killable.kill()
    time.sleep(3)
    killable.start()
    seen = call_of(killable, number_id, 40)
    assert (seen["disconnectionReason"], seen["ringback"]["resumed"]) == ("agent_hangup", 0)
    assert turns(killable, seen["id"])[-1] == ("agent", "I have sent it.")
    told = [json.loads(one["content"]) for one in model.asked() if one["role"] == "tool"]
    assert [one["status"] for one in told] == ["sent"]

    def texts() -> list[str]:
        inbox = killable.request("GET", f"/sim/v1/handsets/{phone}/messages").json["data"]
        return [one["body"] for one in inbox if one["direction"] != "out"]

    wait_until(texts, "no text came")
    time.sleep(1)
    assert texts() == [TEXT]
