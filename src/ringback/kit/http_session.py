"""What a session of the outgoing client is made of. aiohttp is imported when the first one is made."""

import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from ringback.kit.addresses import AddressPolicy
from ringback.kit.http_failure import Refused

if TYPE_CHECKING:
    from aiohttp import ClientResponse

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]


def make_response_class() -> "type[ClientResponse]":
    """The answer of a session."""
    from aiohttp import ClientResponse

    class AbruptResponse(ClientResponse):
        """Leaves at once where aiohttp first writes what is left to write.

        An endpoint that never reads would otherwise keep the socket open long after the timeout.
        """

        def close(self) -> None:
            connection = self.connection
            if connection is not None and connection.transport is not None:
                connection.transport.abort()
            super().close()

    return AbruptResponse


def make_resolver(policy: AddressPolicy, lookup: Lookup) -> Any:
    """A resolver for a session; addresses that `policy` refuses are never seen."""
    from aiohttp.abc import AbstractResolver, ResolveResult

    class JudgingResolver(AbstractResolver):
        """Leaves out addresses that are refused, and says so when nothing else is left."""

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            judged = [(address, policy.refusal(address)) for address in await lookup(host, port)]
            allowed = [address for address, reason in judged if reason is None]
            for _, reason in judged:
                if reason is not None and not allowed:
                    raise Refused(reason)
            if not allowed:
                raise OSError("no address")
            return [_result(host, address, port) for address in allowed]

        async def close(self) -> None:
            pass

    def _result(host: str, address: str, port: int) -> ResolveResult:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)

    return JudgingResolver()
