"""Why a request of the outgoing client got no answer, in words that can be shown and stored."""

import ssl
from typing import Any, Final, Literal

from ringback.kit.addresses import BadUrl

Failure = Literal["timeout", "connect", "refused_address", "tls", "protocol", "too_large", "no_room"]

CONNECT_S: Final = 10.0
"""Seconds that one attempt to connect may take, within the timeout of the whole."""


class RequestFailed(Exception):
    """The request got no whole answer. The message is short and holds neither path, query nor user info."""

    def __init__(self, kind: Failure, message: str) -> None:
        super().__init__(message)
        self.kind: Failure = kind
        self.message = message


class Refused(OSError):
    """An address that the policy does not allow; an OSError because that is what aiohttp passes on whole."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def explain(error: Exception, host: str, timeout_s: float) -> RequestFailed:
    """The failure that `error`, from a request to `host` (as messages show it), amounts to.

    Never quotes `error`, which may hold the URL. Raises `error` again if it is none that a request may have.
    """
    return RequestFailed(*_kind_and_message(error, host, timeout_s))


def _kind_and_message(error: Exception, host: str, timeout_s: float) -> tuple[Failure, str]:
    refused = _refused_in(error)
    if refused is not None:
        return "refused_address", f"{host} leads to {refused.reason}, which this server does not call"
    if isinstance(error, BadUrl):
        return "refused_address", str(error)
    import aiohttp

    match error:
        case aiohttp.ConnectionTimeoutError():
            return "timeout", f"could not connect to {host} within {CONNECT_S:g} s"
        case TimeoutError():
            return "timeout", f"no complete answer from {host} within {timeout_s:g} s"
        case aiohttp.ClientConnectorCertificateError():
            return "tls", f"the certificate of {host} is not valid: {_certificate_reason(error)}"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "tls", f"no secure connection to {host}: the TLS handshake failed"
        case aiohttp.ClientConnectorDNSError():
            return "connect", f"the name of {host} could not be resolved"
        case aiohttp.ClientConnectorError():
            return "connect", f"could not connect to {host}: {error.os_error.strerror or 'no route'}"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | OSError():
            return "connect", f"{host} closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            return "protocol", f"{host} closed the connection in the middle of its answer"
        case aiohttp.ClientError():
            return "protocol", f"{host} did not answer in valid HTTP"
        case RuntimeError():  # uvloop's way to say that a socket can't be used
            return "connect", f"could not connect to {host}"
    raise error


def _certificate_reason(error: Any) -> str:
    reason = getattr(error.certificate_error, "verify_message", "")
    return str(reason) or "it could not be verified"


def _refused_in(error: BaseException | None) -> Refused | None:
    while error is not None:
        if isinstance(error, Refused):
            return error
        error = getattr(error, "os_error", None) or error.__cause__
    return None
