"""What callers are told when the database does not answer."""

from ringback.kit.database_faults import DatabaseUnavailable, OutcomeUnknown

__all__ = ["DatabaseUnavailable", "OutcomeUnknown", "outcome_unknown", "too_contended", "unavailable"]


def unavailable() -> DatabaseUnavailable:
    return DatabaseUnavailable("the database can't be reached now; nothing was done", retry_after_s=2)


def too_contended() -> DatabaseUnavailable:
    return DatabaseUnavailable("the database is too busy; nothing was done", retry_after_s=1)


def outcome_unknown() -> OutcomeUnknown:
    return OutcomeUnknown(
        "the database was lost while this was committed: it may have been done or not;"
        " look before you repeat it, or repeat it with the same Idempotency-Key"
    )
