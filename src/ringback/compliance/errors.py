"""Why a send is refused before anything reaches a carrier."""

from ringback.kit.faults import Fault


class RecipientOptedOut(Fault):
    """The person told this number to stop."""

    status = 403
    code = "RECIPIENT_OPTED_OUT"


class NumberBlocked(Fault):
    """Emergency and crisis lines are never dialled or texted."""

    status = 403
    code = "NUMBER_BLOCKED"


class RegistrationRequired(Fault):
    """US carriers take texts from this number only after 10DLC registration."""

    status = 403
    code = "REGISTRATION_REQUIRED"
