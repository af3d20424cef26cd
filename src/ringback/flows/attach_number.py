"""Attaching numbers to agents. A number belongs to one agent; attaching it elsewhere moves it."""

from ringback.agents import service as agents
from ringback.agents.errors import NumberNotAttached
from ringback.calls import store as calls
from ringback.conversations import service as conversations
from ringback.events.log import record
from ringback.numbers import service as numbers
from ringback.numbers import store as number_store
from ringback.storage.schema import numbers as numbers_table
from ringback.storage.tx import Row, Tx
from ringback.webhooks import service as webhooks


def attach(tx: Tx, account_id: str, agent_id: str, number_id: str) -> Row:
    """Give the number to the agent; answers the number. Raises when either is not there or the number was released."""
    agent = agents.get(tx, account_id, agent_id)
    number = numbers.get_active(tx, account_id, number_id)
    if number["agent_id"] == agent_id:
        return number
    before = number["agent_id"]
    number = tx.update(numbers_table, number, agent_id=agent_id, attached_at=tx.now)
    if before is not None:
        settle_default(tx, account_id, before)
        record(tx, account_id, "number.detached", numberId=number_id, agentId=before)
    if agent["default_number_id"] is None:
        agents.set_default_number(tx, agent, number_id)
    record(tx, account_id, "number.attached", numberId=number_id, agentId=agent_id)
    return number


def detach(tx: Tx, account_id: str, agent_id: str, number_id: str) -> None:
    """Take the number from the agent. Raises `NumberNotAttached` when it is not the agent's."""
    agents.get(tx, account_id, agent_id)
    number = numbers.get(tx, account_id, number_id)
    if number["agent_id"] != agent_id:
        raise NumberNotAttached(f"{number['e164']} is not attached to this agent")
    tx.update(numbers_table, number, agent_id=None, attached_at=None)
    settle_default(tx, account_id, agent_id)
    record(tx, account_id, "number.detached", numberId=number_id, agentId=agent_id)


def settle_default(tx: Tx, account_id: str, agent_id: str) -> None:
    """Let the agent send from the first of the numbers that it has now."""
    agent = agents.get(tx, account_id, agent_id)
    rows = number_store.of_agent(tx, account_id, agent_id)
    agents.set_default_number(tx, agent, rows[0]["id"] if rows else None)


def delete_agent(tx: Tx, account_id: str, agent_id: str) -> Row:
    """Delete an agent and its webhook; numbers, conversations and calls stay, without agent. Answers the agent."""
    agent = agents.delete(tx, account_id, agent_id)
    for number in number_store.of_agent(tx, account_id, agent_id):
        tx.update(numbers_table, number, agent_id=None, attached_at=None)
        record(tx, account_id, "number.detached", numberId=number["id"], agentId=agent_id)
    conversations.clear_agent(tx, account_id, agent_id)
    calls.clear_agent(tx, account_id, agent_id)
    webhooks.forget_agent(tx, account_id, agent_id)
    record(tx, account_id, "agent.deleted", agentId=agent_id)
    return agent
