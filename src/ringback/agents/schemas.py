"""Agents on the wire (contract: AgentResponse and its kin)."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ringback.agents.prompts import Door
from ringback.kit.times import to_iso
from ringback.kit.wire import ABSENT, WHOLE, CamelWire, IsoTime, Text, text_up_to
from ringback.storage.tx import Row

Language = Literal[
    "af-ZA", "ar-SA", "az-AZ", "bg-BG", "bs-BA", "ca-ES", "cs-CZ", "cy-GB", "da-DK", "de-DE", "el-GR", "en-AU",
    "en-GB", "en-IN", "en-NZ", "en-US", "es-419", "es-ES", "fa-IR", "fi-FI", "fil-PH", "fr-CA", "fr-FR", "gl-ES",
    "he-IL", "hi-IN", "hr-HR", "hu-HU", "hy-AM", "id-ID", "is-IS", "it-IT", "ja-JP", "kk-KZ", "kn-IN", "ko-KR",
    "lt-LT", "lv-LV", "mk-MK", "mr-IN", "ms-MY", "ne-NP", "nl-BE", "nl-NL", "no-NO", "pl-PL", "pt-BR", "pt-PT",
    "ro-RO", "ru-RU", "sk-SK", "sl-SI", "sr-RS", "sv-SE", "sw-KE", "ta-IN", "th-TH", "tr-TR", "uk-UA", "ur-IN",
    "vi-VN", "yue-CN", "zh-CN",
]  # fmt: skip
VoiceMode = Literal["webhook", "hosted"]
ModelTier = Literal["turbo", "balanced", "max"]
SttMode = Literal["fast", "accurate"]
AmbientSound = Literal["none", "office", "coffee-shop", "outdoor"]
DenoisingMode = Literal["noise-cancellation", "noise-and-background-speech-cancellation"]
MaxSilence = Annotated[int, Field(ge=10_000, le=3_600_000), WHOLE]
VoiceSpeed = Annotated[float, Field(ge=0.5, le=2.0)]
Sensitivity = Annotated[float, Field(ge=0, le=1)]
PREVIEW_CHARACTERS = 200
"""Of a prompt, in the list of its versions."""
if TYPE_CHECKING:
    Prompt = str
    Name = str
    Line = str
    Short = str
else:
    Prompt = text_up_to(100_000)
    Name = text_up_to(200, at_least=1)
    Line = text_up_to(4_000)
    Short = text_up_to(200)


class CustomToolParam(CamelWire):
    name: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]
    description: Text
    url: Text
    method: Literal["GET", "POST"] = "POST"
    headers: dict[str, str | None] | None = None
    parameters: dict[str, Any] | None = None
    timeout_ms: Annotated[int, Field(ge=1_000, le=120_000), WHOLE] | None = None
    speak_during_execution: bool | None = None
    execution_message: Text | None = None


CustomTools = Annotated[list[CustomToolParam], Field(max_length=20)]


class AgentExtras(CamelWire):
    """What is ours: what a caller is told at the beginning of a call that is recorded."""

    recording_notice: Line | None = None


class AgentExtrasResponse(AgentExtras):
    """Also what becomes of the caller's noise, whatever `denoisingMode` says: nothing is taken away."""

    denoising: Literal["none"] = "none"


class AgentSettings(CamelWire):
    """The settings an agent can be created with; the defaults hold where nothing is given."""

    description: Line | None = None
    voice_mode: VoiceMode = "webhook"
    enable_messaging: bool | None = True
    model_tier: ModelTier = "balanced"
    system_prompt: Prompt | None = None
    begin_message: Line | None = None
    voice: Short | None = None
    transfer_number: Short | None = None
    custom_tools: CustomTools | None = None
    voicemail_message: Line | None = None
    call_screening_identity: Line | None = None
    call_screening_purpose: Line | None = None
    stt_mode: SttMode = "fast"
    ambient_sound: AmbientSound = "none"
    denoising_mode: DenoisingMode = "noise-cancellation"
    max_silence_ms: MaxSilence | None = 600_000
    voice_speed: VoiceSpeed | None = 1.0
    interruption_sensitivity: Sensitivity | None = 0.8
    enable_backchannel: bool | None = True
    language: Language = "en-US"


class CreateAgent(AgentSettings):
    name: Name
    ringback: AgentExtras | None = None


class UpdateAgent(CamelWire):
    """Only what is given changes; an explicit null clears a field, or brings its default back."""

    name: Name | None = None
    description: Line | None = None
    voice_mode: VoiceMode = ABSENT
    enable_messaging: bool | None = None
    model_tier: ModelTier = ABSENT
    system_prompt: Prompt | None = None
    begin_message: Line | None = None
    voice: Short | None = None
    transfer_number: Short | None = None
    custom_tools: CustomTools | None = None
    voicemail_message: Line | None = None
    call_screening_identity: Line | None = None
    call_screening_purpose: Line | None = None
    stt_mode: SttMode = ABSENT
    ambient_sound: AmbientSound = ABSENT
    denoising_mode: DenoisingMode = ABSENT
    max_silence_ms: MaxSilence | None = None
    voice_speed: VoiceSpeed | None = None
    interruption_sensitivity: Sensitivity | None = None
    enable_backchannel: bool | None = None
    language: Language = ABSENT
    ringback: AgentExtras | None = None


class AttachNumber(CamelWire):
    number_id: Text


class AgentNumberResponse(CamelWire):
    id: str
    phone_number: str
    status: str
    type: str

    @classmethod
    def of(cls, row: Row) -> "AgentNumberResponse":
        return cls(id=row["id"], phone_number=row["e164"], status=row["status"], type=row["type"])


class AgentResponse(CamelWire):
    id: str
    name: str
    description: str | None
    voice_mode: VoiceMode
    enable_messaging: bool
    model_tier: ModelTier
    system_prompt: str | None
    begin_message: str | None
    voice: str
    transfer_number: str | None
    custom_tools: list[dict[str, Any]] | None = None
    voicemail_message: str | None
    call_screening_identity: str | None = None
    call_screening_purpose: str | None = None
    stt_mode: SttMode
    ambient_sound: AmbientSound
    denoising_mode: DenoisingMode
    max_silence_ms: int
    voice_speed: float
    interruption_sensitivity: float
    enable_backchannel: bool
    language: str
    created_at: IsoTime
    numbers: list[AgentNumberResponse] | None = None
    ringback: AgentExtrasResponse

    @classmethod
    def of(cls, row: Row, numbers: list[Row]) -> "AgentResponse":
        settings = json.loads(row["settings"])
        notice = settings.pop("recording_notice", None)
        tools = settings.pop("custom_tools")
        return cls(
            custom_tools=tools and [CustomToolParam(**tool).model_dump(by_alias=True) for tool in tools],
            ringback=AgentExtrasResponse(recording_notice=notice),
            id=row["id"],
            name=row["name"],
            created_at=to_iso(row["created_at"]),
            numbers=[AgentNumberResponse.of(number) for number in numbers],
            **settings,
        )


class AgentListResponse(CamelWire):
    data: list[AgentResponse]
    total: int
    has_more: bool


class DeleteAgentResponse(CamelWire):
    success: bool
    id: str
    name: str


class PromptAuthor(CamelWire):
    """Both are null where nobody knows; `keyName` also where it was no key of the account itself."""

    door: Door | None
    key_name: str | None


class PromptVersionSummary(CamelWire):
    id: str
    number: int
    set_at: IsoTime | None
    set_by: PromptAuthor
    taken_from: int | None
    characters: int
    preview: str
    current: bool

    @classmethod
    def of(cls, row: Row, *, current: bool) -> "PromptVersionSummary":
        return cls(**_version(row, current=current))


class PromptVersion(PromptVersionSummary):
    system_prompt: str | None

    @classmethod
    def of(cls, row: Row, *, current: bool) -> "PromptVersion":
        return cls(**_version(row, current=current), system_prompt=row["prompt"])


def _version(row: Row, *, current: bool) -> dict[str, Any]:
    prompt = row["prompt"] or ""
    return {
        "id": row["id"],
        "number": row["n"],
        "set_at": None if row["set_at"] is None else to_iso(row["set_at"]),
        "set_by": PromptAuthor(door=row["door"], key_name=row["key_name"]),
        "taken_from": row["taken_from"],
        "characters": len(prompt),
        "preview": prompt[:PREVIEW_CHARACTERS],
        "current": current,
    }


class PromptVersionList(CamelWire):
    data: list[PromptVersionSummary]


class AttachNumberResponse(CamelWire):
    agent_id: str
    number: AgentNumberResponse
