"""Calls on the wire (contract: Call, CallSummary, CallTranscript, WebCall; and ours)."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ringback.calls.endings import Side, Status
from ringback.kit.times import to_iso
from ringback.kit.wire import ABSENT, WHOLE, CamelWire, IsoTime, Text, text_up_to
from ringback.storage.tx import Row

Direction = Literal["inbound", "outbound", "web"]
Role = Literal["user", "agent"]
if TYPE_CHECKING:
    Prompt = str
    Line = str
else:
    Prompt = text_up_to(100_000)
    Line = text_up_to(4_000)


class CallExtras(CamelWire):
    """What is ours: whether this call is recorded, whatever the setting says."""

    record: bool | None = None


class CreateCall(CamelWire):
    agent_id: Text
    to_number: Text
    from_number_id: Text | None = None
    initial_greeting: Line | None = None
    voice: Text | None = None
    system_prompt: Prompt | None = None
    model_tier: Literal["turbo", "balanced", "max"] = ABSENT
    variables: dict[Text, Text | None] | None = None
    call_screening_identity: Line | None = None
    call_screening_purpose: Line | None = None
    disable_recording: bool | None = None
    wait_for_completion: bool | None = False
    max_wait_seconds: Annotated[int, Field(ge=1, le=600), WHOLE] | None = 300
    ringback: CallExtras | None = None

    def record(self) -> bool | None:
        """Whether it is to be recorded; None leaves it to the setting."""
        if self.disable_recording:
            return False
        return self.ringback.record if self.ringback else None


class CreateWebCall(CamelWire):
    agent_id: Text
    metadata: dict[str, Any] | None = None
    variables: dict[Text, Text | None] | None = None


class EndCall(CamelWire):
    """Nothing is taken."""


class CallTranscriptEntry(CamelWire):
    id: str
    transcript: str
    response: str | None
    confidence: float | None
    created_at: IsoTime


def entries_of(turns: Iterable[Row]) -> list[CallTranscriptEntry]:
    """What was said, in pairs: what the caller said, and what the agent answered to it.

    What the agent says of itself, such as a greeting, is an entry without `transcript`.
    """
    found: list[CallTranscriptEntry] = []
    last_turn = None
    for turn in turns:
        same, last_turn = turn["turn_id"] == last_turn, turn["turn_id"]
        last = found[-1] if found else None
        if turn["role"] == "agent" and last is not None and (last.response is None or same):
            last.response = _joined(last.response, turn["text"])
        elif turn["role"] == "user" and last is not None and same and last.response is None:
            last.transcript = _joined(last.transcript, turn["text"])
        else:
            found.append(_entry(turn))
    return found


def _joined(before: str | None, text: str) -> str:
    return text if not before else f"{before} {text}"


def _entry(turn: Row) -> CallTranscriptEntry:
    said = turn["role"] == "user"
    confidence = turn["confidence_e4"]
    return CallTranscriptEntry(
        id=turn["id"],
        transcript=turn["text"] if said else "",
        response=None if said else turn["text"],
        confidence=None if confidence is None else confidence / 10_000,
        created_at=to_iso(turn["created_at"]),
    )


class CallSummary(CamelWire):
    id: str
    agent_id: str | None
    phone_number_id: str | None
    phone_number: str | None
    from_number: str
    to_number: str
    status: Status
    started_at: IsoTime
    ended_at: IsoTime | None
    duration_seconds: int | None
    last_transcript_snippet: str | None
    direction: Direction
    agent_name: str | None
    recording_url: str | None
    recording_available: bool
    disconnection_reason: str | None

    @classmethod
    def of(cls, call: Row, *, agent_name: str | None, recording_url: str | None) -> "CallSummary":
        """`recording_url` where there is a recording."""
        return cls(**_fields(call, agent_name, recording_url))


def _fields(call: Row, agent_name: str | None, recording_url: str | None) -> dict[str, Any]:
    ended = call["ended_at"]
    return {
        "id": call["id"],
        "agent_id": call["agent_id"],
        "phone_number_id": call["number_id"],
        "phone_number": call["number_e164"],
        "from_number": call["from_e164"],
        "to_number": call["to_e164"],
        "status": call["status"],
        "started_at": to_iso(call["created_at"]),
        "ended_at": None if ended is None else to_iso(ended),
        "duration_seconds": call["duration_s"],
        "last_transcript_snippet": call["last_snippet"],
        "direction": call["direction"],
        "agent_name": agent_name,
        "recording_url": recording_url,
        "recording_available": recording_url is not None,
        "disconnection_reason": call["reason"],
    }


class TurnTimes(CamelWire):
    """When the steps of a turn were reached, in ms since the answer.

    `turn_id` is that of its entry in `transcripts`, None where nothing came of it; `reply_ms` is what the caller waited.
    """

    turn_id: str | None
    speech_end_ms: int | None
    transcript_ms: int | None
    brain_first_ms: int | None
    audio_first_ms: int | None
    interrupted_ms: int | None
    reply_ms: int | None

    @classmethod
    def of(cls, times: Row, turn_id: str | None) -> "TurnTimes":
        ended, begun = times["speech_end"], times["audio_first"]
        return cls(
            turn_id=turn_id,
            speech_end_ms=ended,
            transcript_ms=times["transcript"],
            brain_first_ms=times["brain_first"],
            audio_first_ms=begun,
            interrupted_ms=times["interrupted"],
            reply_ms=None if ended is None or begun is None else begun - ended,
        )


class CallStory(CamelWire):
    """What of a call is ours."""

    brain: Literal["webhook", "hosted", "demo", "notice"]
    carrier: str
    ending_side: Side | None
    ending_detail: str | None
    answered_at: IsoTime | None
    resumed: int
    recording: Literal["available", "deleted"] | None
    recording_ms: int | None
    request_id: str | None
    timeline: list[TurnTimes]

    @classmethod
    def of(cls, call: Row, turns: Sequence[Row], times: Sequence[Row]) -> "CallStory":
        answered = call["answered_at"]
        ids = {turn["turn_id"]: turn["id"] for turn in reversed(turns)}
        return cls(
            brain=call["brain"],
            carrier=call["carrier"],
            ending_side=call["side"],
            ending_detail=call["detail"],
            answered_at=None if answered is None else to_iso(answered),
            resumed=call["resumed"],
            recording="deleted" if call["recording"] == "erasing" else call["recording"],
            recording_ms=call["recording_ms"],
            request_id=call["request_id"],
            timeline=[TurnTimes.of(row, ids.get(row["turn_id"])) for row in sorted(times, key=_first_of)],
        )


def _first_of(row: Row) -> int:
    names = ("speech_end", "transcript", "brain_first", "audio_first", "interrupted")
    return min((row[name] for name in names if row[name] is not None), default=0)


class Call(CallSummary):
    transcripts: list[CallTranscriptEntry]
    metadata: dict[str, Any] | None
    summary: str | None
    user_sentiment: str | None
    call_successful: bool | None
    ringback: CallStory

    @classmethod
    def telling(
        cls,
        call: Row,
        turns: Sequence[Row],
        times: Sequence[Row],
        *,
        agent_name: str | None,
        recording_url: str | None,
    ) -> "Call":
        return cls(
            **_fields(call, agent_name, recording_url),
            transcripts=entries_of(turns),
            metadata=None if call["metadata"] is None else json.loads(call["metadata"]),
            summary=None,
            user_sentiment=None,
            call_successful=None,
            ringback=CallStory.of(call, turns, times),
        )


class CallListResponse(CamelWire):
    data: list[CallSummary]
    has_more: bool
    total: int


class SaidOut(CamelWire):
    role: Role
    content: str
    created_at: IsoTime

    @classmethod
    def of(cls, turn: Row) -> "SaidOut":
        return cls(role=turn["role"], content=turn["text"], created_at=to_iso(turn["created_at"]))


class SaidTimes(CamelWire):
    """When it was said, in ms since the answer."""

    start_ms: int | None
    end_ms: int | None


class TimedSaid(SaidOut):
    ringback: SaidTimes

    @classmethod
    def of(cls, turn: Row) -> "TimedSaid":
        times = SaidTimes(start_ms=turn["started_ms"], end_ms=turn["ended_ms"])
        return cls(
            role=turn["role"], content=turn["text"], created_at=to_iso(turn["created_at"]), ringback=times
        )


class CallTranscript(CamelWire):
    call_id: str
    status: str
    transcripts: list[CallTranscriptEntry]
    transcript: list[TimedSaid]

    @classmethod
    def of(cls, call: Row, turns: Sequence[Row]) -> "CallTranscript":
        return cls(
            call_id=call["id"],
            status=call["status"],
            transcripts=entries_of(turns),
            transcript=[TimedSaid.of(turn) for turn in turns],
        )


class Connected(CamelWire):
    """The first event of a transcript's stream."""

    call_id: str
    status: str


class Ended(CamelWire):
    """The last."""

    call_id: str
    status: str
    duration_seconds: int | None
    disconnection_reason: str | None

    @classmethod
    def of(cls, call: Row) -> "Ended":
        return cls(
            call_id=call["id"],
            status=call["status"],
            duration_seconds=call["duration_s"],
            disconnection_reason=call["reason"],
        )


class WebCall(CamelWire):
    id: str
    call_id: str
    agent_id: str
    access_token: str
    status: str
    direction: Literal["web"]
    started_at: IsoTime

    @classmethod
    def of(cls, call: Row, token: str) -> "WebCall":
        return cls(
            id=call["id"],
            call_id=call["id"],
            agent_id=call["agent_id"],
            access_token=token,
            status=call["status"],
            direction="web",
            started_at=to_iso(call["created_at"]),
        )


class DeletedRecording(CamelWire):
    success: bool
    id: str
