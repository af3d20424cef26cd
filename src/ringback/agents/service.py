"""The rules of agents."""

import json
from typing import Any

from sqlalchemy import bindparam, func, select

from ringback.agents import prompts
from ringback.agents.errors import AgentNotFound
from ringback.agents.prompts import NOBODY, Author
from ringback.agents.schemas import AgentExtras, AgentSettings, CreateAgent, UpdateAgent
from ringback.kit import phone
from ringback.kit.blocked import blocked_reason
from ringback.kit.faults import Invalid
from ringback.kit.wire import check_json
from ringback.storage.schema import agents
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

DEFAULT_VOICE = "default"
_PAGE = Statement(
    select(agents)
    .where(agents.c.account_id == bindparam("account_id"))
    .order_by(agents.c.created_at.desc(), agents.c.id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_COUNT = Statement(
    select(func.count().label("n")).select_from(agents).where(agents.c.account_id == bindparam("account_id"))
)
_NAMES = Statement(select(agents.c.id, agents.c.name).where(agents.c.account_id == bindparam("account_id")))
_CLEARED_BY_EMPTY = ("transfer_number", "voicemail_message")


def get(db: Reads, account_id: str, agent_id: str) -> Row:
    """An agent of this account. Raises `AgentNotFound`."""
    row = db.get(agents, account_id, agent_id)
    if row is None:
        raise AgentNotFound(f"there is no agent {agent_id[:64]}")
    return row


def page(db: Reads, account_id: str, *, limit: int, offset: int) -> list[Row]:
    return db.all(_PAGE, account_id=account_id, limit=limit, offset=offset)


def count(db: Reads, account_id: str) -> int:
    row = db.one(_COUNT, account_id=account_id)
    return int(row["n"]) if row else 0


def names(db: Reads, account_id: str) -> dict[str, str]:
    """The names of all agents, by their ids."""
    return {row["id"]: row["name"] for row in db.all(_NAMES, account_id=account_id)}


def create(tx: Tx, account_id: str, asked: CreateAgent, by: Author = NOBODY) -> Row:
    """Raises `Invalid` for a hosted agent without a prompt and for a transfer number that can't exist."""
    settings = _settled(asked.model_dump(exclude={"name", "ringback"})) | _extras(asked.ringback)
    agent = tx.insert(
        agents,
        account_id=account_id,
        id=tx.new_id("agt"),
        name=asked.name,
        settings=json.dumps(settings),
        created_at=tx.now,
    )
    prompts.keep(tx, agent, None, settings["system_prompt"], by)
    return agent


def update(tx: Tx, account_id: str, agent_id: str, asked: UpdateAgent, by: Author = NOBODY) -> Row:
    """Raises `Invalid` as `create`."""
    row = get(tx, account_id, agent_id)
    given = asked.model_dump(exclude_unset=True, exclude={"ringback"}) | _extras(asked.ringback)
    name = given.pop("name", None) or row["name"]
    before = json.loads(row["settings"])
    settings = _settled({**before, **given})
    agent = tx.update(agents, row, name=name, settings=json.dumps(settings))
    prompts.keep(tx, agent, before["system_prompt"], settings["system_prompt"], by)
    return agent


def take_back(tx: Tx, account_id: str, agent_id: str, version_id: str, by: Author) -> tuple[Row, bool]:
    """Let the agent have an earlier prompt: that makes a new version. Answers the newest, and whether it is new.

    Raises `PromptVersionNotFound`, and `Invalid` where a hosted agent had no prompt then.
    """
    row = get(tx, account_id, agent_id)
    version = prompts.get(tx, row, version_id)
    before = json.loads(row["settings"])
    settings = _settled({**before, "system_prompt": version["prompt"]})
    agent = tx.update(agents, row, settings=json.dumps(settings))
    made = prompts.keep(
        tx, agent, before["system_prompt"], settings["system_prompt"], by, taken_from=version["n"]
    )
    if made is None:
        [newest] = prompts.newest_first(tx, account_id, agent_id, most=1)
        return newest, False
    return made, True


def transfer_number_of(row: Row) -> str | None:
    """Whom its calls are handed to, in E.164."""
    found: str | None = json.loads(row["settings"])["transfer_number"]
    return found


def delete(tx: Tx, account_id: str, agent_id: str) -> Row:
    row = get(tx, account_id, agent_id)
    prompts.forget(tx, account_id, agent_id)
    tx.delete(agents, account_id, agent_id)
    return row


def set_default_number(tx: Tx, agent: Row, number_id: str | None) -> None:
    """The number that the agent sends from when none is named: the first attached."""
    tx.update(agents, agent, default_number_id=number_id)


def _extras(given: AgentExtras | None) -> dict[str, Any]:
    """What of ours is given; an empty notice is none."""
    if given is None:
        return {}
    return {name: value or None for name, value in given.model_dump(exclude_unset=True).items()}


def _settled(settings: dict[str, Any]) -> dict[str, Any]:
    defaults = AgentSettings.model_fields
    for name, value in settings.items():
        if value is None and name in defaults:
            settings[name] = defaults[name].get_default()
    for name in _CLEARED_BY_EMPTY:
        settings[name] = settings[name] or None
    settings["voice"] = settings["voice"] or DEFAULT_VOICE
    if settings["transfer_number"] is not None:
        settings["transfer_number"] = _transfer_number(settings["transfer_number"])
    if settings["voice_mode"] == "hosted" and not (settings["system_prompt"] or "").strip():
        raise Invalid("a hosted agent needs a prompt", field="systemPrompt")
    _check_tools(settings["custom_tools"] or [])
    return settings


def _transfer_number(typed: str) -> str:
    blocked = blocked_reason(typed)
    if blocked is not None:
        raise Invalid(f"this number is never dialled: it {blocked}", field="transferNumber")
    try:
        return phone.normalise(typed)
    except phone.InvalidNumber as error:
        raise Invalid(
            f"no number that a call can be transferred to: {error}", field="transferNumber"
        ) from None


def _check_tools(tools: list[dict[str, Any]]) -> None:
    for index, tool in enumerate(tools):
        try:
            check_json(tool)
        except ValueError as error:
            raise Invalid(str(error), field=f"customTools.{index}") from None
