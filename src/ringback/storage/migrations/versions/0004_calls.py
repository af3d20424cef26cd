"""Calls, what was said in them, who holds them; versions of agents' prompts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null)


def upgrade() -> None:
    op.add_column("deliveries", _text("call_id", null=True))
    _create_calls()
    _create_turns()
    op.create_table(
        "web_tokens",
        _text("hash"),
        _text("account_id"),
        _text("call_id"),
        _number("expires_at"),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("web_tokens_by_expiry", "web_tokens", ["expires_at"], unique=False)
    op.create_table(
        "voice_hosts",
        _text("id"),
        _number("alive_until"),
        _text("url", null=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "agent_prompts",
        *[_text(name) for name in ("account_id", "agent_id", "id")],
        _number("n"),
        _text("prompt", null=True),
        _number("set_at", null=True),
        *[_text(name, null=True) for name in ("door", "key_name")],
        _number("taken_from", null=True),
        sa.PrimaryKeyConstraint("account_id", "agent_id", "id"),
    )


def _create_calls() -> None:
    op.create_table(
        "calls",
        _text("account_id"),
        _text("id"),
        _text("direction"),
        *[_text(name, null=True) for name in ("agent_id", "number_id", "number_e164", "conversation_id")],
        _text("from_e164"),
        _text("to_e164"),
        _text("status"),
        *[_text(name, null=True) for name in ("reason", "side", "detail")],
        _number("created_at"),
        *[_number(name, null=True) for name in ("ringing_at", "answered_at", "ended_at")],
        *[_number(name, null=True) for name in ("answered_real", "duration_s")],
        _text("brain"),
        _text("asked"),
        _text("metadata", null=True),
        _number("turns"),
        _text("last_snippet", null=True),
        _number("record"),
        _text("recording", null=True),
        _number("recording_ms", null=True),
        _text("carrier"),
        *[_text(name, null=True) for name in ("carrier_ref", "host", "child")],
        _number("last_n"),
        _number("resumed"),
        _text("end_asked", null=True),
        _text("request_id", null=True),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )
    for name, columns in (
        ("calls_by_age", ["account_id", "created_at", "id"]),
        ("calls_by_agent", ["account_id", "agent_id", "created_at", "id"]),
        ("calls_by_number", ["account_id", "number_id", "created_at", "id"]),
    ):
        op.create_index(name, "calls", columns, unique=False)
    for name, where in (
        ("calls_living", "ended_at IS NULL"),
        ("calls_recorded", "recording IN ('available', 'erasing')"),
    ):
        op.create_index(
            name,
            "calls",
            ["created_at"],
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )


def _create_turns() -> None:
    op.create_table(
        "call_turns",
        _text("account_id"),
        _text("call_id"),
        _number("n"),
        *[_text(name) for name in ("id", "turn_id", "role", "text")],
        *[_number(name, null=True) for name in ("confidence_e4", "started_ms", "ended_ms")],
        _number("created_at"),
        sa.PrimaryKeyConstraint("account_id", "call_id", "n"),
    )
    op.create_table(
        "call_timelines",
        *[_text(name) for name in ("account_id", "call_id", "turn_id")],
        *[
            _number(name, null=True)
            for name in ("speech_end", "transcript", "brain_first", "audio_first", "interrupted")
        ],
        sa.PrimaryKeyConstraint("account_id", "call_id", "turn_id"),
    )
