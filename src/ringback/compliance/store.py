"""Queries on opt-outs."""

from sqlalchemy import Text, bindparam, insert, or_, select

from ringback.storage.schema import accounts, numbers, opt_outs
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

_EARLIER = Statement(
    select(numbers)
    .join(accounts, accounts.c.id == numbers.c.account_id)
    .where(
        or_(accounts.c.id == bindparam("root_id"), accounts.c.parent_id == bindparam("root_id")),
        numbers.c.e164 == bindparam("e164"),
        numbers.c.id != bindparam("number_id"),
    )
    .order_by(numbers.c.created_at.desc(), numbers.c.id.desc())
    .limit(1)
)
_COPY = Statement(
    insert(opt_outs).from_select(
        ["account_id", "number_id", "party", "word", "since"],
        select(
            bindparam("account_id", type_=Text),
            bindparam("number_id", type_=Text),
            opt_outs.c.party,
            opt_outs.c.word,
            opt_outs.c.since,
        ).where(
            opt_outs.c.account_id == bindparam("from_account_id"),
            opt_outs.c.number_id == bindparam("from_number_id"),
        ),
    )
)


def held_before(db: Reads, number: Row) -> Row | None:
    """The last number that was this very one, held by the account, its parent or another sub-account of that."""
    account = db.get(accounts, number["account_id"])
    assert account is not None
    root_id = account["parent_id"] or account["id"]
    return db.one(_EARLIER, root_id=root_id, e164=number["e164"], number_id=number["id"])


def copy(tx: Tx, earlier: Row, number: Row) -> None:
    """Who opted out of the earlier number is opted out of `number`, which is new."""
    tx.execute(
        _COPY,
        [opt_outs],
        account_id=number["account_id"],
        number_id=number["id"],
        from_account_id=earlier["account_id"],
        from_number_id=earlier["id"],
    )
