"""The rules of conversations."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, null, select, update

from ringback.events.log import record
from ringback.kit.faults import Invalid, NotFound
from ringback.kit.ids import spell
from ringback.kit.wire import check_json
from ringback.storage.schema import accounts, conversations, opt_outs
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

PREVIEW_CHARACTERS = 100
MAX_METADATA_BYTES = 64 * 1024
_NEWEST_FIRST = (conversations.c.last_message_at.desc(), conversations.c.id.desc())
_page = (
    select(conversations)
    .where(conversations.c.account_id == bindparam("account_id"))
    .order_by(*_NEWEST_FIRST)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
    .subquery("page")
)
# Outside the page, so that the conversations before it aren't looked up.
_PAGE = Statement(
    select(
        _page,
        select(opt_outs.c.since)
        .where(
            opt_outs.c.account_id == bindparam("account_id"),
            opt_outs.c.number_id == _page.c.number_id,
            opt_outs.c.party == _page.c.party,
        )
        .scalar_subquery()
        .label("opted_out_since"),
    ).order_by(_page.c.last_message_at.desc(), _page.c.id.desc())
)
_OF_AGENT = (
    conversations.c.account_id == bindparam("account_id"),
    conversations.c.agent_id == bindparam("agent_id"),
)
_AGENT_PAGE = Statement(
    select(conversations)
    .where(*_OF_AGENT)
    .order_by(*_NEWEST_FIRST)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_AGENT_COUNT = Statement(select(func.count().label("n")).select_from(conversations).where(*_OF_AGENT))
_CLEAR_AGENT = Statement(
    update(conversations)
    .where(
        conversations.c.account_id == bindparam("of_account"),
        conversations.c.agent_id == bindparam("of_agent"),
    )
    .values(agent_id=null())
)


class ConversationNotFound(NotFound):
    """There is no such conversation, or it is not yours."""

    code = "CONVERSATION_NOT_FOUND"


def id_of(hash_key: bytes, account_id: str, number_id: str, party: str) -> str:
    """A conversation's id, computed so that a unit need not read it: a keyed hash, since numbers can be guessed."""
    text = "\x1f".join((account_id, number_id, party)).encode()
    digest = hashlib.blake2b(text, key=hash_key, digest_size=16).digest()
    return "conv_" + spell(int.from_bytes(digest, "big"))


def get(db: Reads, account_id: str, conversation_id: str) -> Row:
    """A conversation of this account. Raises `ConversationNotFound`."""
    row = db.get(conversations, account_id, conversation_id)
    if row is None:
        raise ConversationNotFound(f"there is no conversation {conversation_id[:64]}")
    return row


def touch(
    tx: Tx,
    conversation_id: str,
    number: Row,
    party: str,
    *,
    at: int,
    body: str,
    channel: str,
    unsent: int = 0,
) -> tuple[Row, bool]:
    """Count one more message in, at `at`; makes the conversation at its first. Answers the row, and whether it is new."""
    row = tx.get(conversations, number["account_id"], conversation_id)
    preview = body[:PREVIEW_CHARACTERS]
    if row is None:
        record(
            tx,
            number["account_id"],
            "conversation.created",
            about_agent=number["agent_id"],
            conversationId=conversation_id,
            numberId=number["id"],
        )
        return tx.insert(
            conversations,
            account_id=number["account_id"],
            id=conversation_id,
            number_id=number["id"],
            number_e164=number["e164"],
            party=party,
            agent_id=number["agent_id"],
            channel=channel,
            created_at=at,
            last_message_at=at,
            last_preview=preview,
            message_count=1,
            unsent=unsent,
        ), True
    return tx.update(
        conversations,
        row,
        agent_id=number["agent_id"],
        channel=channel,
        last_message_at=at,
        last_preview=preview,
        message_count=row["message_count"] + 1,
        unsent=row["unsent"] + unsent,
    ), False


def one_sent(tx: Tx, account_id: str, conversation_id: str) -> None:
    """A text of the conversation has left the outbox."""
    row = tx.get(conversations, account_id, conversation_id)
    if row is not None:
        tx.update(conversations, row, unsent=row["unsent"] - 1)


def page(db: Reads, account_id: str, *, limit: int, offset: int) -> list[Row]:
    """Conversations of the account, last active first, with `opted_out_since`: when the person opted out, if so."""
    return db.all(_PAGE, account_id=account_id, limit=limit, offset=offset)


def count(db: Reads, account_id: str) -> int:
    head = db.get(accounts, account_id)
    return int(head["conversation_count"]) if head else 0


def page_of_agent(db: Reads, account_id: str, agent_id: str, *, limit: int, offset: int) -> list[Row]:
    return db.all(_AGENT_PAGE, account_id=account_id, agent_id=agent_id, limit=limit, offset=offset)


def count_of_agent(db: Reads, account_id: str, agent_id: str) -> int:
    row = db.one(_AGENT_COUNT, account_id=account_id, agent_id=agent_id)
    return int(row["n"]) if row else 0


def set_metadata(tx: Tx, account_id: str, conversation_id: str, metadata: dict[str, Any] | None) -> Row:
    """Replace the metadata whole; None clears it. Raises `Invalid` for what can't be kept faithfully."""
    row = get(tx, account_id, conversation_id)
    return tx.update(conversations, row, metadata=metadata_text(metadata))


def metadata_text(metadata: Mapping[str, Any] | None) -> str | None:
    """Metadata as they are kept. Raises `Invalid` for what can't be kept faithfully."""
    if metadata is None:
        return None
    try:
        check_json(metadata)
        text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise Invalid(str(error), field="metadata") from None
    if len(text.encode()) > MAX_METADATA_BYTES:
        raise Invalid(f"must not be larger than {MAX_METADATA_BYTES} bytes as JSON", field="metadata")
    return text


def clear_agent(tx: Tx, account_id: str, agent_id: str) -> None:
    """The agent is gone; its conversations stay."""
    tx.execute(_CLEAR_AGENT, [conversations], of_account=account_id, of_agent=agent_id)
