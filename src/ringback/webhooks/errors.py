"""What can be wrong with endpoints and deliveries."""

from ringback.kit.faults import Conflict, NotFound


class WebhookNotFound(NotFound):
    """No endpoint is set."""

    code = "WEBHOOK_NOT_FOUND"


class WebhookDisabled(Conflict):
    """The endpoint was switched off after failing for days; it is switched on first."""

    code = "WEBHOOK_DISABLED"


class TooManySecrets(Conflict):
    """So many old secrets of the endpoint sign still that no further one may be kept."""

    code = "WEBHOOK_SECRETS_OVERLAP"


class DeliveryNotFound(NotFound):
    """There is no such delivery, or it is not yours."""

    code = "DELIVERY_NOT_FOUND"


class DeliveryPending(Conflict):
    """The delivery is not over: it is going to be attempted anyway."""

    code = "DELIVERY_PENDING"


class DeliveryOfTurn(Conflict):
    """The delivery was a turn of a call, which nobody waits for any more."""

    code = "DELIVERY_NOT_REPEATABLE"
