"""Contacts, feedback, deleted sub-accounts, and counters of usage and deliveries, filled from what is stored."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _key(name: str, type_: type[sa.types.TypeEngine[Any]] = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, type_(), autoincrement=False, nullable=False)


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False) for name in names]


def upgrade() -> None:
    for name in ("call_count", "deliveries_delivered", "deliveries_failed", "contact_count"):
        column = sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False, server_default="0")
        op.add_column("accounts", column)
    op.add_column("accounts", sa.Column("deleted_at", sa.BigInteger(), autoincrement=False, nullable=True))
    children = sa.text("parent_id IS NOT NULL")
    op.create_index(
        "accounts_by_parent",
        "accounts",
        ["parent_id", "created_at", "id"],
        unique=False,
        sqlite_where=children,
        postgresql_where=children,
    )
    _create_contacts()
    _create_feedback()
    _create_counters()
    _fill_counters()


def _create_contacts() -> None:
    op.create_table(
        "contacts",
        _key("account_id"),
        _key("id"),
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )
    op.create_index("contacts_by_number", "contacts", ["account_id", "e164"], unique=True)
    op.create_index("contacts_by_age", "contacts", ["account_id", "created_at", "id"], unique=False)


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        _key("account_id"),
        _key("id"),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("about_request_id", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )


def _create_counters() -> None:
    op.create_table(
        "delivery_hours",
        _key("account_id"),
        _key("hour", sa.BigInteger),
        _key("event_type"),
        *_counts("total", "delivered", "failed"),
        sa.PrimaryKeyConstraint("account_id", "hour", "event_type"),
    )
    op.create_table(
        "usage_days",
        _key("account_id"),
        _key("day", sa.BigInteger),
        _key("number_id"),
        _key("agent_id"),
        *_counts("messages", "segments", "calls", "call_seconds", "webhooks"),
        sa.PrimaryKeyConstraint("account_id", "day", "number_id", "agent_id"),
    )
    op.create_table(
        "usage_quarters",
        _key("account_id"),
        _key("quarter", sa.BigInteger),
        _key("agent_id"),
        *_counts("messages", "segments", "calls", "call_seconds"),
        sa.PrimaryKeyConstraint("account_id", "quarter", "agent_id"),
    )


def _fill_counters() -> None:
    """Count what an earlier version stored. A text's agent is its conversation's; nobody noted another."""
    op.execute(
        """
        INSERT INTO usage_days
            (account_id, day, number_id, agent_id, messages, segments, calls, call_seconds, webhooks)
        SELECT m.account_id, m.at / 86400000 * 86400000, m.number_id, coalesce(c.agent_id, ''),
            count(*), sum(m.segments), 0, 0, 0
        FROM messages m
        JOIN conversations c ON c.account_id = m.account_id AND c.id = m.conversation_id
        GROUP BY 1, 2, 3, 4
        """
    )
    op.execute(
        """
        INSERT INTO usage_quarters (account_id, quarter, agent_id, messages, segments, calls, call_seconds)
        SELECT m.account_id, m.at / 900000 * 900000, coalesce(c.agent_id, ''), count(*), sum(m.segments), 0, 0
        FROM messages m
        JOIN conversations c ON c.account_id = m.account_id AND c.id = m.conversation_id
        GROUP BY 1, 2, 3
        """
    )
    op.execute(
        """
        INSERT INTO usage_days
            (account_id, day, number_id, agent_id, messages, segments, calls, call_seconds, webhooks)
        SELECT d.account_id, d.created_at / 86400000 * 86400000, coalesce(m.number_id, ''),
            coalesce(d.agent_id, ''), 0, 0, 0, 0, count(*)
        FROM deliveries d
        LEFT JOIN messages m ON m.account_id = d.account_id AND m.id = d.message_id
        WHERE TRUE
        GROUP BY 1, 2, 3, 4
        ON CONFLICT (account_id, day, number_id, agent_id)
            DO UPDATE SET webhooks = usage_days.webhooks + excluded.webhooks
        """
    )
    op.execute(
        """
        INSERT INTO delivery_hours (account_id, hour, event_type, total, delivered, failed)
        SELECT account_id, created_at / 3600000 * 3600000, event_type, count(*),
            count(CASE status WHEN 'delivered' THEN 1 END), count(CASE status WHEN 'failed' THEN 1 END)
        FROM deliveries
        GROUP BY 1, 2, 3
        """
    )
    for column, status in (("deliveries_delivered", "delivered"), ("deliveries_failed", "failed")):
        op.execute(
            f"UPDATE accounts SET {column} = (SELECT count(*) FROM deliveries d"
            f" WHERE d.account_id = accounts.id AND d.status = '{status}')"
        )
