"""What a call becomes when it is saved, what a file may be, and how what was said is judged."""

import re
from pathlib import Path
from typing import Any

import pytest

from ringback.scenarios.file import Expect, Match, Scenario, ScenarioError, Turn, read, written
from ringback.scenarios.judging import is_match, judge
from ringback.scenarios.saving import scenario_of

pytestmark = pytest.mark.unit
Said = tuple[str, str, int, int]


def call(**more: Any) -> dict[str, Any]:
    story = {
        "brain": "webhook",
        "answeredAt": "2026-11-26T08:00:00.000Z",
        "endingSide": "agent",
        "endingDetail": None,
        "timeline": [{"replyMs": 600}, {"replyMs": None}, {"replyMs": 450}],
        **more.pop("ringback", {}),
    }
    return {
        "id": "call_1",
        "agentId": "agt_1",
        "phoneNumber": "+12125550100",
        "fromNumber": "+14155550123",
        "toNumber": "+12125550100",
        "direction": "inbound",
        "status": "completed",
        "disconnectionReason": "agent_hangup",
        "endedAt": "2026-11-26T08:00:10.000Z",
        "durationSeconds": 10,
        "ringback": story,
        **more,
    }


def transcript(*said: Said) -> dict[str, Any]:
    return {
        "transcript": [
            {"role": role, "content": text, "ringback": {"startMs": start, "endMs": end}}
            for role, text, start, end in said
        ]
    }


TALK = transcript(
    ("agent", "Hello, this is the desk.", 320, 1_900),
    ("user", "When do you close?", 2_700, 3_900),
    ("agent", "We close at", 4_500, 5_600),
    ("user", "Sorry, I meant tomorrow.", 5_100, 6_400),
    ("user", "42#", 7_000, 7_600),
    ("agent", "Thank you. Goodbye.", 8_000, 9_500),
)


def test_a_call_becomes_a_script_and_what_must_hold(tmp_path: Path) -> None:
    saved = scenario_of(call(), TALK)
    assert saved.steps == [
        {"waitForSilenceMs": 800},
        {"say": "When do you close?"},
        {"interruptAfterMs": 600, "say": "Sorry, I meant tomorrow."},
        {"pauseMs": 600},
        {"dtmf": "42#"},
    ]
    assert (saved.expect.replyMs, saved.expect.seconds) == (1_200, 20)
    assert [turn.match for turn in saved.expect.turns or ()] == [None, None, "begins", None, None, None]
    (tmp_path / "call.yaml").write_text(written(saved), encoding="utf-8")
    assert read(tmp_path / "call.yaml") == saved
    assert "version: 1\ncall: call_1\ndirection: inbound\n" in written(saved)
    assert "answers" not in written(saved)


def test_a_caller_who_hung_up_hangs_up() -> None:
    hung = call(disconnectionReason="user_hangup")
    assert scenario_of(hung, TALK).steps[-2:] == [{"waitForSilenceMs": 1_000}, {"hangup": True}]
    silent = scenario_of(hung, transcript(("user", "Hello?", 1_300, 1_800)))
    assert silent.steps == [{"pauseMs": 1_000}, {"say": "Hello?"}, {"pauseMs": 1_000}, {"hangup": True}]
    assert scenario_of(hung, transcript()).steps == [{"pauseMs": 1_000}, {"hangup": True}]


def test_a_caller_who_draws_breath_says_it_in_one_go() -> None:
    said = transcript(
        ("agent", "Hello.", 300, 900),
        ("user", "Thank you,", 1_800, 2_300),
        ("user", "goodbye.", 2_799, 3_300),
        ("user", "Are you there?", 3_800, 4_600),
        ("user", "1#", 4_700, 4_700),
    )
    saved = scenario_of(call(), said)
    assert saved.steps == [
        {"waitForSilenceMs": 900},
        {"say": "Thank you, goodbye."},
        {"pauseMs": 500},
        {"say": "Are you there?"},
        {"pauseMs": 100},
        {"dtmf": "1#"},
    ]
    assert saved.expect.turns is not None
    assert saved.expect.turns[1] == Turn(caller="Thank you, goodbye.", startMs=1_800, endMs=3_300)


ECHO = (
    ("agent", "Hello, this is the desk.", 300, 1_900),
    ("user", "A table for two.", 2_700, 3_900),
    ("agent", "You said: A table for two.", 4_500, 6_000),
    ("user", "Yes.", 7_000, 7_300),
    ("agent", "We have one for two. Is that all?", 8_000, 10_000),
    ("user", "No.", 9_500, 9_800),
    ("agent", "So: a table for two, and", 10_500, 12_000),
    ("user", "Stop it.", 11_500, 12_000),
)


@pytest.mark.parametrize(
    ("brain", "matches"),
    [
        # What repeats the caller was misheard then, and is misheard in another way now.
        ("webhook", [None, "alike", "begins", "any"]),
        ("demo", [None, "alike", "any", "any"]),
        ("hosted", ["any", "any", "any", "any"]),
    ],
)
def test_what_hangs_on_heard_words_is_judged_as_they_are(brain: str, matches: list[Match | None]) -> None:
    saved = scenario_of(call(ringback={"brain": brain}), transcript(*ECHO))
    assert [turn.match for turn in saved.expect.turns or () if turn.role == "agent"] == matches
    short = scenario_of(call(), transcript(("user", "Five.", 0, 1), ("agent", "At five, then.", 900, 1_500)))
    assert [turn.match for turn in short.expect.turns or ()] == [None, "alike"]


def test_a_repetition_that_was_misheard_holds() -> None:
    saved = scenario_of(call(), transcript(*ECHO[:3]))
    other = transcript(
        ECHO[0], ("user", "a table for you", 0, 0), ("agent", "You said: a table for you.", 0, 0)
    )
    turns = Expect(turns=saved.expect.turns)
    assert all(check.ok for check in judge(turns, call(), other["transcript"]))
    wrong = transcript(ECHO[0], ECHO[1], ("agent", "We are closed on Sundays.", 0, 0))
    assert not all(check.ok for check in judge(turns, call(), wrong["transcript"]))


def test_of_several_turns_in_a_row_the_least_that_is_asked_holds() -> None:
    asked = Expect(turns=[Turn(agent="One moment."), Turn(agent="You said two", match="alike")])
    said = transcript(("agent", "One moment.", 0, 0), ("agent", "You said too", 0, 0))
    assert all(check.ok for check in judge(asked, call(), said["transcript"]))


def test_a_model_may_say_it_in_other_words() -> None:
    saved = scenario_of(call(ringback={"brain": "hosted"}), TALK)
    assert {turn.match for turn in saved.expect.turns or () if turn.role == "agent"} == {"any"}


@pytest.mark.parametrize(
    ("reason", "answers"), [("busy", "busy"), ("declined", "declines"), ("no_answer", "no-answer")]
)
def test_a_phone_that_did_not_answer(reason: str, answers: str) -> None:
    placed = call(
        direction="outbound",
        toNumber="+14155550199",
        disconnectionReason=reason,
        ringback={"answeredAt": None, "timeline": []},
    )
    saved = scenario_of(placed, transcript())
    assert (saved.answers, saved.phone, saved.steps) == (answers, "+14155550199", [])
    assert saved.expect.replyMs is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"endedAt": None}, "is not over"),
        ({"direction": "web"}, "from a browser"),
        ({"ringback": {"answeredAt": None}}, "never answered"),
        (
            {"direction": "outbound", "disconnectionReason": "api_end", "ringback": {"answeredAt": None}},
            "never answered",
        ),
    ],
)
def test_calls_that_can_not_be_played(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ScenarioError, match=why):
        scenario_of(call(**changes), TALK)


GOOD = "version: 1\ndirection: inbound\nexpect: {}\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- 1\n", "is no scenario"),
        ("a: [\n", "is no YAML"),
        ("\xff", "is no YAML"),
        ("[" * 5_000, "is nested too deep"),
        (GOOD.replace("1", "2"), "version: Input should be 1"),
        (GOOD.replace("inbound", "web"), "direction: Input should be 'inbound' or 'outbound'"),
        (GOOD + "sayed: x\n", "sayed: Extra inputs"),
        (GOOD.replace("{}", "{turns: [{}]}"), "expect.turns.0: expected either agent"),
        (GOOD.replace("{}", "{turns: [{agent: a, match: near}]}"), "expect.turns.0.match: Input should be"),
        (GOOD.replace("{}", "{replyMs: 0, seconds: -1}"), r"expect.seconds: .* \(and 1 more\)"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ScenarioError, match=f"^{re.escape(str(path))}.*{why}") as refused:
        read(path)
    assert "\n" not in str(refused.value)
    with pytest.raises(ScenarioError, match="can't be read: No such file"):
        read(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("how", "wanted", "found", "fits"),
    [
        ("same", "We\u2019re open: until five!", "we're open until Five", True),
        ("same", "We are open.", "We are closed.", False),
        ("alike", "when do you close on sundays", "when do you close on sunday", True),
        ("alike", "when do you close", "what is your name", False),
        ("begins", "We close at", "We close at nine in", True),
        ("begins", "We close at nine", "We close", True),
        ("begins", "We close at", "", False),
        ("begins", "We close at", "They close", False),
        ("contains", "open until five", "Yes, we are open until five, every day.", True),
        ("contains", "open until five", "We open until fifteen.", False),
        ("any", "x", "y", True),
    ],
)
def test_how_near_it_must_be(how: Match, wanted: str, found: str, fits: bool) -> None:
    assert is_match(how, wanted, found) is fits


def test_everything_that_does_not_hold_is_told() -> None:
    expect = scenario_of(call(), TALK).expect
    assert all(check.ok for check in judge(expect, call(), TALK["transcript"]))
    other = transcript(
        ("agent", "Hello, this is the desk.", 0, 0),
        ("user", "When do you", 0, 0),
        ("user", "close?", 0, 0),
        ("agent", "We never close.", 0, 0),
    )
    late = call(
        status="failed",
        disconnectionReason="webhook_error",
        durationSeconds=99,
        ringback={
            "endingSide": "webhook",
            "endingDetail": "it answered 500",
            "timeline": [{"replyMs": 9_000}],
        },
    )
    wrong = {check.what: check.found for check in judge(expect, late, other["transcript"]) if not check.ok}
    assert wrong.keys() == {"status", "reason", "side", "3 agent", "4 caller", "5 agent", "replies", "length"}
    assert wrong["reason"] == "webhook_error, and not agent_hangup: it answered 500"
    assert wrong["3 agent"] == "agent said 'We never close.', and not agent 'We close at'"
    assert wrong["4 caller"] == "did not say 'Sorry, I meant tomorrow. 42#'"
    more = judge(Expect(turns=[Turn(agent="Hello, this is the desk.")]), call(), other["transcript"])
    assert [check.ok for check in more] == [True, False, False]
    nothing = judge(Expect(replyMs=100), call(ringback={"timeline": []}), ())
    assert [(check.ok, check.found) for check in nothing] == [(False, "nothing was answered, 100 at most")]


def test_nothing_is_judged_that_is_not_expected() -> None:
    assert Scenario(version=1, direction="inbound", expect=Expect()).answers == "manual"
    assert judge(Expect(), call(), TALK["transcript"]) == []
