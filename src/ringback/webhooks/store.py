"""Pages of deliveries, and their statistics.

A window of hours begins at any moment: what it has of its first hour is counted from rows, the rest stands in counters.
"""

from sqlalchemy import bindparam, case, func, select

from ringback.storage.schema import accounts, deliveries, delivery_hours, webhooks
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row

HOUR_MS = 3_600_000

_WINDOW = (deliveries.c.account_id == bindparam("account_id"), deliveries.c.created_at >= bindparam("since"))
_NEWEST_FIRST = (deliveries.c.created_at.desc(), deliveries.c.id.desc())
_PAGE = Statement(
    select(deliveries)
    .where(*_WINDOW)
    .order_by(*_NEWEST_FIRST)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_SCOPE_PAGE = Statement(
    select(deliveries)
    .where(*_WINDOW, deliveries.c.scope == bindparam("scope"))
    .order_by(*_NEWEST_FIRST)
    .limit(bindparam("limit"))
)
_OF_MESSAGE = Statement(
    select(deliveries)
    .where(
        deliveries.c.account_id == bindparam("account_id"), deliveries.c.message_id == bindparam("message_id")
    )
    .order_by(deliveries.c.created_at, deliveries.c.id)
    .limit(bindparam("limit"))
)
_HOURS = Statement(
    select(delivery_hours)
    .where(
        delivery_hours.c.account_id == bindparam("account_id"), delivery_hours.c.hour >= bindparam("since")
    )
    .order_by(delivery_hours.c.hour, delivery_hours.c.event_type)
)
_EDGE = Statement(
    select(
        deliveries.c.event_type,
        func.count().label("total"),
        func.count(case((deliveries.c.status == "delivered", 1))).label("delivered"),
        func.count(case((deliveries.c.status == "failed", 1))).label("failed"),
    )
    .where(*_WINDOW, deliveries.c.created_at < bindparam("before"))
    .group_by(deliveries.c.event_type)
    .order_by(deliveries.c.event_type)
)

_HEALTH = case((webhooks.c.status == "disabled", 0), (webhooks.c.failing_since.is_not(None), 1), else_=2)
_ENDPOINTS = Statement(
    select(webhooks)
    .where(webhooks.c.account_id == bindparam("account_id"))
    .order_by(_HEALTH, webhooks.c.created_at.desc(), webhooks.c.scope)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_ENDPOINT_COUNT = Statement(
    select(func.count().label("n"))
    .select_from(webhooks)
    .where(webhooks.c.account_id == bindparam("account_id"))
)
_SWITCHED_OFF = Statement(
    select(webhooks.c.id, webhooks.c.account_id)
    .where(webhooks.c.status == "disabled")
    .order_by(webhooks.c.disabled_at.desc())
    .limit(bindparam("most"))
)


def switched_off(db: Reads, *, most: int) -> list[Row]:
    """Endpoints of anybody that are switched off, the last first."""
    return db.all(_SWITCHED_OFF, most=most)


def endpoints(db: Reads, account_id: str, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """The endpoints of an account and its agents, those that are off or fail first, then the newest; and how many."""
    counted = db.one(_ENDPOINT_COUNT, account_id=account_id)
    rows = db.all(_ENDPOINTS, account_id=account_id, limit=limit, offset=offset)
    return rows, int(counted["n"]) if counted else 0


def page(db: Reads, account_id: str, *, since: int, limit: int, offset: int) -> list[Row]:
    """Deliveries created since `since` (clock ms), newest first."""
    return db.all(_PAGE, account_id=account_id, since=since, limit=limit, offset=offset)


def page_of_scope(db: Reads, account_id: str, scope: str, *, since: int, limit: int) -> list[Row]:
    """Deliveries to one scope's endpoint, newest first."""
    return db.all(_SCOPE_PAGE, account_id=account_id, scope=scope, since=since, limit=limit)


def of_message(db: Reads, account_id: str, message_id: str, *, limit: int) -> list[Row]:
    """Deliveries that tell of a message, oldest first."""
    return db.all(_OF_MESSAGE, account_id=account_id, message_id=message_id, limit=limit)


def count(db: Reads, account_id: str, *, since: int | None) -> int:
    """How many deliveries were planned since `since`, or ever."""
    if since is None:
        return all_time(db, account_id)["total"]
    return sum(row["total"] for row in by_hour(db, account_id, since=since))


def all_time(db: Reads, account_id: str) -> dict[str, int]:
    """`total`, `delivered` and `failed` of all deliveries that there ever were."""
    head = db.get(accounts, account_id)
    assert head is not None
    return {
        "total": head["delivery_count"],
        "delivered": head["deliveries_delivered"],
        "failed": head["deliveries_failed"],
    }


def by_hour(db: Reads, account_id: str, *, since: int) -> list[Row]:
    """`hour` (its start in ms), `event_type`, `total`, `delivered`, `failed`, oldest first, of deliveries planned since.

    Of the hour in which `since` lies only what came from then on is counted.
    """
    whole = -(-since // HOUR_MS) * HOUR_MS
    edge = db.all(_EDGE, account_id=account_id, since=since, before=whole) if since < whole else []
    return [
        *[{"hour": whole - HOUR_MS, **row} for row in edge],
        *db.all(_HOURS, account_id=account_id, since=whole),
    ]
