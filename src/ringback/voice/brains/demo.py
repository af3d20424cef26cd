"""The demo brain: a few rules that stand in where no language model is configured. It is no language model, and says so."""

import re
from collections.abc import AsyncGenerator

from ringback.voice.brains.base import Part, UserTurn

LABEL = "demo brain, not a language model"
_BYE = re.compile(r"\b(good ?bye|bye|hang up|that is all|that's all)\b", re.IGNORECASE)
_TRANSFER = re.compile(r"\b(transfer|human|real person|somebody|operator|representative)\b", re.IGNORECASE)
_MESSAGE = re.compile(r"\b(message|note|tell (him|her|them))\b", re.IGNORECASE)
_HELLO = re.compile(r"\b(hello|hi|hey|good (morning|afternoon|evening))\b", re.IGNORECASE)
_NAME = re.compile(r"\bmy name is ([A-Za-z]+)", re.IGNORECASE)


class DemoBrain:
    """Greets, repeats, takes a message, transfers and hangs up. `can_transfer`: the agent has somebody to transfer to."""

    ending = "llm_error"

    def __init__(self, *, can_transfer: bool) -> None:
        self._can_transfer = can_transfer
        self._taking = False
        self._name = ""

    async def answer(self, turn: UserTurn) -> AsyncGenerator[Part, None]:
        """As `Brain.answer`."""
        yield self._reply(turn)

    def _reply(self, turn: UserTurn) -> Part:
        text = turn.text.strip()
        if found := _NAME.search(text):
            self._name = found[1].capitalize()
        if _BYE.search(text):
            return Part(f"Thank you for calling{self._named()}. Goodbye.", hangup=True)
        if self._taking:
            self._taking = False
            return Part(f"I have your message{self._named()}: {_ended(text)} Is there anything else?")
        if _TRANSFER.search(text):
            if self._can_transfer:
                return Part("One moment, I will connect you.", transfer="")
            return Part("I am sorry, there is nobody I could connect you to. I can take a message.")
        if _MESSAGE.search(text):
            self._taking = True
            return Part("Sure. What should I write down?")
        if _HELLO.search(text) and not turn.before[1:]:
            return Part(
                f"Hello{self._named()}! This is a demo without a language model. What can I do for you?"
            )
        return Part(f"You said: {_ended(text)}")

    def _named(self) -> str:
        return f", {self._name}" if self._name else ""


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
