"""The server's process loads no engine: it would take half a second and a hundred megabytes that only children need."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

HEAVY = ("pipecat", "onnxruntime", "moonshine_voice", "piper", "numpy", "soxr", "faster_whisper", "openai")


def test_the_server_loads_no_engine() -> None:
    asked = (
        "import sys; import ringback.app, ringback.cli.serve, ringback.voice.host, ringback.flows.voice_office;"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
