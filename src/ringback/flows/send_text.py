"""Sending a text: gate, message, conversation, event and outbox row, in one unit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ringback.agents import service as agents
from ringback.agents.errors import AgentHasNoNumber
from ringback.carriers.protocol import OutboundSms
from ringback.compliance import service as compliance
from ringback.conversations import service as conversations
from ringback.events.log import record
from ringback.flows import pace_texts
from ringback.flows.pace_texts import UNPACED, Paces
from ringback.kit.blank import is_blank
from ringback.kit.faults import Invalid
from ringback.kit.gsm import segment_for
from ringback.messages import service as messages
from ringback.messages.errors import ContradictingSender
from ringback.numbers import service as numbers
from ringback.numbers.errors import NumberNotFound
from ringback.storage import outbox, paces, schema
from ringback.storage.store import Need
from ringback.storage.tx import Reads, Row, Tx
from ringback.usage import service as usage

KIND = "text"
VALIDITY_MS = 72 * 3_600_000


@dataclass(frozen=True, slots=True)
class Line:
    """What sending needs to know of the world outside the unit: what the carrier says, and the key of ids."""

    outbound_sms: Callable[[str, str], OutboundSms]
    hash_key: bytes
    paces: Paces = field(default=UNPACED)


@dataclass(frozen=True, slots=True)
class SendText:
    """A text to be sent by an account. Any of `number_id`, `from_number` (E.164) and `agent_id` names the sender."""

    account_id: str
    to: str
    body: str
    media_urls: tuple[str, ...] = ()
    number_id: str | None = None
    from_number: str | None = None
    agent_id: str | None = None
    validity_ms: int = VALIDITY_MS
    despite_opt_out: bool = False
    """The one confirmation that a person who opted out gets."""


def needs(line: Line, asked: SendText) -> Sequence[Need]:
    """The rows that the unit reads, as far as they are known before."""
    account_id, number_id = asked.account_id, asked.number_id
    found: list[Need] = []
    if asked.agent_id is not None:
        found.append((schema.agents, (account_id, asked.agent_id)))
    if asked.from_number is not None:
        found.append((schema.number_owners, (asked.from_number,)))
    if number_id is not None:
        conversation_id = conversations.id_of(line.hash_key, account_id, number_id, asked.to)
        found += [
            (schema.numbers, (account_id, number_id)),
            (schema.opt_outs, (account_id, number_id, asked.to)),
            (schema.conversations, (account_id, conversation_id)),
            (schema.pace_queues, (account_id, paces.id_of("campaign", line.paces.carrier, number_id))),
        ]
    return found


def send_text(tx: Tx, line: Line, asked: SendText) -> Row:
    """Accept a text; answers the message's row, `queued`.

    Raises `Invalid` where there is nothing to read or see, and what naming the sender and the gate raise; then nothing
    is changed.
    """
    if not asked.media_urls and is_blank(asked.body):
        raise Invalid("must not be blank unless there is media", field="body")
    number = sender(tx, asked)
    if number["e164"] == asked.to:
        raise Invalid("a number can't text itself", field="to_number")
    compliance.check_send(tx, number, asked.to, line.outbound_sms(number["e164"], number["country"]))
    return accept(tx, line, number, asked)


def accept(tx: Tx, line: Line, number: Row, asked: SendText) -> Row:
    """Store a text that has passed the gate, and what must happen next."""
    channel = "mms" if asked.media_urls else "sms"
    at = numbers.next_message_at(tx, number)
    conversation_id = conversations.id_of(line.hash_key, asked.account_id, number["id"], asked.to)
    conversation, new = conversations.touch(
        tx, conversation_id, number, asked.to, at=at, body=asked.body, channel=channel, unsent=1
    )
    message = messages.add_outbound(
        tx,
        number,
        conversation_id,
        to=asked.to,
        body=asked.body,
        media_urls=asked.media_urls,
        channel=channel,
        segments=segment_for(channel, asked.body),
        at=at,
        validity_ms=asked.validity_ms,
        despite_opt_out=asked.despite_opt_out,
    )
    usage.count_message(tx, number, message)
    event = record(
        tx,
        asked.account_id,
        "message.queued",
        {"message_count": 1, "conversation_count": int(new)},
        about_agent=number["agent_id"],
        messageId=message["id"],
        conversationId=conversation_id,
        numberId=number["id"],
    )
    toll, pace = pace_texts.toll_of(line.paces, number, message)
    outbox.enqueue(
        tx,
        account_id=asked.account_id,
        lane_id=outbox.lane_for_texts(number["id"]),
        kind=KIND,
        subject_id=message["id"],
        position=event.seq,
        chain=conversation_id,
        behind=conversation["unsent"] > 1,
        carrier=number["carrier"],
        expires_at=message["valid_until"],
        toll=toll,
        lane_at=pace_texts.opens_at(tx, asked.account_id, toll, pace, tx.now),
    )
    return message


def sender(db: Reads, asked: SendText) -> Row:
    """The active number that the request names, by itself, by its spelling or by its agent."""
    found: Row | None = None
    if asked.number_id is not None:
        found = numbers.get_active(db, asked.account_id, asked.number_id)
    if asked.from_number is not None:
        by_spelling = numbers.held_by(db, asked.from_number)
        if by_spelling is None or by_spelling["account_id"] != asked.account_id:
            raise NumberNotFound(f"{asked.from_number} is not a number of yours", field="from_number")
        if found is not None and found["id"] != by_spelling["id"]:
            raise ContradictingSender("number_id and from_number name different numbers", field="from_number")
        found = by_spelling
    if asked.agent_id is not None:
        return _agents_number(db, asked, found)
    if found is None:
        raise Invalid("name the sender by number_id, from_number or agent_id", field="number_id")
    return found


def _agents_number(db: Reads, asked: SendText, found: Row | None) -> Row:
    assert asked.agent_id is not None
    agent = agents.get(db, asked.account_id, asked.agent_id)
    if found is not None:
        if found["agent_id"] != asked.agent_id:
            raise ContradictingSender(f"{found['e164']} is not attached to this agent", field="agent_id")
        return found
    if agent["default_number_id"] is None:
        raise AgentHasNoNumber("this agent has no number; attach one first", field="agent_id")
    return numbers.get_active(db, asked.account_id, agent["default_number_id"])
