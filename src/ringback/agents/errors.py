"""What can be wrong with an agent."""

from ringback.kit.faults import Fault, NotFound


class AgentNotFound(NotFound):
    """There is no such agent, or it is not yours."""

    code = "AGENT_NOT_FOUND"


class PromptVersionNotFound(NotFound):
    """The agent has no such version of its prompt: it never had, or it is kept no longer."""

    code = "PROMPT_VERSION_NOT_FOUND"


class NumberNotAttached(NotFound):
    """The number is not attached to this agent."""

    code = "PHONE_NUMBER_NOT_FOUND"


class AgentHasNoNumber(Fault):
    """The agent has no number to send from."""

    code = "AGENT_HAS_NO_NUMBER"
