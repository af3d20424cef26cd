"""Wake-ups between processes that share a database: what a notification says."""

import secrets
from collections.abc import Iterable

CHANNEL = "ringback"


class Sender:
    """Who sends notices. Its own come back to it, and it knows them by its name."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(4)

    def notice(self, topics: Iterable[str]) -> str:
        return " ".join([self.name, *sorted(topics)])

    def topics(self, notice: str) -> list[str]:
        """The topics of somebody else's notice; none of one's own."""
        name, *topics = notice.split(" ")
        return [] if name == self.name else topics
