"""What callers are told when the database does not answer."""

from ringback.kit.faults import Fault, Unavailable


class DatabaseUnavailable(Unavailable):
    """The database can't be reached, or is too contended; nothing was done."""

    code = "DATABASE_UNAVAILABLE"


class OutcomeUnknown(Fault):
    """The database was lost during a commit and can't be asked about it: this may or may not have been done."""

    status = 503
    code = "OUTCOME_UNKNOWN"


def unavailable() -> DatabaseUnavailable:
    return DatabaseUnavailable("the database can't be reached now; nothing was done", retry_after_s=2)


def too_contended() -> DatabaseUnavailable:
    return DatabaseUnavailable("the database is too busy; nothing was done", retry_after_s=1)


def outcome_unknown() -> OutcomeUnknown:
    return OutcomeUnknown(
        "the database was lost while this was committed: it may have been done or not;"
        " look before you repeat it, or repeat it with the same Idempotency-Key"
    )
