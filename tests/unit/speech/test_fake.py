"""Tones that carry text: exact through a telephone line."""

from typing import Any

import pytest

from ringback.speech.engines.base import Pcm
from tests.speech import need

pytestmark = pytest.mark.unit

TEXTS = [
    "Hello.",
    "Your table is ready at 12:30, Mr O'Neill!",
    "£3.50 für Käse ✅ 你好 — done?",
    "x" * 300 + " and " + "ü" * 200,
    "## Hours\n* **Mon-Fri**",
]


@pytest.fixture(autouse=True)
def arrays() -> None:
    need("voice", "numpy")


def said(text: str) -> Pcm:
    from ringback.speech.engines.fake import FakeSpeaking

    return FakeSpeaking().speak(text, voice="fake", speed=1.0)


def heard(samples: Any, rate: int = 8_000) -> str:
    import numpy as np

    from ringback.speech.engines.fake import FakeHearing

    data = np.clip(samples, -32_768, 32_767).astype("<i2").tobytes()
    return FakeHearing().hear(Pcm(data, rate), language="en-US").text


def samples(pcm: Pcm) -> Any:
    import numpy as np

    return np.frombuffer(pcm.data, dtype="<i2").astype(np.float64)


def ulaw(wave: Any) -> Any:
    """What mu-law (G.711) leaves of a wave: eight bits on a logarithmic scale."""
    import numpy as np

    full = np.clip(wave / 32_768, -1, 1)
    steps = np.round(np.sign(full) * np.log1p(255 * np.abs(full)) / np.log(256) * 127) / 127
    return np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255 * 32_768


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_back_exactly(text: str) -> None:
    assert heard(samples(said(text))) == " ".join(text.split())


@pytest.mark.parametrize(("offset", "snr_db"), [(0, 40), (1, 30), (77, 22), (161, 18)])
def test_through_a_telephone_line(offset: int, snr_db: int) -> None:
    import numpy as np

    chance = np.random.default_rng(offset)
    wave = samples(said(TEXTS[1]))
    level = np.sqrt((wave**2).mean())
    padded = np.concatenate([np.zeros(4_000 + offset), wave * 0.5, np.zeros(3_000)])
    noise = chance.normal(size=len(padded)) * level * 0.5 * 10 ** (-snr_db / 20)
    assert heard(ulaw(padded + noise)) == TEXTS[1]


def test_what_is_cut_off_leaves_whole_words() -> None:
    wave = samples(said("one two three four five"))
    assert heard(wave[: len(wave) * 7 // 10]) == "one two three"


def test_silence_noise_and_short_pieces_say_nothing() -> None:
    import numpy as np

    assert heard(np.zeros(16_000)) == ""
    assert heard(np.random.default_rng(1).normal(size=16_000) * 3_000) == ""
    assert heard(np.zeros(10)) == ""
    assert heard(np.zeros(0)) == ""
    assert said("").data == b""


def test_a_lost_packet_costs_a_word_at_most() -> None:
    wave = samples(said("one two three four five"))
    for start in range(0, len(wave) - 160, 480):
        holed = wave.copy()
        holed[start : start + 160] = 0
        words = heard(holed).split()
        assert len(words) >= 4
        assert [word for word in ("one", "two", "three", "four", "five") if word in words] == words
