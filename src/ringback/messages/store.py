"""Pages of messages. Each number's timestamps strictly increase, so a time and an id are equally exact cursors."""

from sqlalchemy import Column, bindparam, select

from ringback.storage.schema import messages
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row

_START, _END = -1, 1 << 62


def _window(scope: Column[str], *, oldest_first: bool) -> Statement:
    order = messages.c.at if oldest_first else messages.c.at.desc()
    return Statement(
        select(messages)
        .where(
            messages.c.account_id == bindparam("account_id"),
            scope == bindparam("scope_id"),
            messages.c.at > bindparam("after"),
            messages.c.at < bindparam("before"),
        )
        .order_by(order)
        .limit(bindparam("most"))
    )


_NUMBER_NEWEST = _window(messages.c.number_id, oldest_first=False)
_NUMBER_OLDEST = _window(messages.c.number_id, oldest_first=True)
_CONVERSATION_NEWEST = _window(messages.c.conversation_id, oldest_first=False)
_CONVERSATION_OLDEST = _window(messages.c.conversation_id, oldest_first=True)


def page_of_number(
    db: Reads, account_id: str, number_id: str, *, limit: int, before: int | None, after: int | None
) -> tuple[list[Row], bool]:
    """A page, newest first, and whether there is more. Cursors are exclusive times (ms).

    With `after` alone the page holds the oldest rows after it and "more" means newer ones; otherwise the newest rows
    before `before`, and "more" means older ones.
    """
    return _page(db, _NUMBER_NEWEST, _NUMBER_OLDEST, account_id, number_id, limit, before, after)


def page_of_conversation(
    db: Reads, account_id: str, conversation_id: str, *, limit: int, before: int | None, after: int | None
) -> tuple[list[Row], bool]:
    """As `page_of_number`, for one conversation."""
    return _page(
        db, _CONVERSATION_NEWEST, _CONVERSATION_OLDEST, account_id, conversation_id, limit, before, after
    )


def _page(
    db: Reads,
    newest: Statement,
    oldest: Statement,
    account_id: str,
    scope_id: str,
    limit: int,
    before: int | None,
    after: int | None,
) -> tuple[list[Row], bool]:
    forward = before is None and after is not None
    rows = db.all(
        oldest if forward else newest,
        account_id=account_id,
        scope_id=scope_id,
        after=_START if after is None else after,
        before=_END if before is None else before,
        most=limit + 1,
    )
    page = rows[:limit]
    return page[::-1] if forward else page, len(rows) > limit
