"""Error bodies: one envelope that every known client can read (contract, behaviour, "Common")."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from ringback.kit.faults import Fault

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "payment_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "invalid_request_error",
    409: "conflict_error",
    410: "not_found_error",
    413: "invalid_request_error",
    414: "invalid_request_error",
    415: "invalid_request_error",
    422: "validation_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
}


class ApiError(HTTPException):
    """An answer other than success, raised by a door itself."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.status = status
        self.code = code
        self.message = message
        self.field = field

    def response(self) -> "JsonBytes":
        return error_response(self.status, self.code, self.message, field=self.field, headers=self.headers)


class JsonBytes(Response):
    """A JSON answer whose bytes are ready."""

    media_type = "application/json"


def error_response(
    status: int,
    code: str,
    message: str,
    *,
    field: str | None = None,
    where: str = "body",
    headers: Mapping[str, str] | None = None,
) -> JsonBytes:
    """The envelope `{"error": {...}, "detail": "..."}`; on 422 `detail` is the list of `{loc, msg, type}`."""
    if status == 422:
        return validation_response([{"loc": _loc(field, where), "msg": message, "type": "value_error"}])
    details = [{"field": field, "message": message, "type": "value_error"}] if field else []
    body = {
        "error": {
            "message": message,
            "code": code,
            "type": _TYPES.get(status, "api_error"),
            "details": details,
        },
        "detail": message,
    }
    return JsonBytes(json.dumps(body).encode(), status_code=status, headers=dict(headers or {}))


def _loc(field: str | None, where: str) -> list[str | int]:
    return [where, *field.split(".")] if field else [where]


def validation_response(errors: Sequence[Mapping[str, Any]]) -> JsonBytes:
    """422 from a list of `{loc, msg, type}` as Pydantic gives it (what was sent is never repeated)."""
    detail = [
        {
            "loc": [part if isinstance(part, int) else _printable(str(part)) for part in error["loc"]],
            "msg": _printable(str(error["msg"]).removeprefix("Value error, ")),
            "type": str(error["type"]),
        }
        for error in errors
    ]
    details = [
        {"field": _field(entry["loc"]), "message": entry["msg"], "type": entry["type"]} for entry in detail
    ]
    message = "; ".join(f"{entry['field']}: {entry['message']}" for entry in details[:5])
    body = {
        "error": {
            "message": message,
            "code": "VALIDATION_ERROR",
            "type": _TYPES[422],
            "details": details,
        },
        "detail": detail,
    }
    return JsonBytes(json.dumps(body).encode(), status_code=422)


def _field(loc: Sequence[str | int]) -> str:
    inner = [str(part) for part in loc if part not in ("body", "query", "path", "header")]
    return ".".join(inner) or str(loc[0])


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:500]


def fault_response(fault: Fault) -> JsonBytes:
    """The answer for an expected refusal of a room or flow."""
    headers = {"Retry-After": str(fault.retry_after_s)} if fault.retry_after_s is not None else {}
    return error_response(
        fault.status, fault.code, fault.message, field=fault.field, where=fault.where, headers=headers
    )
