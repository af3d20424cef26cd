"""A language model as a brain: the agent's prompt, what was said and heard, and tools."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from ringback.kit import machine
from ringback.llm.protocol import ChatModel, Message, ModelFailed, ToolCall
from ringback.voice.brains.base import BrainFailed, Part, UserTurn
from ringback.voice.brains.pieces import Pieces
from ringback.voice.brains.tools import TRANSFER, Toolbox, arguments_of

_log = structlog.get_logger("ringback.voice")
_ROUNDS = 8
"""How often in one turn the model may ask for tools before it answers."""
_MOST_CALLS = 8
"""Tools that it may ask for at once."""
_UNDER_WAY = json.dumps({"status": "still under way; don't ask for it again"})
_GOES_ON = {TRANSFER: "the caller is being connected"}
_MANNER = """You are speaking on the phone. What you write is read aloud as it comes: speak in plain, short sentences, \
without lists, markup or emoji. What the other party says was recognised from sound and may be misheard. \
Your own words in this chat are what they heard of them: you may have been interrupted. \
{direction}. The call began on {begun} UTC."""


@dataclass(slots=True)
class _Deed:
    """A tool that was asked for. It goes on when the caller interrupts: what is under way can't be taken back."""

    call: ToolCall
    result: str | None = None
    task: "asyncio.Task[str] | None" = None

    def told(self) -> str:
        return self.result if self.result is not None else _UNDER_WAY


class HostedBrain:
    """Answers with `model`. `prompt` is the agent's, with its variables filled in; `direction` says who called whom."""

    ending = "llm_error"

    def __init__(
        self, prompt: str, model: ChatModel, tools: Toolbox, *, direction: str, call_id: str = ""
    ) -> None:
        begun = datetime.fromtimestamp(machine.current.time_ns() / 1e9, UTC)
        manner = _MANNER.format(direction=direction, begun=begun.strftime("%A, %d %B %Y, %H:%M"))
        self._system = f"{prompt}\n\n{manner}" if prompt else manner
        self._model, self._tools, self._call_id = model, tools, call_id
        self._deeds: dict[str, list[_Deed]] = {}

    async def answer(self, turn: UserTurn) -> AsyncGenerator[Part, None]:
        """As `Brain.answer`. Tools that were begun are finished, whether or not somebody still waits."""
        messages = self._messages(turn)
        for _ in range(_ROUNDS):
            pieces, calls = Pieces(), list[ToolCall]()
            try:
                async with aclosing(self._model.answer(messages, self._tools.offered)) as events:
                    async for event in events:
                        if isinstance(event, ToolCall):
                            calls.append(event)
                            continue
                        for text in pieces.feed(event):
                            yield Part(text)
            except ModelFailed as failed:
                _log.warning(
                    "a language model failed", call=self._call_id, reason=failed.message, told=failed.detail
                )
                raise BrainFailed(self.ending, failed.message, lasting=failed.lasting) from None
            if rest := pieces.rest():
                yield Part(rest)
            calls = calls[:_MOST_CALLS]
            if not calls:
                if not pieces.all.strip() and not self._deeds.get(turn.turn_id):
                    raise BrainFailed(self.ending, "the model answered nothing")
                return
            deeds = [_Deed(call) for call in calls]
            self._deeds.setdefault(turn.turn_id, []).extend(deeds)
            async with aclosing(self._do(deeds, silent=not pieces.all.strip())) as parts:
                async for part in parts:
                    yield part
            if any(self._tools.ends(deed.call) for deed in deeds):
                return
            messages += _asked(deeds, pieces.all or None)
        raise BrainFailed(self.ending, f"the model asked for tools {_ROUNDS} times without an answer")

    async def _do(self, deeds: Sequence[_Deed], *, silent: bool) -> AsyncGenerator[Part, None]:
        """Run tools side by side; `silent` when the model has said nothing before it asked for them."""
        last: _Deed | None = None
        for deed in deeds:
            if self._tools.ends(deed.call):
                last = last or deed
                deed.result = json.dumps({"status": _GOES_ON.get(deed.call.name, "done")})
                continue
            if silent and (text := self._tools.spoken(deed.call)):
                silent = False
                yield Part(text)
            if self._tools.presses(deed.call):
                yield Part(waits=True)
            deed.task = asyncio.create_task(self._run(deed))
        for deed in deeds:
            if deed.task is not None:
                await asyncio.shield(deed.task)
        if last is not None:
            say = (arguments_of(last.call) or {}).get("say")
            text = say if silent and isinstance(say, str) else ""
            transfer = "" if last.call.name == TRANSFER else None
            yield Part(text, hangup=transfer is None, transfer=transfer)

    async def _run(self, deed: _Deed) -> str:
        try:
            deed.result = await self._tools.run(deed.call)
        except Exception as error:
            _log.exception("a tool failed", call=self._call_id, tool=deed.call.name)
            deed.result = json.dumps({"error": f"{type(error).__name__} in the tool"})
        return deed.result

    # What the model is told

    def _messages(self, turn: UserTurn) -> list[Message]:
        """The chat: all that was said and heard, and what was done, each at its turn."""
        told: list[Message] = [{"role": "system", "content": self._system}]
        rest = turn.text
        for place, said in enumerate(turn.before):
            if said.role == "agent":
                told.append({"role": "assistant", "content": said.text})
                continue
            told.append({"role": "user", "content": said.text})
            told += _asked(self._deeds.get(said.turn_id, ()), None)
            if all(one.role == "user" for one in turn.before[place:]):
                # What was said before and not answered is a part of this turn as well.
                rest = rest.removeprefix(said.text).lstrip()
        if turn.digits and rest.endswith(turn.digits):
            rest = f"{rest.removesuffix(turn.digits)}(pressed the keys {turn.digits})"
        told.append({"role": "user", "content": rest or turn.text})
        return told


def _asked(deeds: Sequence[_Deed], text: str | None) -> list[Message]:
    """The messages of tools that the model asked for, after saying `text`."""
    if not deeds:
        return []
    calls: list[dict[str, Any]] = [
        {
            "id": deed.call.id,
            "type": "function",
            # What is no JSON would be refused by some endpoints.
            "function": {
                "name": deed.call.name,
                "arguments": json.dumps(arguments_of(deed.call) or {}, ensure_ascii=False),
            },
        }
        for deed in deeds
    ]
    results = [{"role": "tool", "tool_call_id": deed.call.id, "content": deed.told()} for deed in deeds]
    return [{"role": "assistant", "content": text, "tool_calls": calls}, *results]
