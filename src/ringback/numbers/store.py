"""Queries on numbers and their orders."""

from collections.abc import Sequence

from sqlalchemy import bindparam, func, select

from ringback.storage.schema import agents, number_orders, numbers
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row

_ACTIVE = (numbers.c.account_id == bindparam("account_id"), numbers.c.status == "active")
_PAGE = Statement(
    select(numbers)
    .where(*_ACTIVE)
    .order_by(numbers.c.created_at.desc(), numbers.c.id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_EVERY = Statement(
    select(numbers)
    .where(numbers.c.account_id == bindparam("account_id"))
    .order_by(numbers.c.status, numbers.c.created_at.desc(), numbers.c.id.desc())
)
_COUNT = Statement(select(func.count().label("n")).select_from(numbers).where(*_ACTIVE))
_OF_AGENT = Statement(
    select(numbers)
    .where(
        numbers.c.account_id == bindparam("account_id"),
        numbers.c.agent_id == bindparam("agent_id"),
        numbers.c.status == "active",
    )
    .order_by(numbers.c.attached_at, numbers.c.id)
)
_OF_AGENTS = Statement(
    select(numbers)
    .where(
        numbers.c.account_id == bindparam("account_id"),
        numbers.c.status == "active",
        numbers.c.agent_id.in_(
            select(agents.c.id).where(
                agents.c.account_id == bindparam("account_id"),
                agents.c.created_at.between(bindparam("oldest"), bindparam("newest")),
            )
        ),
    )
    .order_by(numbers.c.attached_at, numbers.c.id)
)
_OPEN_PURCHASES = Statement(
    select(func.count().label("n"))
    .select_from(number_orders)
    .where(
        number_orders.c.account_id == bindparam("account_id"),
        number_orders.c.state == "open",
        number_orders.c.kind == "buy",
    )
)
_OPEN_ORDERS_OF = Statement(
    select(func.count().label("n"))
    .select_from(number_orders)
    .where(number_orders.c.account_id == bindparam("account_id"), number_orders.c.state == "open")
)
_OPEN_ORDERS = Statement(
    select(number_orders)
    .where(number_orders.c.state == "open", number_orders.c.lease_until <= bindparam("real_now"))
    .order_by(number_orders.c.created_at, number_orders.c.id)
    .limit(100)
)
_EXPIRED = Statement(
    select(numbers)
    .where(numbers.c.expires_at <= bindparam("now"), numbers.c.status == "active")
    .order_by(numbers.c.expires_at)
    .limit(100)
)
_NEXT_EXPIRY = Statement(
    select(func.min(numbers.c.expires_at).label("at")).where(
        numbers.c.expires_at.is_not(None), numbers.c.status == "active"
    )
)


def page(db: Reads, account_id: str, *, limit: int, offset: int) -> list[Row]:
    """Active numbers of an account, newest first."""
    return db.all(_PAGE, account_id=account_id, limit=limit, offset=offset)


def count(db: Reads, account_id: str) -> int:
    """How many numbers the account holds."""
    row = db.one(_COUNT, account_id=account_id)
    return int(row["n"]) if row else 0


def every(db: Reads, account_id: str) -> list[Row]:
    """All numbers that an account has ever held: those that it holds first, then the released, newest first."""
    return db.all(_EVERY, account_id=account_id)


def of_agent(db: Reads, account_id: str, agent_id: str) -> list[Row]:
    """An agent's numbers, first attached first."""
    return db.all(_OF_AGENT, account_id=account_id, agent_id=agent_id)


def of_agents(db: Reads, account_id: str, page: Sequence[Row]) -> dict[str, list[Row]]:
    """The numbers of the agents of a page, by their ids: one statement for all, by when the agents were made."""
    found: dict[str, list[Row]] = {agent["id"]: [] for agent in page}
    made = [agent["created_at"] for agent in page]
    if made:
        for row in db.all(_OF_AGENTS, account_id=account_id, oldest=min(made), newest=max(made)):
            found.setdefault(row["agent_id"], []).append(row)
    return found


def open_purchases(db: Reads, account_id: str) -> int:
    row = db.one(_OPEN_PURCHASES, account_id=account_id)
    return int(row["n"]) if row else 0


def open_orders_of(db: Reads, account_id: str) -> int:
    """How many orders of the account, of either kind, the carrier has not settled."""
    row = db.one(_OPEN_ORDERS_OF, account_id=account_id)
    return int(row["n"]) if row else 0


def open_orders(db: Reads, *, real_now: int) -> list[Row]:
    """Orders of any account that nobody works on any more."""
    return db.all(_OPEN_ORDERS, real_now=real_now)


def expired(db: Reads, *, now: int) -> list[Row]:
    """Active numbers of any account whose `expiresAt` has come."""
    return db.all(_EXPIRED, now=now)


def next_expiry(db: Reads) -> int | None:
    row = db.one(_NEXT_EXPIRY)
    at: int | None = row["at"] if row else None
    return at
