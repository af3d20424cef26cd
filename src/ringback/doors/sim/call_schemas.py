"""Wire types of handsets' calls."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from ringback.kit.links import absolute
from ringback.kit.times import to_iso
from ringback.kit.wire import ABSENT, WHOLE, CamelWire, IsoTime, text_up_to
from ringback.sim.calls import HandsetCall

MOST_STEPS = 200
MOST_SAID = 2_000
LONGEST_MS = 600_000
CallStatus = Literal["dialing", "ringing", "in-progress", "completed", "failed"]
CallFilter = CallStatus | Literal["living"]
"""What a list is asked for: `living` are all that are not over."""
Ms = Annotated[int, Field(ge=0, le=LONGEST_MS), WHOLE]
Keys = Annotated[str, Field(pattern=r"^[0-9*#A-D]{1,100}$")]
_KINDS = ("say", "pause_ms", "dtmf", "wait_for_silence_ms", "hangup")


class ScriptStep(CamelWire):
    """One thing that a handset does in a call: exactly one of `say`, `pauseMs`, `dtmf`, `waitForSilenceMs`, `hangup`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [{"required": [to_camel(name)]} for name in _KINDS],
            "dependentRequired": {"interruptAfterMs": ["say"]},
        },
    )

    say: text_up_to(MOST_SAID, at_least=1) = ABSENT  # type: ignore[valid-type]
    interrupt_after_ms: Ms = ABSENT
    pause_ms: Ms = ABSENT
    dtmf: Keys = ABSENT
    wait_for_silence_ms: Ms = ABSENT
    hangup: Literal[True] = ABSENT

    @model_validator(mode="after")
    def _one(self) -> "ScriptStep":
        given = [name for name in _KINDS if getattr(self, name) is not None]
        if len(given) != 1 or (self.interrupt_after_ms is not None and given != ["say"]):
            raise ValueError(
                'expected one of {"say": "words"}, {"pauseMs": 500}, {"dtmf": "1"}, {"waitForSilenceMs": 700},'
                ' {"interruptAfterMs": 800, "say": "words"}, {"hangup": true}'
            )
        return self


def steps_of(script: list[ScriptStep]) -> list[dict[str, Any]]:
    """The steps as the network takes them."""
    return [step.model_dump(by_alias=True, exclude_none=True) for step in script]


Script = Annotated[list[ScriptStep], Field(max_length=MOST_STEPS)]


class HandsetCallPlace(CamelWire):
    """A call that a handset makes; `to` in any spelling, `script` what it does once it is answered, unless a person does."""

    to: str
    script: Script = Field(default=[])
    record: bool = True
    live: bool = False

    @model_validator(mode="after")
    def _one(self) -> "HandsetCallPlace":
        if self.live and self.script:
            raise ValueError("expected a script or live, which lets a person speak, and not both")
        return self


class HandsetCallAnswer(CamelWire):
    """What a handset that is answered by hand does then; without a script it listens."""

    script: Script = Field(default=[])


class HandsetCallKeys(CamelWire):
    """Keys to press, one after another."""

    digits: Keys


class HandsetCallToken(CamelWire):
    """What lets a page hold the handset of a call: once, within 30 seconds."""

    call_id: str
    access_token: str


class HandsetWordsOut(CamelWire):
    """What one side said, in ms since the answer as the handset counts them."""

    who: Literal["handset", "other"]
    text: str
    start_ms: int
    end_ms: int
    confidence: float | None


class HandsetCallOut(CamelWire):
    """A call as its handset saw, spoke and heard it."""

    id: str
    handset_id: str
    direction: Literal["in", "out"]
    from_: Annotated[str, Field(alias="from")]
    to: str
    status: CallStatus
    reason: str | None
    record: bool
    started_at: IsoTime
    answered_at: IsoTime | None
    ended_at: IsoTime | None
    duration_ms: int | None
    words: list[HandsetWordsOut]
    digits: str
    trouble: str | None
    live: bool
    audio_url: str | None

    @staticmethod
    def of(call: HandsetCall, base: str) -> "HandsetCallOut":
        words = [
            HandsetWordsOut(
                who=word.who,  # type: ignore[arg-type]
                text=word.text,
                start_ms=word.start_ms,
                end_ms=word.end_ms,
                confidence=word.confidence,
            )
            for word in call.words
        ]
        audio = absolute(base, [f"/sim/v1/calls/{call.id}/audio"])[0] if call.has_audio else None
        return HandsetCallOut.model_validate(
            {
                "id": call.id,
                "handset_id": call.handset_id,
                "direction": call.direction,
                "from": call.sender,
                "to": call.recipient,
                "status": call.status,
                "reason": call.reason,
                "record": call.record,
                "started_at": to_iso(call.started_ms),
                "answered_at": _time(call.answered_ms),
                "ended_at": _time(call.ended_ms),
                "duration_ms": call.duration_ms,
                "words": words,
                "digits": call.digits,
                "trouble": call.trouble,
                "live": call.live,
                "audio_url": audio,
            }
        )


class HandsetCallPage(CamelWire):
    """Calls of a handset, newest first."""

    data: list[HandsetCallOut]
    has_more: bool
    total: int


def _time(at_ms: int | None) -> str | None:
    return to_iso(at_ms) if at_ms is not None else None
