import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.kit.optout import MAX_LENGTH, opt_out_word

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "body",
    [
        "STOP",
        "stop",
        "Stop.",
        "  stop \r\n",
        "STOP!",
        '"Stop"',
        "ＳＴＯＰ",
        "stop\u200b",
        "StopAll",
        "Unsubscribe",
        "CANCEL",
        "End",
        "quit",
        "“Stop”",
        "«stop».",
        "s\u200dto\u2060p",
        "\ufeffSTOP",
        "...stop...",
        "(STOP)",
        "STOP 🛑",
    ],
)
def test_stop_spellings(body: str) -> None:
    assert opt_out_word(body) == "stop"


@pytest.mark.parametrize(
    "body",
    [
        "We have got to STOP this terrible thing",
        "don't stop",
        "the bus stop at 5?",
        "Stopped by earlier",
        "weekend",
        "end of story",
        "non-stop",
        "STOPLIGHT",
        "please cancel my 3pm and book 4pm",
        "STOP 2 END",
        "st op",
        "stop2",
    ],
)
def test_stop_inside_a_sentence(body: str) -> None:
    assert opt_out_word(body) is None


@pytest.mark.parametrize(
    "body", ["REVOKE", "OPTOUT", "opt out", "Opt-Out", "OPT  OUT.", "opt\u00a0out", "opt\u2011out", "opt–out"]
)
def test_stop_words_of_2025(body: str) -> None:
    assert opt_out_word(body) == "stop"


def test_start_and_help() -> None:
    assert [opt_out_word(body) for body in ("Start", "unstop!", "HELP?", " info ")] == [
        "start",
        "start",
        "help",
        "help",
    ]


@pytest.mark.parametrize("body", ["", " ", "...", "\u200b", "🛑", "yes", "0", "\0"])
def test_other_texts(body: str) -> None:
    assert opt_out_word(body) is None


def test_white_space_does_not_count_towards_the_bound() -> None:
    assert opt_out_word("stop" + " " * 5000) == "stop"
    assert opt_out_word("stop" + "." * MAX_LENGTH) is None


def test_long_bodies_cost_little() -> None:
    began = time.perf_counter()
    opt_out_word("\u200b" * 1_000_000)
    assert time.perf_counter() - began < 0.05


@settings(deadline=None)
@given(
    st.sampled_from(["stop", "STOPALL", "Quit", "opt out", "START", "help"]),
    st.text(" .!?\"'“”()\r\n\u200b\u00a0-*", max_size=10),
    st.text(" .!?\"'“”()\r\n\u200b\u00a0-*", max_size=10),
)
def test_edges_never_matter(word: str, before: str, after: str) -> None:
    assert opt_out_word(before + word + after) == opt_out_word(word) is not None


@settings(deadline=None)
@given(st.text())
def test_any_text_gets_an_answer(body: str) -> None:
    assert opt_out_word(body) in {None, "stop", "start", "help"}
