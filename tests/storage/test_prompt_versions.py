"""Versions of agents' prompts, on both kinds of store."""

import json

import pytest

from ringback.agents import prompts, service
from ringback.agents.errors import AgentNotFound, PromptVersionNotFound
from ringback.agents.prompts import MOST, Author
from ringback.agents.schemas import CreateAgent, UpdateAgent
from ringback.kit.faults import Invalid
from ringback.storage import schema
from ringback.storage.tx import Row, Tx
from tests.storage.world import World

pytestmark = pytest.mark.unit

ANN = Author("api", "Ann's")


async def add(world: World, prompt: str | None, account: str = "", *, mode: str = "webhook") -> Row:
    asked = CreateAgent.model_validate({"name": "Desk", "systemPrompt": prompt, "voiceMode": mode})
    where = account or world.account
    return await world.store.write(lambda tx: service.create(tx, where, asked, ANN), account=where)


async def change(world: World, agent: Row, **settings: object) -> Row:
    asked = UpdateAgent.model_validate(settings)
    return await world.store.write(
        lambda tx: service.update(tx, world.account, agent["id"], asked, Author("console")),
        account=world.account,
    )


async def take_back(world: World, agent: Row, version: Row, account: str = "") -> tuple[Row, bool]:
    where = account or world.account
    return await world.store.write(
        lambda tx: service.take_back(tx, where, agent["id"], version["id"], Author("mcp")), account=where
    )


async def versions(world: World, agent: Row) -> list[Row]:
    return await world.store.read(lambda db: prompts.newest_first(db, agent["account_id"], agent["id"]))


def prompt_of(agent: Row) -> str | None:
    found: str | None = json.loads(agent["settings"])["system_prompt"]
    return found


async def test_each_change_is_a_version_and_nothing_else_is(world: World) -> None:
    agent = await add(world, "one")
    await change(world, agent, name="Night desk")
    await change(world, agent, systemPrompt="one")
    await change(world, agent, systemPrompt="two")
    await change(world, agent, systemPrompt=None)
    found = await versions(world, agent)
    assert [(row["n"], row["prompt"], row["door"], row["key_name"]) for row in found] == [
        (3, None, "console", None),
        (2, "two", "console", None),
        (1, "one", "api", "Ann's"),
    ]
    assert {row["set_at"] for row in found} == {world.clock.now_ms()}


async def test_an_earlier_one_is_taken_back_and_nothing_is_lost(world: World) -> None:
    agent = await add(world, "one")
    await change(world, agent, systemPrompt="two", beginMessage="Hello")
    [two, one] = await versions(world, agent)
    made, is_new = await take_back(world, agent, one)
    assert (is_new, made["n"], made["prompt"], made["taken_from"], made["door"]) == (True, 3, "one", 1, "mcp")
    [row] = await world.rows(schema.agents, id=agent["id"])
    assert (prompt_of(row), json.loads(row["settings"])["begin_message"]) == ("one", "Hello")
    assert await take_back(world, agent, one) == (made, False)
    assert [row["n"] for row in await versions(world, agent)] == [3, 2, 1]
    assert (await take_back(world, agent, two))[0]["prompt"] == "two"


async def test_the_newest_fifty_are_kept(world: World) -> None:
    agent = await add(world, "0")
    other = await add(world, "other")
    for n in range(1, MOST + 3):
        await change(world, agent, systemPrompt=f"{n}")
    found = await versions(world, agent)
    assert [row["prompt"] for row in found] == [f"{n}" for n in range(MOST + 2, 2, -1)]
    assert len(await world.rows(schema.agent_prompts, agent_id=agent["id"])) == MOST
    assert [row["prompt"] for row in await versions(world, other)] == ["other"]


async def test_what_was_there_before_versions_were_kept_is_the_first(world: World) -> None:
    agent = await add(world, "old")

    def forget(tx: Tx) -> None:
        prompts.forget(tx, world.account, agent["id"])

    await world.store.write(forget, account=world.account)
    assert await versions(world, agent) == []
    await change(world, agent, systemPrompt="new")
    found = await versions(world, agent)
    assert [(row["n"], row["prompt"], row["set_at"], row["door"]) for row in found] == [
        (2, "new", world.clock.now_ms(), "console"),
        (1, "old", None, None),
    ]


async def test_a_hosted_agent_takes_none_without_a_prompt(world: World) -> None:
    agent = await add(world, "one")
    await change(world, agent, systemPrompt=None)
    await change(world, agent, systemPrompt="two", voiceMode="hosted")
    [_, nothing, _] = await versions(world, agent)
    with pytest.raises(Invalid, match="needs a prompt"):
        await take_back(world, agent, nothing)
    assert len(await versions(world, agent)) == 3


async def test_they_go_with_their_agent_and_are_nobody_elses(world: World) -> None:
    agent = await add(world, "one")
    [version] = await versions(world, agent)
    other, _ = await world.add_account("second", first=10)
    theirs = await add(world, "theirs", other)
    [their_version] = await versions(world, theirs)
    with pytest.raises(AgentNotFound):
        await take_back(world, agent, version, other)
    with pytest.raises(PromptVersionNotFound):
        await take_back(world, agent, their_version)
    await world.store.write(lambda tx: service.delete(tx, world.account, agent["id"]), account=world.account)
    assert [row["prompt"] for row in await world.rows(schema.agent_prompts)] == ["theirs"]
