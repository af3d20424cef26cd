from json import JSONDecodeError

import pytest

from ringback.kit.json_text import MAX_NESTING, TooDeep, loads

pytestmark = pytest.mark.unit


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    return opening * levels + "1" + closing * levels


def test_what_is_flat_is_read_as_ever() -> None:
    assert loads('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}
    assert loads(b"[]") == []
    assert loads(nested(MAX_NESTING)) is not None
    assert loads("[" + "[],{}," * 200 + "1]") is not None


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_what_is_deep_is_a_value_error_at_every_depth(opening: str, closing: str) -> None:
    for levels in (MAX_NESTING + 1, 500, *range(900, 1000), 50_000):
        text = nested(levels, opening, closing)
        for given in (text, text.encode()):
            with pytest.raises(TooDeep):
                loads(given)


@pytest.mark.parametrize("levels", [MAX_NESTING, 50_000])
def test_it_names_the_field_that_holds_it(levels: int) -> None:
    inside = nested(levels)
    for text, field in (
        (f'{{"name": "a", "metadata": {inside}}}', "metadata"),
        (f'{{"a": [[1], {{"b": 2}}], "metadata": {{"inner": {inside}}}, "c": []}}', "metadata"),
        (f'{{"[{{\\"": 1, "meta{{{{data": {inside}}}', "meta{{data"),
        (f'{{"{"x" * 500}": {inside}}}', "x" * 100),
        (f'["metadata", {inside}]', None),
    ):
        with pytest.raises(TooDeep) as refused:
            loads(text)
        assert refused.value.field == field


def test_quotes_without_an_end_are_walked_once() -> None:
    """A pattern that began again at each of them would not come to an end."""
    with pytest.raises(TooDeep) as refused:
        loads('{"a":' + "[" * 50_000 + '"' + '\\"' * 100_000)
    assert refused.value.field == "a"


@pytest.mark.parametrize("text", ["", "{", "[" * 5 + "]", "'a'", "nul", b"\xff"])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises((JSONDecodeError, UnicodeDecodeError)):
        loads(text)
