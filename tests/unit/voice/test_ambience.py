"""What is heard behind an agent: how loud it is, that it has no seam, and who hears it."""

import itertools
import math
import time
import wave
from array import array
from pathlib import Path
from typing import get_args

import pytest

from ringback.agents.schemas import AmbientSound
from ringback.sim.exchange.phone import Phone
from ringback.voice.brains.base import Part
from ringback.voice.legs.base import FRAME, RATE, SILENCE
from ringback.voice.talk.ambience import LEVEL_DB, LOOP_S, Ambience, ambience, loop
from tests.speech import need
from tests.tones import said
from tests.unit.voice.direct import call
from tests.unit.voice.virtual import in_virtual_time

pytestmark = pytest.mark.unit
SOUNDS = [name for name in get_args(AmbientSound) if name != "none"]


@pytest.fixture(autouse=True)
def _numpy() -> None:
    need("voice", "numpy")


def level_db(samples: "array[int]") -> float:
    power = sum(sample * sample for sample in samples) / max(1, len(samples))
    return 10 * math.log10(max(power, 1e-9) / 32_768**2)


def test_the_api_s_values_are_those_that_are_made() -> None:
    assert set(SOUNDS) == set(LEVEL_DB)
    assert ambience("none") is None
    assert ambience(None) is None


@pytest.mark.parametrize("name", SOUNDS)
def test_level_and_length(name: str) -> None:
    samples = array("h", loop(name))
    assert len(samples) == LOOP_S * RATE
    assert level_db(samples) == pytest.approx(LEVEL_DB[name], abs=0.5)
    assert max(map(abs, samples)) <= 3_300, "nothing startles"
    seconds = [level_db(samples[at : at + RATE]) for at in range(0, len(samples), RATE)]
    assert min(seconds) > LEVEL_DB[name] - 9, "it never stops"
    assert abs(sum(samples)) / len(samples) < 3, "no direct current"


@pytest.mark.parametrize("name", SOUNDS)
def test_its_end_runs_on_into_its_beginning(name: str) -> None:
    samples = array("h", loop(name))
    steps = sorted(abs(after - before) for before, after in itertools.pairwise(samples))
    assert abs(samples[0] - samples[-1]) <= steps[int(len(steps) * 0.99)], "the seam is a step like others"
    two = loop(name)[-RATE // 2 :] + loop(name)[: RATE // 2]
    assert level_db(array("h", two)) == pytest.approx(LEVEL_DB[name], abs=9)


def test_they_differ() -> None:
    """An office hums, a coffee shop talks: where their power is."""
    import numpy

    def share(name: str, low: int, high: int) -> float:
        power = numpy.abs(numpy.fft.rfft(numpy.frombuffer(loop(name), "<i2"))) ** 2
        hertz = numpy.fft.rfftfreq(LOOP_S * RATE, 1 / RATE)
        return float(power[(hertz >= low) & (hertz < high)].sum() / power.sum())

    assert share("coffee-shop", 500, 2_000) > 2 * share("office", 500, 2_000)
    assert share("outdoor", 60, 400) > 1.5 * share("coffee-shop", 60, 400)


def test_it_is_behind_speech_and_in_silence() -> None:
    mixed = Ambience("office")
    quiet = b"".join(mixed.mix(SILENCE) for _ in range(LOOP_S * 50))
    assert quiet == loop("office"), "the whole of it, once a loop"
    speech = said("hello")[: FRAME * 10]
    behind = b"".join(mixed.mix(speech[at : at + FRAME]) for at in range(0, len(speech), FRAME))
    left = array("h", (a - b for a, b in zip(array("h", behind), array("h", speech), strict=True)))
    assert left.tobytes() == loop("office")[: len(speech)]
    assert array("h", mixed.mix(b"\xff\x7f" * 160))[0] <= 32_767, "what is too loud is cut, not turned over"


def test_it_costs_next_to_nothing() -> None:
    mixed = Ambience("office")
    begun = time.perf_counter()
    for _ in range(1_000):
        mixed.mix(SILENCE)
    assert time.perf_counter() - begun < 0.2, "a hundredth of the time it lasts"


@pytest.mark.parametrize("name", ["none", *SOUNDS])
@in_virtual_time
async def test_the_caller_hears_it_and_the_agent_s_ears_do_not(tmp_path: Path, name: str) -> None:
    async def caller(phone: Phone) -> None:
        await phone.pause(2_000)
        await phone.say("what is the time")
        await phone.pause(4_000)
        phone.hang_up()

    path = tmp_path / "call.wav"
    heard = await call(
        caller,
        lambda turn: [Part("It is nine.")],
        direction="inbound",
        record=True,
        recording_path=str(path),
        agent={"ambient_sound": name},
    )
    assert heard.asked == ["what is the time"]
    with wave.open(str(path)) as file:
        both = array("h", file.readframes(file.getnframes()))
    caller_s, agent_s = both[0::2], both[1::2]
    before_anybody_speaks = slice(RATE // 2, RATE * 2)
    assert max(map(abs, caller_s[before_anybody_speaks])) == 0, "nothing of it comes in"
    if name == "none":
        assert max(map(abs, agent_s[before_anybody_speaks])) == 0
    else:
        assert level_db(agent_s[before_anybody_speaks]) == pytest.approx(LEVEL_DB[name], abs=6)
    assert "It is nine." in heard.heard_by_handset(), "and the words come through"
