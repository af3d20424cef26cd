"""What each call personality does when it is called."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ringback.kit.g711 import encode_ulaw, loudness
from ringback.sim.exchange import manners
from ringback.sim.handsets import Handset
from ringback.sim.personalities import CALL_PERSONALITIES
from tests.calling import World, world
from tests.legs import Leg

pytestmark = [pytest.mark.scenario, pytest.mark.realtime]


async def called(line: World, manner: str, **more: object) -> tuple[Handset, Leg]:
    phone = await line.handset(manner, name="Ada")
    return phone, await line.dial(phone.e164, f"call_{manner}", **more)


async def refused(line: World, manner: str, reason: str, code: int, rings: bool, within: float = 4) -> None:
    phone, leg = await called(line, manner)
    if rings:
        await leg.expect("ringing")
    failed = await leg.expect("failed", within)
    assert (failed["reason"], failed["code"]) == (reason, code)
    call = await line.over(await line.call_at(phone))
    assert (call.direction, call.status, call.reason) == ("in", "failed", reason)


async def answers(line: World) -> None:
    phone, leg = await called(line, "answers")
    await leg.expect("ringing")
    await leg.expect("answered")
    await leg.hears(manners.HELLO)
    for reply in (*manners.REPLIES, manners.REPLIES[-1]):
        await leg.speak("agent")
        before = len(leg.words)
        await leg.until(
            lambda before=before, reply=reply: reply in leg.words[before:], told=lambda: leg.words
        )
    await leg.hang_up()
    call = await line.over(await line.call_at(phone))
    assert (call.status, call.reason) == ("completed", "other_hung_up")
    assert [word.text for word in call.words if word.who == "other"] == ["agent"] * 4


async def no_answer(line: World) -> None:
    phone, leg = await called(line, "no-answer", ringS=2)
    started = time.monotonic()
    await leg.expect("ringing")
    assert (await leg.expect("failed"))["reason"] == "no_answer"
    assert 1.8 <= time.monotonic() - started <= 2.6
    call = await line.over(await line.call_at(phone))
    assert (call.status, call.reason) == ("failed", "cancelled")


async def voicemail(line: World) -> None:
    phone, leg = await called(line, "voicemail")
    await leg.expect("answered")
    await leg.hears("you have reached Ada. Please leave a message after the beep.", 10)
    end = len(leg.heard)
    await leg.until(
        lambda: loudness(encode_ulaw(bytes(leg.heard[-3200:]))) > 3000 and len(leg.heard) > end + 3200
    )
    await asyncio.sleep(0.5)
    await leg.speak("call me back")
    spoken = time.monotonic()
    await leg.expect("hungup", 7)
    assert 4.5 <= time.monotonic() - spoken <= 6
    call = await line.over(await line.call_at(phone))
    assert call.words[-1].text == "call me back"
    assert call.reason == "hung_up"
    assert call.has_audio


async def screener(line: World) -> None:
    phone, leg = await called(line, "screener")
    await leg.expect("answered")
    await leg.hears(manners.SCREEN, 12)
    await leg.speak("Ringback about your order")
    await leg.hears(manners.SCREEN_HOLD)
    await leg.hears(manners.HELLO)
    await leg.hang_up()
    call = await line.over(await line.call_at(phone))
    assert "Ringback about your order" in [word.text for word in call.words]


async def hangs_up_midway(line: World) -> None:
    _, leg = await called(line, "hangs-up-midway")
    await leg.expect("answered")
    await leg.hears(manners.HELLO)
    began = time.monotonic()
    leg.begin("this is a very long story about something that nobody wants")
    await leg.expect("hungup")
    assert 1.3 <= time.monotonic() - began <= 2.2


async def silent(line: World) -> None:
    phone, leg = await called(line, "silent")
    await leg.expect("answered")
    await leg.speak("is anybody there")
    await asyncio.sleep(2)
    assert leg.words == ""
    assert len(leg.arrivals) > 100
    await leg.hang_up()
    call = await line.over(await line.call_at(phone))
    assert [word.who for word in call.words] == ["other"]


async def noisy(line: World) -> None:
    _, leg = await called(line, "noisy")
    await leg.expect("answered")
    await asyncio.sleep(3)
    quiet = loudness(encode_ulaw(bytes(leg.heard[-8000:])))
    speech = max(
        loudness(encode_ulaw(bytes(leg.heard[at : at + 320]))) for at in range(0, len(leg.heard), 320)
    )
    assert 50 < quiet < speech / 5
    await leg.hang_up()


async def dtmf_menu(line: World) -> None:
    phone, leg = await called(line, "dtmf-menu")
    await leg.expect("answered")
    await leg.hears(manners.MENU, 8)
    leg.press("9")
    await leg.hears(manners.MENU_WRONG)
    await asyncio.sleep(1)
    leg.press("1")
    await leg.hears(manners.MENU_ANSWERS["1"], 10)
    await leg.expect("hungup")
    assert (await line.over(await line.call_at(phone))).digits == "91"


async def slow_answer(line: World) -> None:
    _, leg = await called(line, "slow-answer")
    started = time.monotonic()
    await leg.expect("ringing")
    await leg.expect("answered", manners.SLOW_S + 2)
    assert time.monotonic() - started >= manners.SLOW_S - 0.5
    await leg.hang_up()


async def manual(line: World) -> None:
    phone, leg = await called(line, "manual")
    await leg.expect("ringing")
    call = await line.call_at(phone, "ringing")
    await asyncio.sleep(1)
    assert not leg.messages
    await line.network.voice.act(call.id, "answer", steps=[{"say": "by hand"}])
    await leg.expect("answered")
    await leg.hears("by hand")
    await line.network.voice.act(call.id, "dtmf", digits="5")
    await leg.until(lambda: leg.keys == "5")
    await line.network.voice.act(call.id, "hangup")
    await leg.expect("hungup")


async def manual_declined(line: World) -> None:
    phone = await line.handset("manual")
    leg = await line.dial(phone.e164, "call_declined")
    await leg.expect("ringing")
    await line.network.voice.act((await line.call_at(phone, "ringing")).id, "decline")
    assert (await leg.expect("failed"))["reason"] == "declined"


SCENES: dict[str, Callable[[World], Awaitable[None]]] = {
    "answers": answers,
    "busy": lambda line: refused(line, "busy", "busy", 486, rings=False),
    "declines": lambda line: refused(line, "declines", "declined", 603, rings=True),
    "unreachable": lambda line: refused(line, "unreachable", "unreachable", 404, rings=False),
    "no-answer": no_answer,
    "voicemail": voicemail,
    "screener": screener,
    "hangs-up-midway": hangs_up_midway,
    "silent": silent,
    "noisy": noisy,
    "dtmf-menu": dtmf_menu,
    "slow-answer": slow_answer,
    "manual": manual,
}


def test_every_personality_has_a_scene_and_a_manner() -> None:
    assert set(CALL_PERSONALITIES) == set(SCENES) == set(manners.MANNERS)


@pytest.mark.parametrize("manners", [list(SCENES)[:7], list(SCENES)[7:]], ids=["the first", "the others"])
async def test_what_a_called_handset_does(tmp_path: Path, manners: list[str]) -> None:
    """Side by side in one network: a call takes its seconds."""
    async with world(tmp_path) as line:
        found = await asyncio.gather(*(SCENES[one](line) for one in manners), return_exceptions=True)
        wrong = {one: error for one, error in zip(manners, found, strict=True) if error is not None}
        assert not wrong, "\n".join(f"{one}: {type(error).__name__}: {error}" for one, error in wrong.items())


async def test_a_call_that_rings_is_declined_by_hand(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        await manual_declined(line)
