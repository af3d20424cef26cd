"""What can be wrong with endpoints and deliveries."""

from ringback.kit.faults import Conflict, NotFound


class WebhookNotFound(NotFound):
    """No endpoint is set."""

    code = "WEBHOOK_NOT_FOUND"


class WebhookDisabled(Conflict):
    """The endpoint was switched off after failing for days; it is switched on first."""

    code = "WEBHOOK_DISABLED"


class DeliveryNotFound(NotFound):
    """There is no such delivery, or it is not yours."""

    code = "DELIVERY_NOT_FOUND"


class DeliveryPending(Conflict):
    """The delivery is not over: it is going to be attempted anyway."""

    code = "DELIVERY_PENDING"
