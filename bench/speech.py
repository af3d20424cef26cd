"""`python -m bench.speech`: what the engines mishear over a telephone line, how long they take, what the worker adds.

Words are sent through G.711 mu-law at 8 kHz, between 300 and 3400 Hz, with white noise below them. Callers are Piper's Joe
with sentences as one hears them on the telephone, two recordings inside `moonshine-voice`, and with --clips a folder
of WAV files beside NAME.txt with what is said in each (the Debian package pocketsphinx-testdata has some).
"""

import argparse
import asyncio
import statistics
import tempfile
import wave
from collections.abc import Awaitable, Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from ringback.kit import machine
from ringback.kit.g711 import decode_ulaw, encode_ulaw
from ringback.speech.client import SpeechClient
from ringback.speech.engines.base import Pcm
from ringback.speech.engines.loading import Engines
from ringback.speech.spoken import spoken

RATE = 8_000
NOISE_DB = (35, 22)
ROUNDS = 15
SENTENCES = """
I would like to book a table for Friday evening, please.
Can you tell me when you are open on Sunday?
My order has not arrived yet and I am a little worried.
I need to change my appointment to next Tuesday afternoon.
Please send the invoice to my new address.
Could you put me through to somebody in the billing department?
Yes, that works for me, thank you very much.
No, I asked for the large one without onions.
How much does it cost to send a parcel to Canada?
I forgot my password and need a new one.
The heating in our office stopped working this morning.
Is there a doctor who can see my daughter today?
I would rather speak with a person, if that is possible.
What is the best way to get there by public transport?
We are six people, and one of us uses a wheelchair.
Please cancel my subscription at the end of the month.
""".strip().splitlines()
RECORDED = {
    "beckett": "ever tried ever failed no matter try again fail again fail better",
    "two_cities": (
        "it was the best of times it was the worst of times it was the age of wisdom it was the age of foolishness it was"
        " the epoch of belief it was the epoch of incredulity it was the season of light it was the season of darkness it"
        " was the spring of hope it was the winter of despair we had everything before us we had nothing before us we were"
        " all going direct to heaven we were all going direct the other way in short the period was so far like the"
        " present period that some of its noisiest authorities insisted on its being received for good or for evil in the"
        " superlative degree of comparison only"
    ),
}


SHORT = {
    "'re": " are",
    "'m": " am",
    "'ll": " will",
    "'ve": " have",
    "cannot": "can not",
    "can't": "can not",
    "n't": " not",
}


def words(text: str) -> list[str]:
    """Words alone: figures in words, short forms in full."""
    said = spoken(text).lower().replace("-", " ")
    for short, full in SHORT.items():
        said = said.replace(short, full)
    said = said.replace("'", "")
    return "".join(mark if mark.isalnum() else " " for mark in said).split()


def errors(said: list[str], heard: list[str]) -> int:
    """Words left out, put in or taken for others (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        above, row[0] = row[0], number
        for place, other in enumerate(heard, 1):
            above, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, above + (word != other))
    return row[-1]


def telephone(pcm: Pcm, noise_db: float, seed: int) -> bytes:
    """What a telephone line leaves of it, at -22 dB of full scale, with white noise so far below."""
    wave_ = soxr.resample(np.frombuffer(pcm.data, dtype="<i2").astype(np.float64), pcm.rate, RATE)
    spectrum = np.fft.rfft(wave_)
    hertz = np.fft.rfftfreq(len(wave_), 1 / RATE)
    wave_ = np.fft.irfft(spectrum * ((hertz > 300) & (hertz < 3_400)), len(wave_))
    loud = wave_[np.abs(wave_) > np.abs(wave_).max() / 30]
    wave_ *= 32_768 * 10 ** (-22 / 20) / np.sqrt((loud**2).mean())
    level = 32_768 * 10 ** ((-22 - noise_db) / 20)
    noisy = wave_ + np.random.default_rng(seed).normal(scale=level, size=len(wave_))
    coded = encode_ulaw(np.clip(noisy, -32_768, 32_767).astype("<i2").tobytes())
    return decode_ulaw(coded)


def read(path: Any) -> Pcm:
    with path.open("rb") as file, wave.open(file) as clip:
        return Pcm(clip.readframes(clip.getnframes()), clip.getframerate())


def recorded(clips: Path | None) -> Iterator[tuple[str, Pcm]]:
    """People, with what they say."""
    for name, text in RECORDED.items():
        yield text, read(files("moonshine_voice") / "assets" / f"{name}.wav")
    for path in sorted(clips.glob("*.wav")) if clips else ():
        yield path.with_suffix(".txt").read_text(encoding="utf-8"), read(path)


async def word_errors(client: SpeechClient, callers: list[tuple[str, Pcm]], noise_db: float) -> float:
    """The share of words that are wrong, in per cent."""
    wrong = total = 0
    for seed, (text, pcm) in enumerate(callers):
        heard = await client.transcribe(telephone(pcm, noise_db, seed), RATE)
        wrong += errors(words(text), words(heard.text))
        total += len(words(text))
    return 100 * wrong / total


async def took(work: Callable[[], Awaitable[Any]]) -> float:
    """The median of some rounds, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        started = machine.monotonic()
        await work()
        times.append((machine.monotonic() - started) * 1_000)
    return statistics.median(times)


async def report(data: Path, stt: str, clips: Path | None) -> None:
    async with SpeechClient(data, stt=stt, idle_s=1) as client:
        piper = Engines(data).speaking("piper")
        neural = [(text, piper.speak(text, voice="piper-joe", speed=1.0)) for text in SENTENCES * 3]
        people = list(recorded(clips))
        for name, callers in (
            (f"Piper, {len(neural)} sentences", neural),
            (f"people, {len(people)} clips", people),
        ):
            rates = [
                f"{await word_errors(client, callers, noise_db):.1f} % at {noise_db} dB"
                for noise_db in NOISE_DB
            ]
            print(f"{stt}, words wrong over the telephone, {name}: {', '.join(rates)}")
        await speeds(client, Engines(data), stt)


async def speeds(client: SpeechClient, engines: Engines, stt: str) -> None:
    """Each engine asked directly, in this process, and by the worker."""
    piper, hearing = engines.speaking("piper"), engines.hearing(stt)
    for text in ("Sure.", "Sure, I can help with that.", SENTENCES[0]):

        async def directly(text: str = text) -> None:
            await asyncio.to_thread(piper.speak, text, voice="piper-joe", speed=1.0)

        async def by_worker(text: str = text) -> None:
            async for _ in client.speak(text, voice="piper-joe"):
                break

        await by_worker()
        direct, through = await took(directly), await took(by_worker)
        print(f"speak {text!r}: {direct:.0f} ms directly, first sound by the worker after {through:.0f} ms")
    for seconds in (1, 3, 6):
        pcm = telephone(piper.speak(" ".join(SENTENCES[:3]), voice="piper-joe", speed=1.0), 35, 0)[
            : 2 * RATE * seconds
        ]

        async def ask(pcm: bytes = pcm) -> None:
            await client.transcribe(pcm, RATE)

        async def ask_directly(pcm: bytes = pcm) -> None:
            await asyncio.to_thread(hearing.hear, Pcm(pcm, RATE), language="en-US")

        await ask()
        await ask_directly()
        direct, through = await took(ask_directly), await took(ask)
        print(
            f"hear {seconds} s: {direct:.0f} ms directly, {through:.0f} ms by the worker ({through - direct:+.1f})"
        )
    print(f"an empty request to the worker: {await took(client.ping):.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.speech", description=__doc__)
    parser.add_argument("--stt", default="moonshine", choices=["moonshine", "whisper"])
    parser.add_argument("--clips", type=Path, help="a folder of NAME.wav and NAME.txt")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(report(Path(folder), asked.stt, asked.clips))


if __name__ == "__main__":
    main()
