"""One conversation: it decides whose turn it is. Everything that happens in a call comes in here, in one task's time.

The caller may always go on. A voice makes the agent pause, words make it stop; a backchannel ("mhm") or a noise lets it go
on where it paused. What the agent said counts as far as it was heard.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from ringback.speech.protocol import Heard, SpeechError
from ringback.voice.brains.base import Brain, BrainFailed, Part, Said, UserTurn
from ringback.voice.legs.base import FRAME_MS
from ringback.voice.talk.backchannel import Backchannel
from ringback.voice.talk.beep import BeepDetector
from ringback.voice.talk.book import Book, Tell
from ringback.voice.talk.callee import Callee
from ringback.voice.talk.ears import Utterance
from ringback.voice.talk.limits import Silence
from ringback.voice.talk.mouth import Mouth
from ringback.voice.talk.overlap import Overlap
from ringback.voice.talk.reply import AGAIN, CANNOT_GO_ON, NOT_CONNECTED, OPENING, SORRY, Reply
from ringback.voice.talk.settings import Manners
from ringback.voice.talk.timers import Timers
from ringback.voice.talk.turn import CallersTurn
from ringback.voice.talk.voicemail import VOICEMAIL, wait_for_beep

_log = structlog.get_logger("ringback.voice")
_KEYS_S = 1.5
"""How long the next key may take."""
_FAILURES = 3
"""Turns in a row that a brain may fail to answer."""


class Conversation:
    """`tell(type, fields)` gets turns and timelines; `finish(reason, side, detail)` is called once, when the conversation ends
    of itself; `transfer(to)` joins the caller with somebody and answers why not, or None."""

    def __init__(
        self,
        manners: Manners,
        mouth: Mouth,
        brain: Brain,
        *,
        tell: Tell,
        finish: Callable[[str, str | None, str | None], None],
        transfer: Callable[[str], Coroutine[Any, Any, str | None]],
        peek: "Callable[[], asyncio.Task[Heard]] | None" = None,
        history: Sequence[Said] = (),
        resumed: bool = False,
    ) -> None:
        self._manners, self._mouth, self._brain = manners, mouth, brain
        self._finish, self._transfer = finish, transfer
        self._overlap = Overlap(manners, mouth, peek)
        self._nods = Backchannel(mouth, on=manners.nods, language=manners.language)
        self._book = Book(tell, history)
        self._silence = Silence(manners.max_silence_ms)
        self._resumed = resumed
        self._reply: Reply | None = None
        self._turn = CallersTurn()
        self._unanswered: list[str] = []
        self._callee = (
            Callee(manners.introduction, manners.greeting) if manners.is_caller and not resumed else None
        )
        self._beeps = BeepDetector()
        self._voice = False
        self._failures = 0
        self._leaving = False
        self._over = False
        self._timers = Timers()
        self.ears_ms = 0  # added to a time of the ears it is one of the book

    def begin(self) -> None:
        """The call is answered: the agent says what it has to say first."""
        self._book.begin(self._manners.talked_ms)
        self._silence.broken()
        self._timers.start("silence", self._silence.wait(self._is_busy, self._end))
        left_s = max(0, self._manners.max_ms - self._manners.talked_ms) / 1000
        self._timers.after("limit", left_s, lambda: self._end("max_duration_reached", "ringback", None))
        opening = AGAIN if self._resumed else self._manners.opening
        if opening:
            reply = Reply(None, self._book.next_id() if self._resumed else OPENING)
            self._act(reply, self._say_all(reply, opening))

    def sound(self, pcm: bytes) -> None:
        """Twenty milliseconds of what the other end sends."""
        callee = self._callee
        if callee is None:
            return
        callee.voice_ms += FRAME_MS * self._voice
        if self._beeps.feed(pcm):
            callee.beep_ms = self._book.ms()
            # What is being said is judged when it is read.
            if not self._voice and callee.says(callee.said, callee.beep_ms):
                self._meet_machine()

    def voice_began(self, _: int = 0) -> None:
        """The caller makes a sound like a voice."""
        self._voice = True
        self._silence.voice(True)
        self._timers.stop("fallback")
        if self._reply is not None and not self._overlap.kept and not self._leaving:
            self._timers.start("pause", self._overlap.pause(self._heard_on))

    def voice_ended(self, utterance: Utterance) -> None:
        """The caller has fallen silent."""
        self._voice = False
        self._silence.voice(False)
        self._timers.stop("pause")
        self._timers.later(self._judge(utterance))

    def digit(self, digit: str) -> None:
        """The caller has pressed a key. Keys are a turn of their own, ended by `#` or a pause."""
        self._silence.broken()
        self._turn.keys += digit
        if self._reply is not None and not self._leaving:
            self._interrupt()
        if digit == "#":
            self._timers.stop("keys")
            self._end_turn()
        else:
            self._timers.after("keys", _KEYS_S, self._end_turn)

    async def say_goodbye(self, text: str) -> None:
        """Drop everything, say `text`, and return when it was heard."""
        self._over = True
        self._timers.stop_all()
        self._interrupt()
        self._mouth.resume()
        self._mouth.say(text)
        await self._mouth.wait_quiet()
        self._tell_heard(Reply(None, self._book.next_id(), started_ms=self._book.ms()))

    async def close(self) -> None:
        """The call is over: what was heard until now is told, and nothing more is done."""
        self._over = True
        self._interrupt()
        if self._turn:
            self._turn.put_down(self._book, self._book.next_id())
        self._timers.stop_all()
        await self._mouth.close()

    def speech_failed(self, error: SpeechError) -> None:
        """No sound can be made of what the agent says."""
        self._end("speech_error", "speech", error.message)

    # The caller's turn

    async def _judge(self, utterance: Utterance) -> None:
        """Read an utterance, and see what it is: the end of a turn, a part of one, an interruption, or nothing."""
        try:
            heard = await utterance.words
        except SpeechError as error:
            self._end("speech_error", "speech", error.message)
            return
        if self._over:
            return
        text = heard.text.strip()
        started_ms, ended_ms = utterance.started_ms + self.ears_ms, utterance.ended_ms + self.ears_ms
        if text:
            self._silence.broken()
        callee = self._callee
        if callee is not None:
            words = f"{self._turn.text} {text}"
            found_out = callee.is_machine or callee.says(words, self._book.ms())
            if text and (found_out or callee.picks_up(text, started_ms, self._reply)):
                self._turn.add(text, heard.confidence, started_ms, ended_ms)
                self._turn.put_down(self._book, self._book.next_id())
                text = ""
            if found_out:
                self._meet_machine()
                return
        if self._reply is not None and (self._leaving or not self._overlap.cuts(text)):
            if not self._voice:
                self._mouth.resume()
            return
        if text:
            if self._reply is not None and not self._overlap.kept:
                self._interrupt()
            self._turn.add(text, heard.confidence, started_ms, ended_ms)
        if not self._turn.words or self._voice or self._reply is not None:
            return
        if await utterance.complete:
            if not self._voice and self._reply is None:
                self._end_turn()
        else:
            self._nods.at_breath(self._turn.began_ms(self._book), self._book.ms())
            self._timers.start("fallback", utterance.breathed(self._end_turn))

    def _meet_machine(self) -> None:
        """A machine has answered: leave the message after its beep, and the call."""
        assert self._callee is not None
        if self._callee.is_machine or self._over:
            return
        self._callee.is_machine = self._leaving = True
        self._interrupt()
        self._timers.start("voicemail", self._leave_message(self._callee))

    async def _leave_message(self, callee: Callee) -> None:
        message = self._manners.voicemail_message
        if message:
            await wait_for_beep(callee, self._book, lambda: self._voice)
            self._reply = reply = Reply(None, VOICEMAIL)
            self._speak(reply, message)
            await self._spoken(reply)
        self._end("voicemail_reached", None, callee.sign)

    def _heard_on(self, cut: bool) -> None:
        """A voice goes on and on, and was read."""
        if self._reply is None or self._leaving:
            return
        if cut:
            self._interrupt()
        else:
            self._mouth.resume()

    def _end_turn(self) -> None:
        """The caller is done: the agent has the word."""
        if self._over or self._leaving or self._reply is not None or not self._turn:
            return
        self._timers.stop("fallback")
        turn_id, digits, confidence = self._book.next_id(), self._turn.keys, self._turn.confidence
        speech_end, before = self._turn.end_ms(self._book), tuple(self._book.history)
        text = self._turn.put_down(self._book, turn_id)
        self._unanswered.append(text)
        turn = UserTurn(turn_id, " ".join(self._unanswered), confidence, digits, before)
        reply = Reply(turn, turn_id, {"speech_end": speech_end, "transcript": self._book.ms()})
        known = self._callee.answer(text) if self._callee is not None and not digits else None
        self._act(reply, self._answer(reply, turn) if known is None else self._say_all(reply, known))

    # The agent's turn

    def _act(self, reply: Reply, work: Coroutine[Any, Any, None]) -> None:
        self._mouth.resume()
        self._reply = reply
        reply.task = asyncio.create_task(self._guarded(reply, work))

    async def _guarded(self, reply: Reply, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except BrainFailed as failed:
            await self._brain_failed(reply, failed)
        except Exception as error:
            _log.exception("a conversation failed")
            self._end("worker_lost", "ringback", f"{type(error).__name__} in the conversation")
        finally:
            if self._reply is reply:
                self._reply = None
        if self._turn.words and not self._voice:
            self._end_turn()

    async def _say_all(self, reply: Reply, text: str) -> None:
        self._speak(reply, text)
        await self._spoken(reply)
        if self._manners.ends_after_greeting is not None:
            self._end(self._manners.ends_after_greeting, None, "nothing is set that could answer")

    async def _answer(self, reply: Reply, turn: UserTurn) -> None:
        last = Part()
        async with contextlib.aclosing(self._brain.answer(turn)) as parts:
            async for part in parts:
                reply.times.setdefault("brain_first", self._book.ms())
                if part.text:
                    self._speak(reply, part.text)
                if part.waits:
                    await self._mouth.wait_quiet()
                if part.hangup or part.transfer is not None:
                    last = part
                    break
        self._failures = 0
        await self._spoken(reply)
        if self._callee is not None:
            self._callee.replied()
        if last.transfer is not None:
            await self._hand_over(reply, last.transfer or self._manners.transfer_number)
        elif last.hangup:
            self._end("agent_hangup", "agent", None)

    def _speak(self, reply: Reply, text: str) -> None:
        for sentence in reply.add(text):
            self._mouth.say(sentence)

    async def _spoken(self, reply: Reply) -> None:
        """Wait until all was spoken, and put it down."""
        await self._mouth.wait_quiet()
        self._tell_heard(reply)
        self._unanswered.clear()

    async def _hand_over(self, reply: Reply, to: str | None) -> None:
        self._leaving = True
        why = "this agent has no transferNumber" if to is None else await self._transfer(to)
        self._leaving = False
        if why is None:
            self._end("call_transfer", "agent", None)
            return
        failed = Reply(None, f"{reply.turn_id}_transfer")
        self._reply = failed
        failed.task = asyncio.current_task()
        self._speak(failed, NOT_CONNECTED)
        await self._spoken(failed)
        self._reply = None

    async def _brain_failed(self, reply: Reply, failed: BrainFailed) -> None:
        self._failures += 1
        hopeless = failed.lasting or self._failures >= _FAILURES
        if self._manners.apologize:
            self._speak(reply, CANNOT_GO_ON if hopeless else SORRY)
        await self._spoken(reply)
        if hopeless:
            self._end(failed.reason, failed.side, failed.message)

    def may_begin(self, *, noticing: bool) -> bool:
        """Whether what the agent says may be heard yet, with a caller of whom `noticing` tells whether a sound comes."""
        return self._reply is None or self._reply.may_begin(self._book.ms(), noticing=noticing)

    def first_sound(self) -> None:
        """The first sound of a reply goes out."""
        reply = self._reply
        if reply is not None and reply.started_ms is None:
            reply.started_ms = reply.times["audio_first"] = self._book.ms()

    def _interrupt(self) -> None:
        """Take the word from the agent: what was heard is put down, what was not is forgotten, the brain let go."""
        reply, self._reply = self._reply, None
        if reply is None:
            return
        if reply.task is not None and reply.task is not asyncio.current_task():
            reply.task.cancel()
        reply.times["interrupted"] = self._book.ms()
        if self._tell_heard(reply, self._mouth.cut()):
            self._unanswered.clear()

    def _tell_heard(self, reply: Reply, heard: str | None = None) -> bool:
        """Put down what was heard of a reply, and its timeline; whether anything was."""
        if heard is None:
            heard = self._mouth.take_heard()
        self._silence.broken()
        reply.put_down(self._book, heard)
        return bool(heard)

    def _is_busy(self) -> bool:
        return self._mouth.speaking or self._reply is not None

    def _end(self, reason: str, side: str | None = None, detail: str | None = None) -> None:
        if not self._over:
            self._over = True
            self._finish(reason, side, detail)
