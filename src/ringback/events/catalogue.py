"""Every type of event: what its data hold, and when it is written. `docs/events.md` shows this table.

A type keeps its meaning for good: fields may be added to a version, and a change that a reader could stumble over makes
a new version.
"""

from collections.abc import Iterable
from dataclasses import dataclass

JsonType = str | list[str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One type. `fields` are those of its `data` with their JSON types: ids and plain values, never bodies or secrets."""

    when: str
    fields: dict[str, JsonType]
    version: int = 1


def _kind(when: str, *fields: str) -> Kind:
    """Fields are text, which may be null where they end in `?`, or whole numbers where they end in `#`."""
    types: dict[str, JsonType] = {"?": ["string", "null"], "#": "integer"}
    return Kind(when, {field.rstrip("?#"): types.get(field[-1], "string") for field in fields})


_MESSAGE = ("messageId", "conversationId", "numberId")
_STATUS = (*_MESSAGE, "errorCode?")
_ENDPOINT = ("webhookId", "agentId?")
_DELIVERY = ("deliveryId", "messageId?", "callId?")
_CALL_BEGUN = ("callId", "numberId?", "direction")
_OPT_OUT = ("numberId", "participant")

CATALOGUE: dict[str, Kind] = {
    "message.queued": _kind("a text was accepted", *_MESSAGE),
    "message.sent": _kind("the carrier took it", *_STATUS),
    "message.delivered": _kind("it arrived", *_STATUS),
    "message.failed": _kind("it will not arrive", *_STATUS),
    "message.unconfirmed": _kind("nobody can tell whether it went out", *_STATUS),
    "message.received": _kind("a text came in", *_MESSAGE),
    "call.queued": _kind("a call was accepted, and is going to be made", *_CALL_BEGUN),
    "call.ringing": _kind("it rings; of a call that came in this is the first", *_CALL_BEGUN),
    "call.answered": _kind("somebody answered it", "callId"),
    "call.turn": _kind("somebody (`role`: user, agent) said something", "callId", "turnId", "role"),
    "call.resumed": _kind("its worker died, and another one went on with it", "callId"),
    "call.ended": _kind(
        "it is over: how, why and whose doing it was",
        *("callId", "status", "reason", "side", "durationSeconds#"),
    ),
    "recording.available": _kind("its recording can be fetched", "callId"),
    "recording.deleted": _kind("it was deleted: `asked`, or `expired` by its age", "callId", "reason"),
    "conversation.created": _kind(
        "a number and a person have their first text", "conversationId", "numberId"
    ),
    "conversation.updated": _kind("its metadata were set", "conversationId"),
    "number.bought": _kind("a number is yours", "numberId", "phoneNumber"),
    "number.updated": _kind("its `externalId` or `expiresAt` is another", "numberId"),
    "number.released": _kind(
        "it is yours no more: `asked`, `expired` or `reclaimed` by the carrier",
        *("numberId", "phoneNumber", "reason"),
    ),
    "number.attached": _kind("an agent has it", "numberId", "agentId"),
    "number.detached": _kind("the agent has it no more", "numberId", "agentId"),
    "agent.created": _kind("an agent was made", "agentId"),
    "agent.updated": _kind("it was changed", "agentId"),
    "agent.deleted": _kind("it was deleted", "agentId"),
    "contact.created": _kind("a contact was made", "contactId"),
    "contact.updated": _kind("it was changed", "contactId"),
    "contact.deleted": _kind("it was deleted", "contactId"),
    "opt_out.recorded": _kind("a person texted STOP, or a word like it", *_OPT_OUT),
    "opt_out.lifted": _kind("a person texted START, or a word like it", *_OPT_OUT),
    "webhook.set": _kind("an endpoint was set", *_ENDPOINT),
    "webhook.deleted": _kind("it was deleted", *_ENDPOINT),
    "webhook.secret_rotated": _kind("it has another secret", *_ENDPOINT),
    "webhook.disabled": _kind("it was switched off, since it only failed", *_ENDPOINT),
    "webhook.enabled": _kind("it was switched on again", *_ENDPOINT),
    "webhook.delivered": _kind("an endpoint took a delivery", *_DELIVERY),
    "webhook.failed": _kind("a delivery was given up", *_DELIVERY),
    "webhook.redelivered": _kind(
        "a delivery that was over (`before`: delivered, failed) began anew", *_DELIVERY, "before"
    ),
    "event.replayed": _kind("an event is told to an endpoint again", "eventSeq#", "webhookId"),
    "sub_account.created": _kind("a sub-account was made", "subAccountId"),
    "sub_account.updated": _kind("it was renamed", "subAccountId"),
    "sub_account.deleted": _kind("it was deleted", "subAccountId"),
    "key.created": _kind("an API key was made", "keyId", "name"),
    "key.revoked": _kind("it opens nothing any more", "keyId"),
}


class UnknownType(ValueError):
    """No event has this type."""


def types_named(names: Iterable[str]) -> frozenset[str]:
    """The types that these names mean; `message.*` means all that begin so. Raises `UnknownType`."""
    found: set[str] = set()
    for name in names:
        if name.endswith(".*"):
            meant = {each for each in CATALOGUE if each.startswith(name[:-1])}
        else:
            meant = {name} & CATALOGUE.keys()
        if not meant:
            raise UnknownType(
                f"no event has the type {name[:64]!r}; there are such as message.received and message.*"
            )
        found |= meant
    return frozenset(found)


def version_of(type_: str) -> int:
    known = CATALOGUE.get(type_)
    return 1 if known is None else known.version
