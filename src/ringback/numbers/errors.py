"""What can be wrong with a number."""

from ringback.kit.faults import Conflict, Fault, NotFound


class NumberNotFound(NotFound):
    """There is no such number, or it is not yours."""

    code = "PHONE_NUMBER_NOT_FOUND"


class NumberReleased(Fault):
    """The number was released, which can't be undone."""

    code = "PHONE_NUMBER_RELEASED"


class NumberLimitReached(Fault):
    """The account holds as many numbers as it may."""

    code = "VALIDATION_ERROR_NUMBER_LIMIT"


class NumberTaken(Conflict):
    """This very number can't be bought: it is held or gone."""

    code = "PHONE_NUMBER_UNAVAILABLE"


class NoNumberAvailable(Fault):
    """The carrier has no number left in this country."""

    code = "NO_NUMBERS_AVAILABLE"


class PurchaseUnconfirmed(Conflict):
    """The carrier did not say whether the number was bought; the order is settled later."""

    code = "DELIVERY_UNCONFIRMED"
    may_have_happened = True


class CarrierFailed(Fault):
    """The carrier refused or can't be reached; nothing was ordered."""

    status = 502
    code = "CARRIER_ERROR"
