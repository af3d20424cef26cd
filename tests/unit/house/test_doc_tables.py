"""What the tables of docs/ list is what the code has: error codes, personalities, faults, settings."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from ringback.agents.schemas import AgentSettings
from ringback.agents.service import DEFAULT_VOICE
from ringback.carriers.codes import CODES
from ringback.carriers.pace import CLASSES, SHORT_CODE, TOLL_FREE
from ringback.compliance import service as compliance
from ringback.conversations.service import MAX_METADATA_BYTES
from ringback.doors.http.limits import Limits
from ringback.doors.rest.endpoints.messages import MAX_CHARACTERS, MAX_MEDIA
from ringback.doors.rest.endpoints.not_built import _WHAT, NOT_BUILT, NOT_BUILT_WITHOUT_KEY
from ringback.doors.rest.guard import MAX_QUERY_VALUE
from ringback.doors.rest.refusals import _CODES
from ringback.events.steps import Kind
from ringback.flows.media_room import OF_ACCOUNT, OF_FAMILY, OF_NUMBER
from ringback.kit import measures
from ringback.kit.addresses import MAX_URL_CHARACTERS
from ringback.kit.faults import Conflict, Fault, Invalid, NotFound, Unavailable
from ringback.kit.json_text import MAX_NESTING
from ringback.kit.optout import _WORDS
from ringback.kit.wire import LONGEST
from ringback.settings import Settings
from ringback.sim.exchange.manners import MANNERS
from ringback.sim.faults import FaultKind
from ringback.sim.operators import SHARES
from ringback.sim.personalities import CALL_PERSONALITIES, REASONS, TEXT_MANNERS
from ringback.sim.settings import Campaign
from ringback.sim.settings import Settings as LineSettings
from tests.unit.house.loaded import modules

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
Answer = tuple[int, str]
"""A status and an error code."""
PLAIN: dict[str, type[Fault]] = {kind.__name__: kind for kind in (Conflict, Invalid, NotFound, Unavailable)}
"""Errors that are raised as they are, without a class of their own."""
TELLERS = ("doors/rest/errors.py", "doors/rest/refusals.py")
"""Sources that answer with a code which others chose."""


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every row of a page's tables."""
    for line in re.findall(r"^\|(.+)\|$", text, re.MULTILINE):
        yield [cell.strip() for cell in line.split("|")]


def names(cell: str) -> list[str]:
    """What a cell holds in code marks."""
    return re.findall(r"`([^`]+)`", cell)


def column(page: str, heading: str) -> list[str]:
    """What the first column of the tables in a page's section names, in code marks."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGES[page], re.MULTILINE | re.DOTALL)
    assert section, f"{page} has no section {heading}"
    return [name for row in rows(section[1]) for name in names(row[0])]


def faults() -> set[Answer]:
    """What every error class answers that has a code of its own."""
    list(modules())
    found: set[Answer] = set()
    ahead: list[type[Fault]] = [Fault]
    while ahead:
        kind = ahead.pop()
        ahead += kind.__subclasses__()
        if kind.__module__.startswith("ringback.") and kind.__module__ != Fault.__module__:
            found.add((kind.status, kind.code))
    return found


def answers_of_doors() -> set[Answer]:
    """What doors answer by themselves."""
    found: set[Answer] = {(422, "VALIDATION_ERROR"), (400, "BAD_REQUEST"), *_CODES.items()}
    for path in sorted((ROOT / "src").rglob("*.py")):
        if path.as_posix().endswith(TELLERS):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and called in ("ApiError", "error_response", "Refusal"):
                if ast.unparse(node.args[0]) == "self.status":
                    continue  # it was counted where it is made
                status, code = (ast.literal_eval(given) for given in node.args[:2])
                found.add((status, "VALIDATION_ERROR" if status == 422 else code))
            elif called in PLAIN:
                found.add((PLAIN[called].status, PLAIN[called].code))
    tellers = "".join((ROOT / "src/ringback" / name).read_text(encoding="utf-8") for name in TELLERS)
    told = re.findall(r'error_response\(\s*(\d{3}), "([A-Z_]+)"', tellers)
    return found | {(int(status), code) for status, code in told}


def told_on(page: str) -> set[Answer]:
    """The statuses and codes in a page's tables of refusals."""
    return {
        (int(row[0]), code)
        for row in rows(PAGES[page])
        if re.fullmatch(r"[45]\d\d", row[0])
        for code in names(row[1])
    }


def test_the_page_of_errors_lists_every_answer_and_no_other() -> None:
    listed, real = told_on("errors.md"), faults() | answers_of_doors()
    assert sorted(real - listed) == [], "docs/errors.md lacks these"
    assert sorted(listed - real) == [], "docs/errors.md tells of what nothing answers"


@pytest.mark.parametrize("page", PAGES)
def test_refusals_on_other_pages_exist(page: str) -> None:
    assert sorted(told_on(page) - told_on("errors.md")) == []


def test_limits() -> None:
    told = {row[0]: row[1] for row in rows(PAGES["limits.md"])}
    limits, settings = Limits(), {name: field.default for name, field in Settings.model_fields.items()}
    for what, number in {
        "path and query together": limits.max_target_bytes,
        "a body": settings["max_body_bytes"],
        "arrays and objects in each other": MAX_NESTING,
        "the value of a query parameter": MAX_QUERY_VALUE,
        "from a request's first byte to the end of its headers": limits.head_timeout_s,
        "from there to the end of its body": settings["request_timeout_s"],
        "an answer of which the client takes nothing": limits.answer_timeout_s,
        "a new connection without a byte": limits.head_timeout_s,
        "a connection between two requests": limits.idle_timeout_s,
        "body of a text that an agent sends": MAX_CHARACTERS,
        "every other text": LONGEST,
        "`metadata` of a conversation": MAX_METADATA_BYTES,
        "`mediaUrls`": MAX_MEDIA,
        "URLs of webhooks": MAX_URL_CHARACTERS,
        "numbers of an account": settings["number_limit"],
    }.items():
        assert re.match(rf"{number:,.0f}\b", told[what]), what
    together = (
        f"{OF_NUMBER} of a number, {OF_ACCOUNT} of an account, {OF_FAMILY} of an account and its sub-accounts"
    )
    assert told["texts with media that are handed over at a time"] == together
    assert told["headers"] == f"{limits.max_headers}, and {limits.max_head_bytes:,} bytes in all"
    text = " ".join(PAGES["limits.md"].split())
    assert f"A process holds {settings['max_connections']:,} (`max_connections`)" in text
    assert f"At most {limits.max_pipelined} requests may wait on one connection" in text
    assert (limits.max_connections, limits.request_timeout_s) == (
        settings["max_connections"],
        settings["request_timeout_s"],
    )


def test_personalities() -> None:
    assert sorted(column("testing.md", "Personalities")) == sorted(TEXT_MANNERS)


def test_call_personalities() -> None:
    assert sorted(column("testing-calls.md", "Call personalities")) == sorted(MANNERS)
    assert set(MANNERS) == set(CALL_PERSONALITIES)


def test_faults() -> None:
    assert sorted(column("testing.md", "Faults")) == sorted(get_args(FaultKind))


def test_the_settings_of_the_line() -> None:
    assert sorted(column("testing.md", "The line")) == sorted(LineSettings.__dataclass_fields__)


def test_the_classes_of_campaigns() -> None:
    told = {row[0]: row[1:] for row in rows(PAGES["pace.md"])}
    paces = {**{f"`{name}`": pace for name, pace in CLASSES.items()}, "toll-free numbers": TOLL_FREE}
    for name, pace in {**paces, "short codes": SHORT_CODE}.items():
        day, tmobile = (f"{limit:,}" if limit else "" for limit in (pace.segments_a_day, pace.tmobile_a_day))
        assert told[name] == [f"{pace.messages_per_second:g}", day, tmobile], name
    shares = ", ".join(f"{name} {share:.0%}".replace("%", " %") for name, share in SHARES.items())
    assert shares in " ".join(PAGES["pace.md"].split())
    assert set(CLASSES) == set(get_args(Campaign))


def test_the_codes_of_failed_texts() -> None:
    section = re.search(r"^## Codes\n(.*)", PAGES["delivery.md"], re.MULTILINE | re.DOTALL)
    assert section
    listed = {row[0].strip("`"): row[1:] for row in rows(section[1]) if re.match(r"\d|`", row[0])}
    assert listed == {
        code: [f"`{meaning.side}`", meaning.why, "yes" if meaning.retryable else ""]
        for code, meaning in CODES.items()
    }
    in_code = {
        code
        for path in (ROOT / "src/ringback").rglob("*.py")
        if path.parent.name in ("sim", "messages", "flows")
        for code in re.findall(r'"(\d{5})"', path.read_text(encoding="utf-8"))
    }
    never_of_texts = {"20429", "21422"}  # too fast, which is tried again, and a number that can't be bought
    assert in_code - never_of_texts <= listed.keys()
    assert REASONS.keys() <= listed.keys()


def test_the_steps_of_a_story() -> None:
    assert sorted(column("delivery.md", "The story of a text")) == sorted(get_args(Kind))


def test_words_that_are_obeyed() -> None:
    table = {word: row for row in rows(PAGES["messages.md"]) for word in row[0].split(", ")}
    assert {word for word in table if word.casefold() in _WORDS} == {word.upper() for word in _WORDS}
    for word, said in (
        ("STOP", compliance.CONFIRMATION),
        ("START", compliance.WELCOME_BACK),
        ("HELP", compliance.HELP),
    ):
        assert f'"{said}"' in table[word][2]


def test_settings_of_an_agent_and_their_defaults() -> None:
    told = {name: row[1] for row in rows(PAGES["agents.md"]) for name in names(row[0])}
    for name, field in AgentSettings.model_fields.items():
        default = DEFAULT_VOICE if name == "voice" else field.default
        spelled = default if isinstance(default, str) else json.dumps(default)
        assert f"({spelled})" in told[field.alias or name].replace("`", ""), name


def test_every_setting_is_told_with_its_default() -> None:
    told = [row for row in rows(PAGES["settings.md"]) if names(row[0])]
    for row, (name, field) in zip(told, Settings.model_fields.items(), strict=True):
        default = field.default
        shown = (
            json.dumps(default)
            if isinstance(default, bool)
            else f"{default:g}"
            if isinstance(default, float)
            else str(default).lower()
            if isinstance(default, bool)
            else str(default)
            if default not in (None, ())
            else ""
        )
        assert row == [f"`{name}`", f"`RINGBACK_{name.upper()}`", shown, field.description]


def test_the_readme_lists_what_of_the_api_is_not_built() -> None:
    missing: set[str] = set()
    for _, path, _ in NOT_BUILT + NOT_BUILT_WITHOUT_KEY:
        begins = [start for start in _WHAT if path.startswith(start)]
        missing.add(_WHAT[begins[0]].rpartition(" ")[0])
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    told = re.search(r"## Not built yet Of the API: ([^.]+)\. They answer 400 `NOT_IMPLEMENTED`", readme)
    assert told
    assert set(re.split(r", | and ", told[1])) == missing


def test_the_settings_of_a_server() -> None:
    for _, variable, line in (row for row in rows(PAGES["quickstart.md"]) if "RINGBACK_" in row[1]):
        name = line.strip("`").split(" = ")[0]
        assert variable == f"`RINGBACK_{name.upper()}`"
        assert name in Settings.model_fields
    named = {name for text in PAGES.values() for name in re.findall(r"`RINGBACK_([A-Z_]+)`", text)}
    assert {name for name in named if name.lower() not in Settings.model_fields} <= {"URL", "API_KEY"}


def test_the_page_of_metrics_lists_what_is_measured() -> None:
    page = PAGES["observing.md"]
    told = {names(row[0])[0]: names(row[1]) for row in rows(page) if "`ringback_" in row[0]}
    measured = {measure.name: list(measure.labels) for measure in measures.ALL}
    source = (ROOT / "src/ringback/doors/rest/endpoints/metrics.py").read_text(encoding="utf-8")
    gauges = set(re.findall(r'"(ringback_\w+)"', source))
    assert {name: told[name] for name in measured} == measured
    assert told.keys() == measured.keys() | gauges
