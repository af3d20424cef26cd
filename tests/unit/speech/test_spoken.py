"""What is written, and what is said."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.speech.number_words import cardinal, digits, number, ordinal, year
from ringback.speech.spoken import clauses, spoken

pytestmark = pytest.mark.unit

MARKUP = [
    ("## Hours\n* **Mon-Fri**: 9-5 ✅", "Hours. Monday to Friday: nine to five"),
    ("See [our site](https://example.com/a?b=c) or `call` us.", "See our site or call us."),
    ("# Title", "Title"),
    ("### Menu ###\n- soup\n- bread", "Menu. soup. bread"),
    ("- [x] done\n- [ ] open", "done. open"),
    ("1. First\n2. Second", "one, First. two, Second"),
    ("* one\n  * inside\n* two", "one. inside. two"),
    ("> quoted **text**", "quoted text"),
    ("This is *very* important, __really__ ~~never~~ `now`.", "This is very important, really never now."),
    ("***both***", "both"),
    ("snake_case stays a word", "snake case stays a word"),
    ("![a cat](https://example.com/cat.png) sleeps", "a cat sleeps"),
    ("| Day | Open |\n|---|---|\n| Monday | nine |", "Day, Open. Monday, nine."),
    ("one\n\n---\n\ntwo", "one. two"),
    ("```python\nhello\n```", "hello"),
    ("<b>Hi</b> &amp; bye<br/>now", "Hi and bye now"),
    ("a long line\nthat goes on", "a long line that goes on"),
    ("a paragraph\n\nAnother", "a paragraph. Another"),
    ("as I said[^1].\n\n[^1]: a note", "as I said. a note"),
    ("Not \\*bold\\*", "Not bold"),
    ("**", ""),
    ("", ""),
    ("   \n ", ""),
]
LINKS = [
    ("Visit https://example.com.", "Visit example dot com."),
    ("Visit https://www.example.com/menu?x=1#top, please", "Visit example dot com slash menu, please"),
    ("at https://shop.example.co.uk/a/8f3b2c9d-long-id", "at shop dot example dot co dot uk"),
    ("on www.my-shop.org", "on my dash shop dot org"),
    ("go to example.io today", "go to example dot io today"),
    ("<https://example.com>", "example dot com"),
    ("Mail ann.lee+x@example.com!", "Mail ann dot lee plus x at example dot com!"),
    ("It is o.k. here.", "It is o.k. here."),
]
PICTURES = [
    ("Done ✅", "Done"),
    ("🎉🎉 Thanks 👍🏽!", "Thanks!"),
    ("👨‍👩‍👧 family ❤️ 1️⃣", "family one"),
    ("Acme™ ®", "Acme"),
    ("Text → arrow", "Text to arrow"),
    ("café naïve Ünal", "café naïve Ünal"),
    ("• point", "point"),
    ("zero\u200bwidth", "zerowidth"),
]
SUMS = [
    ("2 * 3 = 6.", "two times three equals six."),
    ("2*3", "two times three"),
    ("10 / 2 = 5", "ten divided by two equals five"),
    ("3 + 4", "three plus four"),
    ("5 - 3 = 2", "five minus three equals two"),
    ("5 > 3", "five is greater than three"),
    ("7 × 8 ≈ 56", "seven times eight is about fifty-six"),
    ("a = b", "a equals b"),
    ("±2", "plus or minus two"),
]
FIGURES = [
    ("It costs $5.", "It costs five dollars."),
    ("$1", "one dollar"),
    ("$1,234.50", "one thousand two hundred thirty-four dollars and fifty cents"),
    ("$0.99", "ninety-nine cents"),
    ("$0.01", "one cent"),
    ("$2M raised", "two million dollars raised"),
    ("$1.5 million", "one point five million dollars"),
    ("US$20", "twenty dollars"),
    ("20 USD", "twenty dollars"),
    ("£3.50", "three pounds and fifty pence"),
    ("€1 or 5 €", "one euro or five euros"),
    ("¥1000", "one thousand yen"),
    ("$5/month", "five dollars per month"),
    ("$10-$20", "ten dollars to twenty dollars"),
    ("50%", "fifty percent"),
    ("10-15%", "ten to fifteen percent"),
    ("3.14", "three point one four"),
    ("-5", "minus five"),
    ("1,000,000", "one million"),
    ("1st, 2nd, 3rd, 12th, 21st", "first, second, third, twelfth, twenty-first"),
    ("1/2 cup, ¾ cup", "one half cup, three quarters cup"),
    ("8/10", "eight out of ten"),
    ("24/7", "twenty-four seven"),
    ("#5", "number five"),
    ("no. 5 vs. 6", "number five versus six"),
    ("5k users", "five thousand users"),
    ("007", "zero zero seven"),
    ("in 1999 and since 2026", "in nineteen ninety-nine and since twenty twenty-six"),
    ("2000 people", "two thousand people"),
    ("The code is 123456.", "The code is one two three four five six."),
    ("order #00123", "order zero zero one two three"),
    ("ZIP 94103", "ZIP nine four one zero three"),
    ("card ending in 4242", "card ending in four two four two"),
    ("A1B2C3", "A one B two C three"),
    ("12345678", "one two three four five six seven eight"),
    ("version 1.14.0", "version one point fourteen point zero"),
]
TIMES = [
    ("9:00 AM", "nine A M"),
    ("5:30pm", "five thirty P M"),
    ("at 10:05", "at ten oh five"),
    ("at 9:00", "at nine o'clock"),
    ("14:05–15:00", "two oh five P M to three P M"),
    ("00:15", "twelve fifteen A M"),
    ("12:30", "twelve thirty"),
    ("9am-5pm", "nine A M to five P M"),
    ("See you at 7 p.m. Bye.", "See you at seven P M. Bye."),
    ("at 7 p.m. on Friday", "at seven P M on Friday"),
    ("Nov 26, 2026", "November twenty-sixth, twenty twenty-six"),
    ("November 1st", "November first"),
    ("26 Nov 2026", "the twenty-sixth of November, twenty twenty-six"),
    ("2026-11-26", "November twenty-sixth, twenty twenty-six"),
    ("12/25/2026", "December twenty-fifth, twenty twenty-six"),
    ("13/1/26", "January thirteenth, twenty twenty-six"),
    ("Mon, 3 Dec", "Monday, the third of December"),
    ("Sat-Sun", "Saturday to Sunday"),
    ("The sun sat on May.", "The sun sat on May."),
    ("10 - 15 minutes", "ten to fifteen minutes"),
]
PHONES = [
    ("+14155550123", "plus one, four one five, five five five, zero one two three"),
    ("(415) 555-0123", "four one five, five five five, zero one two three"),
    ("415.555.0123", "four one five, five five five, zero one two three"),
    ("1-800-555-0199", "one, eight zero zero, five five five, zero one nine nine"),
    ("555-0123", "five five five, zero one two three"),
    ("+44 20 7946 0018", "plus four four, two zero, seven nine four six, zero zero one eight"),
    ("415-555-0123 ext. 12", "four one five, five five five, zero one two three extension twelve"),
]
UNITS = [
    ("5 km", "five kilometers"),
    ("1 km", "one kilometer"),
    ("10kg", "ten kilograms"),
    ("6 ft", "six feet"),
    ("100 km/h", "one hundred kilometers per hour"),
    ("72°F", "seventy-two degrees Fahrenheit"),
    ("-5 °C", "minus five degrees Celsius"),
    ("2 GB", "two gigabytes"),
    ("50 kHz", "fifty kilohertz"),
    ("20 m²", "twenty square meters"),
    ("2 hrs", "two hours"),
    ("x²", "x squared"),
]
SIGNS = [
    ("Paid — thanks… bye", "Paid, thanks, bye"),
    ("well-known e-mail", "well-known e-mail"),
    ("tall (really) man", "tall, really, man"),
    ("his/her", "his or her"),
    ("and/or", "and or"),
    ("Tom & Jerry", "Tom and Jerry"),
    ("e.g. this, i.e. that", "for example this, that is that"),
    ("Dr. Who and Mr. X", "Doctor Who and Mister X"),
    ("pens, etc. More", "pens, et cetera. More"),
    ("What?! No...", "What? No"),
    ("don\u2019t \u201cquote\u201d", "don't quote"),
    ("C++ and C#", "C plus plus and C sharp"),
]


@pytest.mark.parametrize(
    ("written", "said"),
    [*MARKUP, *LINKS, *PICTURES, *SUMS, *FIGURES, *TIMES, *PHONES, *UNITS, *SIGNS],
)
def test_what_is_said(written: str, said: str) -> None:
    assert spoken(written) == said
    assert spoken(said) == said, "said again, it stays the same"


def test_voice_markdown_is_not_spoken() -> None:
    """The case of that name: nothing that was made for eyes is read out letter by letter."""
    answer = (
        "## Hours\n* **Mon-Fri**: 9-5 ✅\nSee [our site](https://example.com/a?b=c) or `call` us. 2 * 3 = 6."
    )
    said = spoken(answer)
    assert said == (
        "Hours. Monday to Friday: nine to five. See our site or call us. two times three equals six."
    )


@pytest.mark.parametrize(
    ("language", "said"),
    [("en-US", "March fourth, twenty twenty-six"), ("en-GB", "April third, twenty twenty-six")],
)
def test_a_date_is_read_as_the_language_has_it(language: str, said: str) -> None:
    assert spoken("03/04/2026", language=language) == said


def test_in_another_language_figures_are_left_to_the_voice() -> None:
    written = "## Öffnungszeiten\n* **Mo-Fr**: 9:30 Uhr ✅\nAuf [der Seite](https://example.com) für 3,50 €"
    assert spoken(written, language="de-DE") == "Öffnungszeiten. Mo-Fr: 9:30 Uhr. Auf der Seite für 3,50"


TEXTS = st.text() | st.text(alphabet="0123456789 .,:/-$%()+*#_[]\nabAM", max_size=60)


@given(TEXTS)
def test_no_sign_is_left_and_nothing_fails(written: str) -> None:
    said = spoken(written)
    assert not set(said) & set("*#`_~|\\<>[]{}()^")
    assert not any(mark in "0123456789" for mark in said)


PIECES = [
    "*", "[", "(", "<", "1", "a.", "1,", "`", "|", "**a", "1:", "1-", "+1", "- ", "\n", "#", "<a", "a@", "http://a",
    "![", "[a](", "--", "A1", "1.", " ", "\n-", "$1", "1 ", "x",
]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_it_takes_time_by_length_only(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    started = time.perf_counter()
    list(clauses(spoken(text)))
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("Sure.", ["Sure."]),
        ("Sure. I can help.", ["Sure.", "I can help."]),
        (
            "Certainly, I can look that up for you now, it will take a moment.",
            ["Certainly,", "I can look that up for you now, it will take a moment."],
        ),
        (
            "I will look for a table that is free on Friday evening at eight for all of you.",
            ["I will look for a table that is free", "on Friday evening at eight for all of you."],
        ),
        ("The first. J. Smith is here! Is he? Yes", ["The first.", "J. Smith is here!", "Is he?", "Yes"]),
    ],
)
def test_clauses(text: str, pieces: list[str]) -> None:
    assert list(clauses(text)) == pieces


@given(st.text(alphabet="ab ,.!?;\n", max_size=700))
def test_clauses_are_the_text_and_none_is_long(text: str) -> None:
    pieces = list(clauses(text))
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(pieces)
    assert all(len(piece) <= 60 for piece in pieces[:1])
    assert all(len(piece) <= 480 for piece in pieces)


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (99, "ninety-nine"),
        (100, "one hundred"),
        (1_001, "one thousand one"),
        (12_345, "twelve thousand three hundred forty-five"),
        (2_000_000, "two million"),
        (-7, "minus seven"),
    ],
)
def test_cardinals(figure: int, said: str) -> None:
    assert cardinal(figure) == said


def test_other_numbers() -> None:
    assert [ordinal(n) for n in (1, 2, 5, 9, 20, 30, 42, 100)] == [
        "first", "second", "fifth", "ninth", "twentieth", "thirtieth", "forty-second", "one hundredth",
    ]  # fmt: skip
    assert [year(n) for n in (1_900, 1_905, 1_999, 2_000, 2_005, 2_026, 800)] == [
        "nineteen hundred", "nineteen oh five", "nineteen ninety-nine", "two thousand", "two thousand five",
        "twenty twenty-six", "eight hundred",
    ]  # fmt: skip
    assert number("-1,234.50") == "minus one thousand two hundred thirty-four point five zero"
    assert digits("415-555") == "four one five, five five five"
