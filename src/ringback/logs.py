"""Logs: one line an event on standard error, for people on a terminal and as JSON elsewhere.

Modules log by `structlog.get_logger()`, events as words and facts as keywords:
`log.warning("webhook refused", webhook_id=..., status=500)`. Libraries that use the standard module (uvicorn, aiohttp)
come out the same way. No secret reaches a line: see `mask`.
"""

import contextlib
import functools
import logging
import re
import sys
from collections.abc import Mapping
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ringback.kit.trace import request_id

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
MASKED = "***"

_BETWEEN = r"""(?:[\\"'\s:=,()\[\]]|b(?=["']))*"""
_PATTERNS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"(sk_(?:live|test)_)[A-Za-z0-9_-]+"), rf"\g<1>{MASKED}"),
    (re.compile(r"(whsec_)[A-Za-z0-9_+/=-]+"), rf"\g<1>{MASKED}"),
    (re.compile(r"(med_)[0-9a-z]{26}"), rf"\g<1>{MASKED}"),  # whoever knows it may see the picture
    (re.compile(r"\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\g<1>\g<2>{MASKED}"),
    (
        re.compile(
            rf"(authorization{_BETWEEN})(?!(?:bearer|basic)\s)(?:[A-Za-z]+\s+)?[A-Za-z0-9._~+/=-]+",
            re.IGNORECASE,
        ),
        rf"\g<1>{MASKED}",
    ),
    (re.compile(r"(://[^/\s:@\"']*:)[^/\s@\"']+(@)"), rf"\g<1>{MASKED}\g<2>"),
]
_SUSPECT = re.compile(r"sk_|whsec_|med_|bearer|basic|authorization|://", re.IGNORECASE)
_SECRET_NAMES = re.compile(
    r"authorization|cookie|password|secret|credential|(?:^|_|-|api|access|auth)(?:key|token)$", re.IGNORECASE
)
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    10: "\\n",
    13: "\\r",
    9: "\\t",
}

_CONTROL_IN_TRACE = {code: text for code, text in _CONTROL.items() if code not in (9, 10)}


def mask(text: str) -> str:
    """The text without what looks like a secret: API keys, signing secrets, credentials of headers and URLs."""
    if _SUSPECT.search(text):
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
    return text


@functools.lru_cache(maxsize=1024)
def _names_a_secret(name: str) -> bool:
    return _SECRET_NAMES.search(name) is not None


def _masked(value: object, name: str = "") -> object:
    if name and value is not None and not isinstance(value, bool) and _names_a_secret(name):
        return MASKED
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: _masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str | bytes):
        # A header as ASGI and HTTP clients hold it.
        first = _masked(value[0])
        return [first, _masked(value[1], str(first))]
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask(value.decode("utf-8", "replace") if isinstance(value, bytes) else repr(value))


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Processor: masks secrets in every value, however deep, and every value whose name says it is one."""
    return {name: _masked(value, "" if name == "event" else name) for name, value in event.items()}


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    current = request_id.get()
    if current is not None:
        event.setdefault("request_id", current)
    return event


def _escape_control(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    # What a caller sent must neither start a line of its own nor speak to the terminal.
    return {
        name: value.translate(_CONTROL_IN_TRACE if name == "exception" else _CONTROL)
        if isinstance(value, str)
        else value
        for name, value in event.items()
    }


def _drop_color(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)
    return event


def _put_first(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    head = {name: event[name] for name in ("timestamp", "level", "event") if name in event}
    return {**head, **event}


class _Lines:
    """Where lines go. One that can't be written, to a full disk or a pipe that nobody reads, is lost and stops nothing."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._out.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._out.flush()


def set_up(level: str = "info", *, stream: TextIO | None = None, human: bool | None = None) -> None:
    """Send all logs of the process to `stream` (standard error), for people if it is a terminal.

    Libraries are heard from `warning` up, and from the chosen level when that is `debug`.
    """
    out = stream or sys.stderr
    if human is None:
        human = out.isatty()
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
        mask_secrets,
    ]
    render: list[Processor] = (
        [_escape_control, structlog.dev.ConsoleRenderer(colors=human and out.isatty(), pad_event_to=0)]
        if human
        else [_put_first, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*common, *render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Lines(out))),
        cache_logger_on_first_use=False,
    )
    _route_standard_logging(level, out, common, render)


def _route_standard_logging(
    level: str, out: TextIO, common: list[Processor], render: list[Processor]
) -> None:
    handler = logging.StreamHandler(_Lines(out))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_drop_color, structlog.stdlib.add_logger_name, *common],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    heard = LEVELS["debug"] if level == "debug" else max(LEVELS[level], LEVELS["warning"])
    root.setLevel(heard)
    handler.setLevel(heard)  # a library may have set a level of its own on its logger
    logging.captureWarnings(True)
