"""Sub-accounts: accounts under another one, which names them and whose keys reach into them.

Everything of a sub-account is its own: numbers, agents, texts, webhooks, limits, events. Nobody but the header
`X-Sub-Account-Id` leads from one to the other.
"""

from sqlalchemy import bindparam, func, select

from ringback.accounts.errors import SubAccountNested, SubAccountNotFound
from ringback.storage.schema import accounts
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

_LIVING = (accounts.c.parent_id == bindparam("parent_id"), accounts.c.deleted_at.is_(None))
_ONE = Statement(select(accounts).where(accounts.c.id == bindparam("id"), *_LIVING))
_PAGE = Statement(
    select(accounts)
    .where(*_LIVING)
    .order_by(accounts.c.created_at.desc(), accounts.c.id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_COUNT = Statement(select(func.count().label("n")).select_from(accounts).where(*_LIVING))
_DELETED = Statement(
    select(accounts.c.id).where(accounts.c.id == bindparam("id"), accounts.c.deleted_at.is_not(None))
)


def find(db: Reads, parent_id: str, sub_account_id: str) -> Row | None:
    """A living sub-account of this account."""
    return db.one(_ONE, parent_id=parent_id, id=sub_account_id)


def is_one(db: Reads, account_id: str) -> bool:
    """Whether the account is under another one."""
    row = db.get(accounts, account_id)
    return row is not None and row["parent_id"] is not None


def page(db: Reads, parent_id: str, *, limit: int, offset: int) -> list[Row]:
    """Living sub-accounts, newest first."""
    return db.all(_PAGE, parent_id=parent_id, limit=limit, offset=offset)


def count(db: Reads, parent_id: str) -> int:
    row = db.one(_COUNT, parent_id=parent_id)
    return int(row["n"]) if row else 0


def create(tx: Tx, parent_id: str, name: str) -> Row:
    """Raises `SubAccountNested` for a parent that is a sub-account itself."""
    parent = tx.get(accounts, parent_id)
    if parent is None or parent["parent_id"] is not None:
        raise SubAccountNested("a sub-account can't have sub-accounts; ask for one without X-Sub-Account-Id")
    return tx.insert(accounts, id=tx.new_id("sub"), parent_id=parent_id, name=name, created_at=tx.now)


def locked(tx: Tx, parent_id: str, sub_account_id: str) -> Row:
    """A living sub-account with its lock taken, beside the parent's. Raises `SubAccountNotFound`."""
    # Whose it is comes first: a stranger's account is not even locked.
    row = tx.get(accounts, sub_account_id) if find(tx, parent_id, sub_account_id) else None
    if row is None or row["deleted_at"] is not None:
        raise SubAccountNotFound(f"there is no sub-account {sub_account_id[:64]}")
    return row


def rename(tx: Tx, parent_id: str, sub_account_id: str, name: str) -> Row:
    """Raises `SubAccountNotFound`."""
    return tx.update(accounts, locked(tx, parent_id, sub_account_id), name=name)


def mark_deleted(tx: Tx, row: Row) -> None:
    """From now on it answers nobody. Its rows stay."""
    tx.update(accounts, row, deleted_at=tx.now)


def check_living(tx: Tx, account_id: str) -> None:
    """Raises `SubAccountNotFound` where the account was deleted since its caller was let in."""
    row = tx.get(accounts, account_id)
    if row is None or row["deleted_at"] is not None:
        raise SubAccountNotFound("the sub-account was deleted")


def is_deleted(db: Reads, account_id: str) -> bool:
    """Whether the account was deleted, without its lock."""
    return db.one(_DELETED, id=account_id) is not None
