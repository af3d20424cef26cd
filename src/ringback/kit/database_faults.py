"""What callers are told when a database can't do its work, whichever it is."""

from ringback.kit.faults import Fault, Unavailable


class DatabaseUnavailable(Unavailable):
    """The database can't be reached, or can't be written; nothing was done."""

    code = "DATABASE_UNAVAILABLE"


class OutcomeUnknown(Fault):
    """The database failed during a commit and can't be asked about it: this may or may not have been done."""

    status = 503
    code = "OUTCOME_UNKNOWN"


def of(error: BaseException) -> Fault | None:
    """The error, if a database that failed is all that it is: a line in a log says enough of it."""
    return error if isinstance(error, DatabaseUnavailable | OutcomeUnknown) else None
