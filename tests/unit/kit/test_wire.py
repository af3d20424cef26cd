"""What wire types take beside what their schemas say."""

from typing import Annotated

import pytest
from pydantic import ConfigDict, Field, ValidationError

from ringback.kit.wire import WHOLE, CamelWire

pytestmark = pytest.mark.unit


class Asked(CamelWire):
    how_many: Annotated[int, Field(ge=1, le=9), WHOLE] = 1
    or_none: Annotated[int, Field(ge=1), WHOLE] | None = 2


class Strict(Asked):
    model_config = ConfigDict(extra="forbid")


def test_a_whole_number_is_an_integer_however_it_is_written() -> None:
    asked = Asked.model_validate_json('{"howMany": 5.0, "orNone": 1e3}')
    assert (asked.how_many, asked.or_none) == (5, 1000)
    assert type(asked.how_many) is int


@pytest.mark.parametrize("value", [1.5, "5", True, 10.0, 0.0, 1e308, float("nan"), float("inf"), [5]])
def test_what_is_no_whole_number_within_bounds(value: object) -> None:
    with pytest.raises(ValidationError):
        Asked.model_validate({"howMany": value})


def test_bounds_are_in_the_document() -> None:
    schema = Asked.model_json_schema()["properties"]
    assert (schema["howMany"]["type"], schema["howMany"]["maximum"]) == ("integer", 9)


def test_null_is_not_given_where_a_field_takes_none() -> None:
    asked = Asked.model_validate({"howMany": None, "orNone": None})
    assert (asked.how_many, asked.or_none) == (1, None)
    assert asked.model_fields_set == {"or_none"}


def test_a_null_hides_no_unknown_field() -> None:
    assert Asked.model_validate({"unknown": None}).how_many == 1
    with pytest.raises(ValidationError):
        Strict.model_validate({"unknown": None})
