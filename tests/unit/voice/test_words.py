"""Sentences, backchannels, and how much of a sentence was heard."""

import pytest

from ringback.voice.brains.ndjson import Lines
from ringback.voice.talk.words import heard_part, is_backchannel, sentences

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One sentence.", 1),
        ("This is the first. This is the second! And is this the third?", 3),
        ("See https://example.com/a?b=c for more. Or call us.", 2),
        ("Dr. Smith is here.", 1),
        ("A heading here\nand a line below", 2),
        ("", 0),
        ("It costs 4.50 a month.", 1),
    ],
)
def test_sentences(text: str, pieces: int) -> None:
    found = list(sentences(text))
    assert len(found) == pieces
    assert "".join(found) == text


@pytest.mark.parametrize(
    "text",
    [
        "Mhm.",
        "Uh-huh",
        "Yeah, yeah.",
        "OKAY!",
        "right",
        "Hmm...",
        "M. M. M.",
        "M. H. N..",
        "",
        "I see.",
        "Man.",
    ],
)
def test_backchannels(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text", ["stop", "no", "wait", "yes please", "right now", "okay but", "hold on", "fight it"]
)
def test_words_that_mean_something(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize(
    ("share", "heard"),
    [(0, ""), (0.1, ""), (0.5, "one two"), (0.99, "one two three"), (1, "one two three four ")],
)
def test_what_was_heard_is_whole_words(share: float, heard: str) -> None:
    assert heard_part("one two three four ", share) == heard


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_cut_anywhere(size: int) -> None:
    wire = (
        '{"text":"Ünö.","interim":true}\r\nnot json\n[1,2]\n"text"\nnull\n\n   \n{"text":"Two.","hangup":true}'
    ).encode()
    lines = Lines()
    found = [one for at in range(0, len(wire), size) for one in lines.feed(wire[at : at + size])]
    found += lines.feed(b"", last=True)
    assert found == [{"text": "Ünö.", "interim": True}, {"text": "Two.", "hangup": True}]
    assert lines.ignored == ["not json", "[1,2]", '"text"', "null"]


def test_bytes_that_are_no_text() -> None:
    lines = Lines()
    assert list(lines.feed(b'\xff\xfe{"a":1}\n{"b":2}\n')) == [{"b": 2}]
