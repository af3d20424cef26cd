"""What `speech.toml` of the data folder says: which of pipecat's services hear and speak, and with what.

    [hear]
    service = "deepgram.stt.DeepgramSTTService"
    api_key = "$DEEPGRAM_API_KEY"

    [speak]
    service = "elevenlabs.tts.ElevenLabsTTSService"
    api_key = "$ELEVENLABS_API_KEY"
    voices = { "21m00Tcm4TlvDq8ikWAM" = "Rachel" }
    [speak.settings]
    model = "eleven_turbo_v2_5"

A service is a class under `pipecat.services`; `settings` are its settings, and all else is given to the class as it is. A
value that begins with `$` is that variable of the environment. Nothing here imports pipecat.
"""

import os
import tomllib
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ringback.speech.protocol import SpeechMissing

FILE = "speech.toml"
_PLACE = f"{FILE} in the data folder"
HEAR, SPEAK = "hear", "speak"
_NOT_GIVEN_ON = ("service", "settings", "voices", "language")


@dataclass(frozen=True)
class Service:
    """One of pipecat's services and what it is made with."""

    module: str
    """Under `pipecat.services`, such as `deepgram.stt`."""
    name: str
    """Its class."""
    options: dict[str, Any] = field(repr=False)
    settings: dict[str, Any]
    voices: dict[str, str]
    """Names by the service's own ids."""
    language: str

    @property
    def extra(self) -> str:
        """Pipecat's extra that brings what it needs."""
        return self.module.partition(".")[0]

    def hidden(self, text: str) -> str:
        """`text` without what the service was given: keys are among it."""
        for value in self.options.values():
            if isinstance(value, str) and len(value) >= 6:
                text = text.replace(value, "...")
        return text


def read(data: Path, what: str) -> Service:
    """The service that `hear`s or `speak`s. Raises `SpeechMissing`, which says what the file lacks, and not where the
    data folder is: whoever's call fails for it reads that."""
    try:
        content = tomllib.loads((data / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SpeechMissing(
            f"the engine pipecat needs {_PLACE}, which names a service (docs/speech.md)"
        ) from None
    except OSError as error:
        raise SpeechMissing(f"{_PLACE} can't be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpeechMissing(f"{_PLACE} can't be read: {error}") from None
    table = content.get(what)
    if not isinstance(table, dict):
        raise SpeechMissing(f"{_PLACE} has no table [{what}]")
    return _service(table, f"{_PLACE}: [{what}]")


def _service(table: dict[str, Any], where: str) -> Service:
    named = table.get("service")
    module, _, name = named.rpartition(".") if isinstance(named, str) else ("", "", "")
    if not module or not _is_there(module):
        raise SpeechMissing(
            f"{where} service: {named!r} is no module and class of pipecat.services, such as openai.tts.OpenAITTSService"
        )
    settings, voices = table.get("settings", {}), table.get("voices", {})
    if isinstance(voices, list):
        voices = {voice: voice for voice in voices}
    if not isinstance(settings, dict) or not isinstance(voices, dict):
        raise SpeechMissing(
            f"{where} settings must be a table, voices a list of ids or a table of names by id"
        )
    options = {key: _value(value, where) for key, value in table.items() if key not in _NOT_GIVEN_ON}
    return Service(
        module,
        name,
        options,
        settings,
        {str(id_): str(called) for id_, called in voices.items()},
        str(table.get("language", "en-US")),
    )


def _value(value: Any, where: str) -> Any:
    if not (isinstance(value, str) and value.startswith("$")):
        return value
    found = os.environ.get(value[1:])
    if found is None:
        raise SpeechMissing(f"{where} names {value}, which is not in the environment")
    return found


def _is_there(module: str) -> bool:
    pipecat = find_spec("pipecat")
    if pipecat is None or not pipecat.submodule_search_locations:
        raise SpeechMissing("the engine pipecat needs pipecat: .venv/bin/uv pip install '.[voice]'")
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        return False
    path = Path(pipecat.submodule_search_locations[0], "services", *parts)
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()
