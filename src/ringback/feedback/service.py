"""The rules of feedback: kept as it was told, read by the operator alone."""

import json

from sqlalchemy import bindparam, select

from ringback.feedback.schemas import MAX_TAGS, Feedback, SubmitFeedback
from ringback.kit.faults import Invalid
from ringback.storage.schema import feedback
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

_NEWEST = Statement(
    select(feedback).order_by(feedback.c.created_at.desc(), feedback.c.id.desc()).limit(bindparam("limit"))
)


def submit(tx: Tx, account_id: str, asked: SubmitFeedback) -> Row:
    """Raises `Invalid` for more tags than anybody reads."""
    tags = asked.tags or []
    if len(tags) > MAX_TAGS:
        raise Invalid(f"takes at most {MAX_TAGS} tags", field="tags")
    return tx.insert(
        feedback,
        account_id=account_id,
        id=tx.new_id("fb"),
        category=asked.category,
        note=asked.note,
        about_request_id=asked.request_id,
        url=asked.url,
        tags=json.dumps(tags, ensure_ascii=False),
        created_at=tx.now,
    )


def newest(db: Reads, limit: int) -> list[Feedback]:
    """What all accounts told, newest first."""
    return [Feedback.of(row) for row in db.all(_NEWEST, limit=limit)]
