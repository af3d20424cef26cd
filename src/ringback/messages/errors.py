"""What can be wrong with a message or with sending it."""

from ringback.kit.faults import Conflict, Fault, NotFound


class MessageNotFound(NotFound):
    """There is no such message, or it is not yours."""

    code = "MESSAGE_NOT_FOUND"


class UnsupportedChannel(Fault):
    """The line can't do this: it takes an iMessage-class line."""

    code = "UNSUPPORTED_CHANNEL"


class ContradictingSender(Fault):
    """The fields that name the sender name different numbers."""

    code = "CONTRADICTING_SENDER"


class MessageNotUnconfirmed(Conflict):
    """What became of the message is known, or it is still under way."""

    code = "MESSAGE_NOT_UNCONFIRMED"
