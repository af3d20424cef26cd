"""Versions of agents' prompts: every change is one, so that what was there can be read and had back."""

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import bindparam, delete, select

from ringback.agents.errors import PromptVersionNotFound
from ringback.storage.schema import agent_prompts
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

MOST: Final = 50
"""Versions of one agent that are kept, the newest."""
Door = Literal["api", "console", "mcp"]
_OF_AGENT = (
    agent_prompts.c.account_id == bindparam("account_id"),
    agent_prompts.c.agent_id == bindparam("agent_id"),
)
_NEWEST_FIRST = Statement(
    select(agent_prompts).where(*_OF_AGENT).order_by(agent_prompts.c.n.desc()).limit(bindparam("most"))
)
_TOO_MANY = Statement(
    delete(agent_prompts).where(
        agent_prompts.c.account_id == bindparam("of_account"),
        agent_prompts.c.agent_id == bindparam("of_agent"),
        agent_prompts.c.n <= bindparam("up_to"),
    )
)


@dataclass(frozen=True, slots=True)
class Author:
    """Who sets a prompt: through which door, and with which key, as its own account calls it."""

    door: Door | None
    key_name: str | None = None


NOBODY: Final = Author(None)
"""Somebody of whom nothing is known."""


def newest_first(db: Reads, account_id: str, agent_id: str, *, most: int = MOST) -> list[Row]:
    """An agent's versions; the first is its prompt as it is."""
    return db.all(_NEWEST_FIRST, account_id=account_id, agent_id=agent_id, most=most)


def get(db: Reads, agent: Row, version_id: str) -> Row:
    """A version of the agent's prompt. Raises `PromptVersionNotFound`."""
    row = db.get(agent_prompts, agent["account_id"], agent["id"], version_id)
    if row is None:
        raise PromptVersionNotFound(f"this agent has no version {version_id[:64]} of its prompt")
    return row


def keep(
    tx: Tx, agent: Row, before: str | None, after: str | None, by: Author, *, taken_from: int | None = None
) -> Row | None:
    """Note that the agent's prompt was `before` and is `after`; answers the new version, None where nothing changed."""
    if before == after:
        return None
    newest = next(iter(newest_first(tx, agent["account_id"], agent["id"], most=1)), None)
    if newest is None and before is not None:
        newest = _add(tx, agent, 1, before, NOBODY, at=None)
    n = newest["n"] + 1 if newest else 1
    added = _add(tx, agent, n, after, by, at=tx.now, taken_from=taken_from)
    if n > MOST:
        _drop(tx, agent["account_id"], agent["id"], up_to=n - MOST)
    return added


def forget(tx: Tx, account_id: str, agent_id: str) -> None:
    """The agent is gone."""
    _drop(tx, account_id, agent_id, up_to=1 << 62)


def _add(
    tx: Tx,
    agent: Row,
    n: int,
    prompt: str | None,
    by: Author,
    *,
    at: int | None,
    taken_from: int | None = None,
) -> Row:
    return tx.insert(
        agent_prompts,
        account_id=agent["account_id"],
        agent_id=agent["id"],
        id=tx.new_id("pv"),
        n=n,
        prompt=prompt,
        set_at=at,
        door=by.door,
        key_name=by.key_name,
        taken_from=taken_from,
    )


def _drop(tx: Tx, account_id: str, agent_id: str, *, up_to: int) -> None:
    tx.execute(_TOO_MANY, [agent_prompts], of_account=account_id, of_agent=agent_id, up_to=up_to)
