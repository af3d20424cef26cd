"""The ground of all wire types: camelCase outside, strict types, null as "not given", no text that a store can't hold."""

import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character NUL (U+0000)")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("must not contain lone surrogates") from None
    return text


def made_storable(text: str) -> str:
    """What an engine, a model or a stranger wrote, as every store can hold it."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


LONGEST = 4_096


def _usual(text: str) -> str:
    if len(text) > LONGEST:
        raise ValueError(f"takes at most {LONGEST} characters")
    return _storable(text)


Text = Annotated[str, AfterValidator(_usual)]
"""Text that every store can hold (PostgreSQL's `text` has no NUL, and UTF-8 has no lone surrogate), of `LONGEST` at most."""


def text_up_to(characters: int, *, at_least: int = 0) -> Any:
    """`Text` of a bounded length. The bound is ours, so it shows in the refusal and not in the document."""

    def check(text: str) -> str:
        if len(text) > characters:
            raise ValueError(f"takes at most {characters} characters")
        if len(text.strip()) < at_least:
            raise ValueError("must not be empty")
        return _storable(text)

    return Annotated[str, AfterValidator(check)]


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Makes an int of the wire one as JSON Schema has it: 59.0 is an integer too, and what some languages send for one."""


_DIGITS = re.compile(r"-?[0-9]{1,4000}")


def _digits(typed: Any) -> Any:
    if isinstance(typed, str) and not _DIGITS.fullmatch(typed):
        raise ValueError("takes an integer, written in digits such as 20")
    return typed


DIGITS = BeforeValidator(_digits)
"""Takes an integer of a query as it is written everywhere, and none of Python's other spellings (`1_0`, `+1`, ` 1`)."""


IsoTime = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time as the wire has it; see `ringback.kit.times`."""


ABSENT: Any = Field(default=None)
"""The default of a field that takes no null but may be left out, where leaving it out means "no change" or "none"."""


class Wire(BaseModel):
    """A JSON object as it is sent or received. Unknown fields are ignored: clients are older and newer than us.

    A null for a field that takes none means "not given"; the TypeScript client sends such nulls.
    """

    model_config = ConfigDict(strict=True, extra="ignore", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: Any) -> Any:
        if isinstance(data, dict) and None in data.values():
            refusing = cls.names_without_null()
            return {name: value for name, value in data.items() if value is not None or name not in refusing}
        return data

    _without_null: ClassVar[dict[type, frozenset[str]]] = {}

    @classmethod
    def names_without_null(cls) -> frozenset[str]:
        """Names, as fields and on the wire, of the fields that take no null."""
        found = Wire._without_null.get(cls)
        if found is None:
            names = {
                name
                for field, info in cls.model_fields.items()
                if type(None) not in getattr(info.annotation, "__args__", ())
                for name in (field, info.alias or field)
            }
            found = Wire._without_null[cls] = frozenset(names)
        return found


class CamelWire(Wire):
    """A wire object whose names are camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


def check_json(value: Any) -> None:
    """Raise `ValueError` where a free JSON value holds text that a store can't hold."""
    level = [value]
    while level:
        inner: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _storable(item)
            elif isinstance(item, dict):
                for name in item:
                    _storable(name)
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        level = inner
