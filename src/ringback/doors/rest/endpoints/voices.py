"""/v1/agents/voices, and how each voice sounds."""

from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import to_bytes
from ringback.doors.rest.parts import parts_of
from ringback.kit.wire import Wire
from ringback.speech import protocol, registry
from ringback.speech.previews import Previews

_WAV: Final[dict[str, Any]] = {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}


class Voice(Wire):
    """A voice that an agent may have. Unlike all else of the API, its fields have underscores."""

    voice_id: str
    voice_name: str
    provider: str
    name: str
    gender: str | None
    accent: str | None
    preview_audio_url: str | None

    @classmethod
    def of(cls, voice: protocol.Voice, base: str) -> "Voice":
        return cls(
            voice_id=voice.id,
            voice_name=voice.name,
            provider=voice.engine,
            name=voice.name,
            gender=voice.gender,
            accent=voice.accent,
            preview_audio_url=f"{base}/voices/{quote(voice.id, safe='')}/preview.wav",
        )


class VoiceList(Wire):
    data: list[Voice]


router = APIRouter(route_class=JsonRoute, prefix="/v1/agents", tags=["agents"])
for_everybody = APIRouter(prefix="/voices", tags=["agents"])
"""What needs no key: nothing in it is anybody's."""


@router.get("/voices", operation_id="listVoices", response_model=VoiceList)
async def list_voices(request: Request, caller: Scoped) -> JsonBytes:
    settings = parts_of(request).settings
    found = registry.voices(settings.speech_tts, settings.data)
    return JsonBytes(to_bytes(VoiceList(data=[Voice.of(voice, settings.own_url) for voice in found])))


@for_everybody.get(
    "/{voice_id}/preview.wav",
    operation_id="previewVoice",
    response_class=Response,
    responses={200: {"content": _WAV}},
)
async def preview_voice(request: Request, voice_id: str) -> Response:
    previews: Previews = request.app.state.previews
    made = await previews.wav(voice_id)
    headers = {"Content-Type": "audio/wav", "Cache-Control": "public, max-age=86400"}
    return Response(made, headers=headers)
