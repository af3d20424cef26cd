"""What reading events refuses."""

from ringback.kit.faults import Fault


class EventsExpired(Fault):
    """What comes after this sequence is kept no longer."""

    status = 410
    code = "EVENTS_EXPIRED"
    where = "query"
