"""What tools take: strict schemas, and leniency for what models write where the meaning is plain.

null is "not given", "5" is 5, 14155550123 is "14155550123", "true" is true, a list or object may come as JSON text, one
of a list without the list, a choice in capitals, and `agentId` is `agent_id`. Whatever could mean something else ("5px",
true for a number, an unknown name) is refused.
"""

import re
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ringback.kit import json_text

_WHOLE = re.compile(r"\s*-?\d{1,12}(\.0+)?\s*")
_BOUNDS = {"ge": "minimum", "le": "maximum"}
"""Bounds that stand behind a validator, as Pydantic writes them, and as JSON Schema does."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _whole(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("takes a whole number, not true or false")
    if isinstance(value, str):
        if not _WHOLE.fullmatch(value):
            raise ValueError("takes a whole number such as 20")
        return int(float(value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _decimal(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("takes a number, not true or false")
    return value


def _text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _flag(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if isinstance(value, bool):
        return value
    raise ValueError("takes true or false")


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json_text.loads(value)
        except json_text.TooDeep as error:
            raise ValueError(f"is {error}") from None
        except ValueError:
            raise ValueError("is no valid JSON") from None
    return value


def _stripped(value: Any) -> Any:
    value = _text(value)
    return value.strip() if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    value = _parsed(value)
    return [value] if isinstance(value, str | dict) else value


def _joined(value: Any) -> Any:
    value = _listed(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Decimal = Annotated[float, BeforeValidator(_decimal)]
Text = Annotated[str, BeforeValidator(_text)]
Id = Annotated[str, Field(min_length=1), BeforeValidator(_stripped)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Texts = Annotated[list[Text], BeforeValidator(_listed)]
Joined = Annotated[str, BeforeValidator(_joined)]
"""Texts with commas between, which may come as a list."""
Objects = Annotated[list[dict[str, Any]], BeforeValidator(_listed)]
Record = Annotated[dict[str, Any], BeforeValidator(_parsed)]
ABSENT: Any = None
"""The default of what may be left out and takes no null of its own."""

AgentId = Annotated[Id, Field(description="An agent's id, agt_...")]
NumberId = Annotated[Id, Field(description="The id of one of your numbers, num_...")]
Limit = Annotated[Whole, Field(ge=1, le=100, description="How many at most.")]
Offset = Annotated[Whole, Field(ge=0, description="How many to pass over; `next` of an answer says it.")]
Number = Annotated[Id, Field(description="A phone number, best in E.164 such as +14155550123.")]


def _chosen(kind: Any, value: Any) -> Any:
    """The choice that is meant, where `kind` is some choices and their spelling alone differs."""
    if get_origin(kind) is not Literal or not isinstance(value, str):
        return value
    plain = re.sub(r"[ _]", "-", value.strip().lower())
    return plain if plain in get_args(kind) else value


class BadArguments(Exception):
    """The arguments are not what the tool takes; the message names each and says what it takes."""


def _whole_of(given: Any) -> Any:
    try:
        return _parsed(given)
    except ValueError as error:
        raise BadArguments(f"what stands for the arguments {error}") from None


class Arguments(BaseModel):
    """The ground of all tools' arguments."""

    model_config = ConfigDict(extra="forbid", strict=False)
    may_be_empty: ClassVar[frozenset[str]] = frozenset()
    """Texts where an empty one means something other than "not given"."""

    @model_validator(mode="before")
    @classmethod
    def _as_meant(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        meant: dict[str, Any] = {}
        for name, value in given.items():
            known = name if name in cls.model_fields else _CAMEL.sub("_", str(name)).lower()
            if value is None or (value == "" and known not in cls.may_be_empty):
                continue
            if known in meant:
                raise ValueError(f"{known} is given twice")
            if known in cls.model_fields:
                meant[known] = _chosen(cls.model_fields[known].annotation, value)
            else:
                meant[name] = value
        return meant

    @classmethod
    def read(cls, given: Any) -> "Arguments":
        """The arguments of a call. Raises `BadArguments`."""
        try:
            return cls.model_validate({} if given is None else _whole_of(given))
        except ValidationError as error:
            faults = [cls._fault(fault["loc"], fault["type"], fault["msg"]) for fault in error.errors()]
            raise BadArguments("; ".join(faults[:8])) from None

    @classmethod
    def _fault(cls, loc: tuple[int | str, ...], kind: str, message: str) -> str:
        name = ".".join(str(part) for part in loc)[:100]
        if kind == "missing":
            return f"{name} is missing"
        if kind == "extra_forbidden":
            return f"{name} is no argument of this tool, which takes {', '.join(cls.model_fields) or 'none'}"
        message = message.removeprefix("Value error, ").replace("Input should be", "should be")
        return f"{name}: {message}" if name else message

    def given(self, *names: str) -> dict[str, Any]:
        """What was given of these arguments, or of all."""
        told = self.model_dump(exclude_unset=True)
        return {name: value for name, value in told.items() if not names or name in names}

    @classmethod
    def schema_of(cls) -> dict[str, Any]:
        """The JSON Schema that a client is told: what may be left out may be null."""
        whole = cls.model_json_schema()
        required = whole.get("required", [])
        fields = {
            name: _plain(field) if name in required else _nullable(_plain(field))
            for name, field in whole.get("properties", {}).items()
        }
        if "idempotency_key" in fields:
            fields["idempotency_key"] = fields.pop("idempotency_key")  # the last that a reader needs
        told = {"type": "object", "properties": fields, "additionalProperties": False}
        return told | ({"required": required} if required else {})


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    dropped = {"title"} | ({"default"} if field.get("default", 0) is None else set())
    return {_BOUNDS.get(name, name): value for name, value in field.items() if name not in dropped}


def _nullable(field: dict[str, Any]) -> dict[str, Any]:
    outside: dict[str, Any] = {name: field.pop(name) for name in ("description", "default") if name in field}
    return {"anyOf": [field, {"type": "null"}], **outside}


class Writing(Arguments):
    """Of a tool that changes something."""

    idempotency_key: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=255,
            pattern=r"^[ -~]*$",
            description="New for each change; a call repeated with it is done once.",
        ),
    ] = ABSENT
