"""What can be wrong with a call."""

from ringback.kit.faults import Conflict, Fault, NotFound, Unavailable


class CallNotFound(NotFound):
    """There is no such call, or it is not yours."""

    code = "CALL_NOT_FOUND"


class RecordingNotFound(NotFound):
    """The call has no recording: none was made, or it was deleted."""

    code = "RECORDING_NOT_FOUND"


class CallInProgress(Conflict):
    """The call is not over: its recording is still being written."""

    code = "CALL_IN_PROGRESS"


class WebhookNeeded(Fault):
    """An agent whose webhook decides what is said has none that is on."""

    code = "WEBHOOK_REQUIRED"


class NumberOfAnotherAgent(Fault):
    """The number to call from is not attached to the agent that calls."""

    code = "NUMBER_NOT_ATTACHED"


class VoiceUnavailable(Unavailable):
    """This server can't make calls now; nothing was dialled."""

    code = "VOICE_UNAVAILABLE"


class BadToken(Fault):
    """A browser's token is wrong, used or too old."""

    status = 401
    code = "UNAUTHORIZED"
