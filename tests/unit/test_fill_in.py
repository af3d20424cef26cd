"""Variables in prompts and greetings: what takes their place, and how long it may get."""

import time

import pytest

from ringback.flows.fill_in import LONGEST_GREETING, LONGEST_PROMPT, check_filled, fill_in
from ringback.kit.faults import Invalid

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "most", "filled"),
    [
        ("Hi {{who}}, {{ who }}!", 99, "Hi Ann, Ann!"),
        ("Hi {{nobody}}, {{none}}!", 99, "Hi {{nobody}}, !"),
        ("{{who}}{{who}}", 4, "AnnA"),
        ("no places", 4, "no p"),
        ("{{who}} and more", 6, "Ann an"),
    ],
)
def test_what_takes_their_place(text: str, most: int, filled: str) -> None:
    assert fill_in(text, {"who": "Ann", "none": None}, most=most) == filled


def test_nobody_fills_the_memory() -> None:
    begun = time.perf_counter()
    text = "{{a}}" * (LONGEST_PROMPT // 5)
    with pytest.raises(Invalid, match="the prompt has more than the 100,000 characters") as refused:
        check_filled({"a": "x" * 4_096}, greeting=None, prompt=text)
    assert refused.value.field == "variables"
    assert time.perf_counter() - begun < 0.5
    check_filled({"a": "x" * LONGEST_GREETING}, greeting="{{a}}", prompt=None)
    check_filled({}, greeting=None, prompt="x" * LONGEST_PROMPT)
