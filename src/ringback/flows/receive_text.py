"""Receiving a text: message, conversation, event, webhook and the answer to a keyword, in one unit."""

from collections.abc import Sequence

from ringback.carriers.protocol import InboundMessage
from ringback.compliance import service as compliance
from ringback.conversations import service as conversations
from ringback.events.log import record
from ringback.flows.send_text import Line, SendText, accept
from ringback.messages import service as messages
from ringback.numbers import service as numbers
from ringback.storage import schema
from ringback.storage.store import Need
from ringback.storage.tx import Reads, Row, Tx
from ringback.usage import service as usage
from ringback.webhooks import service as webhooks


class Moved(Exception):
    """The number changed hands between the look and the lock; look again."""


def owner_of(db: Reads, text: InboundMessage) -> Row | None:
    """Who holds the number that was texted: `{account_id, number_id}`, or None."""
    return db.get(schema.number_owners, text.to)


def needs(line: Line, owner: Row, text: InboundMessage) -> Sequence[Need]:
    """The rows that the unit reads."""
    account_id, number_id = owner["account_id"], owner["number_id"]
    conversation_id = conversations.id_of(line.hash_key, account_id, number_id, text.from_)
    return [
        (schema.number_owners, (text.to,)),
        (schema.numbers, (account_id, number_id)),
        (schema.carrier_refs, (text.carrier, "in", text.ref)),
        (schema.conversations, (account_id, conversation_id)),
        (schema.opt_outs, (account_id, number_id, text.from_)),
        (schema.webhooks, (account_id, webhooks.PROJECT)),
    ]


def receive_text(tx: Tx, line: Line, account_id: str, text: InboundMessage) -> Row | None:
    """Take a text in; None when nobody holds the number or it was taken in before. Raises `Moved`."""
    number = numbers.held_by(tx, text.to)
    if number is None:
        return None
    if number["account_id"] != account_id:
        raise Moved
    if messages.seen(tx, text):
        return None
    at = numbers.next_message_at(tx, number)
    conversation_id = conversations.id_of(line.hash_key, account_id, number["id"], text.from_)
    _, new = conversations.touch(
        tx, conversation_id, number, text.from_, at=at, body=text.body, channel=text.channel
    )
    message = messages.add_inbound(tx, number, conversation_id, text, at=at)
    usage.count_message(tx, number, message)
    event = record(
        tx,
        account_id,
        "message.received",
        {"message_count": 1, "conversation_count": int(new)},
        about_agent=number["agent_id"],
        messageId=message["id"],
        conversationId=conversation_id,
        numberId=number["id"],
    )
    planned = webhooks.plan(
        tx,
        event,
        event_type="agent.message",
        channel=text.channel,
        agent_id=number["agent_id"],
        message_id=message["id"],
    )
    if planned is not None:
        usage.count_webhook(tx, number)
    _answer_keyword(tx, line, number, text)
    return message


def _answer_keyword(tx: Tx, line: Line, number: Row, text: InboundMessage) -> None:
    reply = compliance.heed(tx, number, text.from_, text.body)
    if reply is None or line.outbound_sms(number["e164"], number["country"]) != "enabled":
        return
    asked = SendText(
        account_id=number["account_id"],
        to=text.from_,
        body=reply.body,
        number_id=number["id"],
        despite_opt_out=reply.despite_opt_out,
    )
    accept(tx, line, numbers.get(tx, number["account_id"], number["id"]), asked)
