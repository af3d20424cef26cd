"""Error bodies as the document shows them (contract: Error, ValidationFailed)."""

from typing import Any

from ringback.kit.wire import ABSENT, Wire


class ErrorDetail(Wire):
    field: str = ABSENT
    message: str = ABSENT
    type: str = ABSENT


class ErrorBody(Wire):
    message: str
    code: str
    type: str
    details: list[ErrorDetail] = ABSENT


class Error(Wire):
    error: ErrorBody
    detail: str


class ValidationError(Wire):
    loc: list[str | int]
    msg: str
    type: str


class ValidationFailed(Wire):
    error: ErrorBody
    detail: list[ValidationError]


RESPONSES: dict[int | str, dict[str, Any]] = {
    422: {"model": ValidationFailed, "description": "A field is wrong"},
    "default": {"model": Error, "description": "Any other error"},
}
