"""README.md and the pages it leads to: every block of code is run as a reader would."""

import re
from pathlib import Path
from typing import Any

import pytest
from docs.pictures import draw

from ringback.testing import Handsets, Ringback, WebhookInbox
from tests.scenarios.pages import ROOT, blocks, lines_to, run_as_tests, served, stopping

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]
PAGES = ("README.md", "docs/quickstart.md", "docs/testing.md", "docs/webhooks.md")


def test_the_readmes_path_ends_in_an_answered_text(tmp_path: Path) -> None:
    start, make_agent, start_bot, text_it, run_tests, move_clock = blocks("README.md", "bash")
    assert start == "make run\n"
    assert run_tests.endswith(".venv/bin/pytest examples\n"), "test_examples.py runs just that"
    with served(tmp_path) as desk:
        made = desk.shell(make_agent)
        assert len(set(re.findall(r"\+1415\d{7}", made))) == 1
        # The SDK is here already, and a test leaves the environment as it is.
        install, rest = start_bot.split("\n", 1)
        assert install == ".venv/bin/uv pip install agentphone"
        # `exec`, so that the signal that stops it reaches the bot and not its shell.
        in_terminal = desk.here(rest).replace("\n.venv/bin/python", "\nexec .venv/bin/python")
        with stopping(desk.start("bash", "-ec", in_terminal)) as bot:
            told = lines_to(bot, "Echo bot answers at ")[-1]
            assert told.split()[4].rstrip(";") in made, "it takes the agent and the number that were made"
            # The second terminal still knows the function that the second step defined.
            shown = desk.shell(make_agent.split("\n", 1)[0], text_it)
        assert "You said: Is anybody there?" in shown.splitlines()[-1]
        moved = desk.shell(make_agent.split("\n", 1)[0], move_clock)
        assert '"settled":true' in moved


def test_the_readmes_and_the_quickstarts_programs_run(tmp_path: Path) -> None:
    with served(tmp_path) as desk:
        with_sdk = blocks("README.md", "python")[0]
        assert desk.python(with_sdk).strip() in ("queued", "sent", "delivered")
        assert "Your table is ready." in desk.run(".venv/bin/ringback", "handset", "inbox", "+14155550123")
        check, keys, twice = blocks("docs/quickstart.md", "bash")
        assert "fine" in desk.shell(check)
        assert "laptop" in desk.shell(keys)
        first, second = desk.shell(twice).splitlines()
        assert first == second
        [send] = blocks("docs/quickstart.md", "python")
        assert desk.python(send) == "outbound Hello from the front desk\n"


def test_the_tests_on_the_pages_pass(tmp_path: Path) -> None:
    tests = [*blocks("README.md", "python")[1:], *blocks("docs/testing.md", "python")]
    assert all("def test_" in test for test in tests)
    assert " passed" in run_as_tests(tmp_path, tests)


def test_the_webhook_pages_programs_hold(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up, with_sdk, by_hand, deliveries = blocks("docs/webhooks.md", "python")
    client = ringback.client()
    names: dict[str, Any] = {
        "client": client,
        "agent": client.agents.create(name="Desk"),
        "url": webhook_inbox.url,
    }
    number, phone = client.numbers.buy(agent_id=names["agent"].id), handset()
    exec(set_up, names)
    assert capsys.readouterr().out.startswith("whsec_")
    phone.text(number.phone_number, "Hello")
    event = webhook_inbox.wait_for()
    received = {"body": event.raw, "headers": event.headers, "secret": names["hook"].secret}
    exec(with_sdk, names | received)
    assert capsys.readouterr().out == f"{phone.number} Hello\n"
    for raw, genuine in ((event.raw, True), (event.raw + b" ", False)):
        seen = names | received | {"body": raw}
        exec(by_hand, seen)
        assert seen["genuine"] is genuine
    exec(deliveries, names)
    assert capsys.readouterr().out.split()[0] in ("pending", "delivered")
    assert client.agents.test_webhook(names["agent"].id)["success"] is True


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target


def shape(said: str, folder: str) -> list[str]:
    """Lines without what differs from run to run."""
    said = said.replace(folder, "<folder>")
    said = re.sub(r"sk_live_[\w-]+…?", "<key>", said)
    return [re.sub(r"\+1\d{10}", "<number>", line) for line in said.splitlines() if line]


def test_the_picture_shows_what_is_really_said(tmp_path: Path) -> None:
    """The picture is drawn from its transcript, and a first run still says what stands there."""
    transcript = (ROOT / "docs/pictures/first-run.txt").read_text(encoding="utf-8")
    drawn = (ROOT / "docs/pictures/first-run.svg").read_text(encoding="utf-8")
    assert draw.draw(transcript.rstrip("\n").split("\n")) == drawn
    with served(tmp_path) as desk:
        said = "\n".join(desk.said)
    first_run = transcript.split("\n\n")[0].split("\n", 1)[1]
    port = said.replace(f":{desk.port}", ":8642")
    assert shape(port, str(tmp_path)) == shape(first_run, "/srv/ringback")
