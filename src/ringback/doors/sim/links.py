"""Where the media of a network are reached by those whom an answer tells of them."""

from typing import Final

from fastapi import Request

FRONT: Final = "x-ringback-base"
"""The header by which a server says, to the network that it passes a request on to, where it is itself reached."""


class Links:
    """The base of links: `own`, or behind a server (`fronted`) that server's."""

    def __init__(self, own: str, *, fronted: bool = False) -> None:
        self._own = own
        self._fronted = fronted

    def base(self, request: Request) -> str:
        return (request.headers.get(FRONT) if self._fronted else None) or self._own
