"""Changing an agent, and what its numbers have to do with that."""

from ringback.agents import service as agents
from ringback.agents.prompts import Author
from ringback.agents.schemas import UpdateAgent
from ringback.events.log import record
from ringback.kit.faults import Invalid
from ringback.numbers import store as numbers
from ringback.storage.tx import Reads, Row, Tx


def change_agent(tx: Tx, account_id: str, agent_id: str, asked: UpdateAgent, by: Author) -> Row:
    """Set what is given, as `by` asks; answers the agent. Raises `AgentNotFound` and `Invalid`."""
    row = agents.update(tx, account_id, agent_id, asked, by)
    to = agents.transfer_number_of(row)
    if asked.transfer_number and to and is_own_number(tx, row, to):
        raise Invalid(
            "is a number of this agent's own: a call that is transferred there comes back to it; give somebody else's",
            field="transferNumber",
        )
    record(tx, account_id, "agent.updated", agentId=agent_id)
    return row


def is_own_number(db: Reads, agent: Row, e164: str) -> bool:
    """Whether the agent answers this number itself."""
    return any(row["e164"] == e164 for row in numbers.of_agent(db, agent["account_id"], agent["id"]))
