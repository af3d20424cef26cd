"""Paces of carriers, steps of trouble, and what endpoints may ask for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    default = None if null else "0"
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=null, server_default=default)


def _text(name: str, *, null: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null)


def upgrade() -> None:
    for name in ("events_pruned", "listening"):
        op.add_column("accounts", _number(name))
    for name in ("ordered", "unsent"):
        op.add_column("webhooks", _number(name))
    for name in ("previous_secret_until", "failing_since", "last_failed_at", "disabled_at"):
        op.add_column("webhooks", _number(name, null=True))
    for name in ("events", "previous_secrets"):
        op.add_column("webhooks", _text(name))
    op.add_column("deliveries", _number("attempts_before"))
    told = sa.text("message_id IS NOT NULL")
    op.create_index(
        "deliveries_by_message",
        "deliveries",
        ["account_id", "message_id"],
        unique=False,
        sqlite_where=told,
        postgresql_where=told,
    )
    failed = sa.text("status = 'failed'")
    op.create_index(
        "deliveries_failed",
        "deliveries",
        ["account_id", "created_at", "id"],
        unique=False,
        sqlite_where=failed,
        postgresql_where=failed,
    )
    op.add_column("events", _text("agent_id"))
    op.add_column("messages", _text("agent_id"))
    for name in ("recipient", "forms"):
        op.add_column("carrier_refs", _text(name))
    _part_lanes()
    _create_steps()
    _create_paces()
    _weigh_texts()


def _part_lanes() -> None:
    op.add_column("lanes", sa.Column("carrier", sa.Text(), nullable=False, server_default=""))
    op.add_column("lanes", _number("served_at"))
    # There was one carrier until now.
    op.execute("UPDATE lanes SET carrier = 'simulated' WHERE kind = 'text'")
    due = sa.text("next_at IS NOT NULL")
    op.drop_index("lanes_due", "lanes")
    op.create_index(
        "lanes_due",
        "lanes",
        ["kind", "carrier", "next_at", "served_at"],
        unique=False,
        sqlite_where=due,
        postgresql_where=due,
    )


def _create_steps() -> None:
    op.create_table(
        "steps",
        _text("account_id", null=False),
        _text("subject_id", null=False),
        _text("id", null=False),
        _text("kind", null=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        _number("attempt", null=True),
        _text("code"),
        _text("side"),
        _text("detail"),
        _number("took_ms", null=True),
        sa.PrimaryKeyConstraint("account_id", "subject_id", "id"),
    )


def _create_paces() -> None:
    paces = ("next_ns", "day", "day_segments", "day_tmobile")
    for table, names in (
        ("paces", paces),
        ("pace_queues", ("texts", "segments", "tmobile", "tmobile_texts")),
    ):
        op.create_table(
            table,
            _text("account_id", null=False),
            _text("id", null=False),
            *[sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False) for name in names],
            sa.PrimaryKeyConstraint("account_id", "id"),
        )


def _weigh_texts() -> None:
    op.add_column("outbox", _number("expires_at", null=True))
    op.add_column("outbox", _text("pace_id"))
    for name in ("segments", "tmobile"):
        op.add_column("outbox", _number(name))
    # What is queued already is told like what comes: its validity and its weight are its message's.
    for name, column in (("expires_at", "valid_until"), ("segments", "segments")):
        op.execute(
            f"UPDATE outbox SET {name} = (SELECT {column} FROM messages WHERE messages.account_id = outbox.account_id"
            " AND messages.id = outbox.subject_id) WHERE kind = 'text'"
        )
    expiring = sa.text("expires_at IS NOT NULL AND state <> 'claimed'")
    op.create_index(
        "outbox_expiring",
        "outbox",
        ["kind", "expires_at"],
        unique=False,
        sqlite_where=expiring,
        postgresql_where=expiring,
    )
