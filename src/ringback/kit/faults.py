"""The root of every error that a caller is told about, whatever the door."""

from typing import ClassVar


class Fault(Exception):
    """An expected refusal. A subclass states its fault; its attributes say how doors tell it.

    `status` is the HTTP status, `code` the stable error code, `field` the request field at fault (if one is) and
    `retry_after_s` is given where waiting can help.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "BAD_REQUEST"
    where: str = "body"
    """Which part of the request `field` belongs to: body, query or header."""
    may_have_happened: ClassVar[bool] = False
    """Whether the effect may be there all the same, so that its Idempotency-Key must not be used afresh."""

    def __init__(self, message: str, *, field: str | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after_s = retry_after_s


class Invalid(Fault):
    """A field is wrong: `field` names it, the message says what is accepted."""

    status = 422
    code = "VALIDATION_ERROR"

    def __init__(self, message: str, *, field: str | None = None, where: str = "body") -> None:
        super().__init__(message, field=field)
        self.where = where


class NotFound(Fault):
    """There is no such thing, or it is not yours."""

    status = 404
    code = "NOT_FOUND"


class Conflict(Fault):
    """It contradicts what is already there."""

    status = 409
    code = "CONFLICT"


class Unavailable(Fault):
    """The server can't do it now; nothing was done."""

    status = 503
    code = "SERVICE_UNAVAILABLE"
