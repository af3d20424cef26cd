"""The script of a handset that calls: steps, one after another, as `/sim/v1` takes them."""

from collections.abc import Sequence
from typing import Any

from ringback.sim.exchange.phone import Conduct, Phone

PATIENCE_MS = 15_000
"""How long a step waits for the other end to say anything at all."""


def follow(steps: Sequence[dict[str, Any]]) -> Conduct:
    """A conduct that takes `steps` and then only listens, until the other end hangs up.

    A step is one of `{say}`, `{pauseMs}`, `{dtmf}`, `{waitForSilenceMs}`, `{interruptAfterMs, say}`, `{hangup: true}`.
    """

    async def conduct(phone: Phone) -> None:
        for step in steps:
            await _take(phone, step)

    return conduct


def spoken(steps: Sequence[dict[str, Any]]) -> list[str]:
    """What the script says, in order."""
    return [step["say"] for step in steps if "say" in step]


async def _take(phone: Phone, step: dict[str, Any]) -> None:
    if "say" in step:
        if "interruptAfterMs" in step:
            await interrupt(phone, step["interruptAfterMs"])
        await phone.say(step["say"])
    elif "pauseMs" in step:
        await phone.pause(step["pauseMs"])
    elif "dtmf" in step:
        await phone.press(step["dtmf"])
    elif "waitForSilenceMs" in step:
        await wait_for_silence(phone, step["waitForSilenceMs"])
    elif step.get("hangup"):
        phone.hang_up()


async def wait_for_silence(phone: Phone, ms: int, within_ms: int = PATIENCE_MS) -> bool:
    """Let the other end speak, then wait until it has been silent for `ms`; whether it said anything in time.

    What it began before and is still saying counts.
    """
    ear = phone.ear
    is_speaking = ear.voiced_ms > 0 and ear.quiet_ms < ms
    if not is_speaking and not await phone.until(lambda: ear.speaks_now, within_ms):
        return False
    await phone.until(lambda: ear.quiet_ms >= ms)
    return True


async def interrupt(phone: Phone, after_ms: int) -> None:
    """Wait until the other end has spoken for `after_ms` at a stretch; at most `PATIENCE_MS` for it to begin."""
    ear = phone.ear
    if await phone.until(lambda: ear.speaks_now, PATIENCE_MS):
        await phone.until(lambda: ear.voiced_ms >= after_ms or not ear.voiced_ms)
