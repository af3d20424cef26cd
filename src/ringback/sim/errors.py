"""What the network refuses: `Fault`s for whoever uses its API, `LineError`s for the carrier's client."""

from ringback.kit.faults import Conflict, Fault, Invalid, NotFound, Unavailable


class BadInput(Invalid, ValueError):
    """A field is wrong: `field` names it as the wire does (camelCase), the message says what is accepted."""

    def __init__(self, field: str, message: str) -> None:
        head, *rest = field.split("_")
        super().__init__(message, field=head + "".join(word.capitalize() for word in rest))


class HandsetNotFound(NotFound):
    """There is no such handset."""

    code = "HANDSET_NOT_FOUND"


class FaultNotFound(NotFound):
    """There is no such fault."""

    code = "FAULT_NOT_FOUND"


class NumberTaken(Conflict):
    """The number belongs to an agent, to another handset, or did so once."""

    code = "NUMBER_TAKEN"


class MediaNotFound(NotFound):
    """There are no such media, or no longer."""

    code = "MEDIA_NOT_FOUND"


class HandsetOffline(Conflict):
    """A phone without signal can't send."""

    code = "HANDSET_OFFLINE"


class HandsetWithoutVoice(Conflict):
    """A phone that only texts can't call."""

    code = "HANDSET_WITHOUT_VOICE"


class HandsetInCall(Conflict):
    """A person is on the phone, in another call."""

    code = "HANDSET_IN_CALL"


class CallNotFound(NotFound):
    """There is no such call of a handset."""

    code = "CALL_NOT_FOUND"


class CallState(Conflict):
    """The call is not in a state in which a handset could do that."""

    code = "CALL_STATE"


class BadToken(Fault):
    """A page's token is wrong, used or too old, or its call is over."""

    status = 401
    code = "UNAUTHORIZED"


class ExchangeDown(Unavailable):
    """The process that carries calls can't be started."""

    code = "SERVICE_UNAVAILABLE"


class LineError(Exception):
    """The carrier said no, or could not be asked."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class LineRefused(LineError):
    """Refused for good; `code` is the carrier's error code."""


class MediaRefused(LineRefused):
    """The `index`-th of a text's media can't be sent, or there are too many of them (None)."""

    def __init__(self, message: str, code: str, index: int | None = None) -> None:
        super().__init__(message, code)
        self.index = index


class LineThrottled(LineError):
    """Too fast; nothing was taken."""


class SenderThrottled(LineThrottled):
    """This sender is too fast; others are not."""


class LineDown(LineError):
    """No connection, or it was lost before anything was written; nothing was taken."""


class NeverAnswers(LineError):
    """Taken, and no answer will ever come: whoever asked has to wait until his patience ends."""
