"""The detector of voices, with its real model."""

from typing import Any

import pytest

from ringback.voice.legs.base import FRAME
from tests.speech import need

pytestmark = pytest.mark.unit

HUM = (b"\x10\x00" + b"\xf0\xff") * (FRAME // 4)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each look of the model."""
    need("voice", "pipecat", "numpy")
    from pipecat.audio.vad.silero import SileroOnnxModel

    looks: list[int] = []
    call = SileroOnnxModel.__call__

    def counted(model: Any, window: Any, rate: int) -> Any:
        looks.append(rate)
        return call(model, window, rate)

    monkeypatch.setattr(SileroOnnxModel, "__call__", counted)
    return looks


def test_dead_silence_is_not_looked_at_for_long(asked: list[int]) -> None:
    from ringback.voice.models import Silero

    detector = Silero()
    for _ in range(160):
        detector.feed(bytes(FRAME))
    assert len(asked) == 20, "of a hundred windows of 32 ms"
    for _ in range(8):
        detector.feed(HUM)
    assert len(asked) == 25, "the faintest sound is looked at again"
