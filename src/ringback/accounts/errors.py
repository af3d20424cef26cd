"""What can be wrong with accounts."""

from ringback.kit.faults import Conflict, Fault, NotFound


class AccountNotFound(NotFound):
    """There is no such account."""

    code = "ACCOUNT_NOT_FOUND"


class SubAccountNotFound(NotFound):
    """There is no such sub-account, or it is not yours, or it was deleted."""

    code = "SUB_ACCOUNT_NOT_FOUND"


class SubAccountNested(Fault):
    """A sub-account has no sub-accounts of its own."""

    code = "SUB_ACCOUNT_NESTED"


class SubAccountHoldsNumbers(Conflict):
    """The sub-account holds numbers, and releasing them can't be undone: that is asked for by itself."""

    code = "SUB_ACCOUNT_HOLDS_NUMBERS"


class SubAccountHasOpenOrders(Conflict):
    """A number is being bought for the sub-account or given back by it."""

    code = "SUB_ACCOUNT_HAS_OPEN_ORDERS"
