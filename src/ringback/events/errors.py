"""What can be wrong with reading the log."""

from ringback.kit.faults import Fault


class EventsExpired(Fault):
    """Events that were asked for are kept no longer."""

    status = 410
    code = "EVENTS_EXPIRED"

    def __init__(self, message: str, *, field: str, where: str) -> None:
        super().__init__(message, field=field)
        self.where = where
