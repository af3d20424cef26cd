"""Every type of event: when it is written, and what its data hold. `docs/events.md` shows this table.

A type keeps its meaning for good: fields may be added to a version, and a change that a reader could stumble over makes
a new version.
"""

from dataclasses import dataclass

_MESSAGE = ("messageId", "conversationId", "numberId")


@dataclass(frozen=True, slots=True)
class Kind:
    """One type. `fields` are the names in its `data`: ids and plain values, never bodies or secrets."""

    when: str
    fields: tuple[str, ...]
    version: int = 1


CATALOGUE: dict[str, Kind] = {
    "message.queued": Kind("a text was accepted to be sent", _MESSAGE),
    "message.sent": Kind("the carrier took it", (*_MESSAGE, "errorCode")),
    "message.delivered": Kind("the phone has it", (*_MESSAGE, "errorCode")),
    "message.failed": Kind("it did not arrive", (*_MESSAGE, "errorCode")),
    "message.unconfirmed": Kind("the carrier gave no answer; it may have taken it", (*_MESSAGE, "errorCode")),
    "message.received": Kind("a text came in", _MESSAGE),
    "conversation.created": Kind("a first text to or from somebody", ("conversationId", "numberId")),
    "conversation.updated": Kind("its metadata were set", ("conversationId",)),
    "number.bought": Kind("a number is yours", ("numberId", "phoneNumber")),
    "number.released": Kind("it is no longer", ("numberId", "phoneNumber")),
    "number.attached": Kind("an agent got it", ("numberId", "agentId")),
    "number.detached": Kind("an agent lost it", ("numberId", "agentId")),
    "agent.created": Kind("an agent was made", ("agentId",)),
    "agent.updated": Kind("its settings were changed", ("agentId",)),
    "agent.deleted": Kind("it is gone", ("agentId",)),
    "contact.created": Kind("a contact was made", ("contactId",)),
    "contact.updated": Kind("it was changed", ("contactId",)),
    "contact.deleted": Kind("it is gone", ("contactId",)),
    "opt_out.recorded": Kind("somebody texted STOP", ("numberId", "participant")),
    "opt_out.lifted": Kind("somebody texted START", ("numberId", "participant")),
    "webhook.set": Kind("an endpoint was set", ("webhookId", "agentId")),
    "webhook.deleted": Kind("it was removed", ("agentId",)),
    "webhook.secret_rotated": Kind("it got another secret", ("webhookId", "agentId")),
    "webhook.enabled": Kind("it was switched on", ("webhookId", "agentId")),
    "webhook.disabled": Kind("it was switched off, since it failed for days", ("webhookId", "agentId")),
    "webhook.delivered": Kind("an endpoint took what it was told", ("deliveryId", "messageId")),
    "webhook.failed": Kind("it did not, at any attempt", ("deliveryId", "messageId")),
    "webhook.redelivered": Kind("it is told again, as asked", ("deliveryId", "messageId", "before")),
    "event.replayed": Kind("an event is told to an endpoint again, as asked", ("eventSeq", "webhookId")),
    "sub_account.created": Kind("a sub-account was made", ("subAccountId",)),
    "sub_account.updated": Kind("it was renamed", ("subAccountId",)),
    "sub_account.deleted": Kind("it is gone", ("subAccountId",)),
    "key.created": Kind("an API key was made", ("keyId", "name")),
    "key.revoked": Kind("its life was ended", ("keyId",)),
}


def matching(wanted: str) -> frozenset[str]:
    """The types that one word of a filter names: a type, or `message.*` for all of a kind; none for no such word."""
    if wanted.endswith(".*"):
        return frozenset(name for name in CATALOGUE if name.startswith(wanted[:-1]))
    return frozenset((wanted,)) & CATALOGUE.keys()
