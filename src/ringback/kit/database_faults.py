"""What callers are told when a database can't do its work, whichever it is."""

from typing import Any

from ringback.kit.faults import Fault, Unavailable


class DatabaseUnavailable(Unavailable):
    """The database can't be reached, or can't be written; nothing was done."""

    code = "DATABASE_UNAVAILABLE"


class OutcomeUnknown(Fault):
    """The database failed during a commit and can't be asked about it: this may or may not have been done."""

    status = 503
    code = "OUTCOME_UNKNOWN"


def for_log(error: BaseException) -> dict[str, Any]:
    """What a log says of an error: a line of a database that failed, and where it was raised of any other."""
    if isinstance(error, DatabaseUnavailable | OutcomeUnknown):
        return {"reason": error.message}
    return {"exc_info": error}
