"""What a handset does that is called, by its call personality. Each entry says what a real phone does there."""

import asyncio
from typing import Final

from ringback.sim.exchange.call import BUSY, DECLINED, UNREACHABLE
from ringback.sim.exchange.phone import REACTION_MS, Conduct, Phone
from ringback.sim.exchange.script import wait_for_silence
from ringback.sim.exchange.sound import beep

RING_S: Final = 1.0
"""How long a phone rings whose owner has it at hand."""
SLOW_S: Final = 8.0
"""And one whose owner has to come from another room."""
DECLINES_S: Final = 2.0
VOICEMAIL_S: Final = 2.0
MIDWAY_MS: Final = 1_500
"""How much of the other end's speech a phone hears that hangs up midway."""
MIDWAY_PATIENCE_MS: Final = 8_000
SCREEN_PATIENCE_MS: Final = 10_000
VOICEMAIL_SILENCE_MS: Final = 5_000
"""So much silence ends a message, as does its length."""
VOICEMAIL_MOST_MS: Final = 120_000
MENU_PATIENCE_MS: Final = 6_000
HELLO: Final = "Hello?"
REPLIES: Final = ("Yes, that works for me.", "Okay, thank you.", "Okay.")
SCREEN: Final = (
    "Hi. The person you are calling uses a screening service. Please say your name, and why you are calling."
)
SCREEN_HOLD: Final = "Thanks. One moment, please."
MENU: Final = "Welcome. For sales, press one. For support, press two."
MENU_ANSWERS: Final = {"1": "You have reached sales. Goodbye.", "2": "You have reached support. Goodbye."}
MENU_WRONG: Final = "That is not an option."


async def _pick_up(phone: Phone, after_s: float) -> None:
    phone.ring()
    await asyncio.sleep(after_s)
    phone.answer()
    await phone.pause(REACTION_MS)


async def _converse(phone: Phone) -> None:
    """Say hello, and a few words after each turn of the other end, who may end the call."""
    await phone.say(HELLO)
    turn = 0
    while True:
        if await wait_for_silence(phone, 900):
            await phone.say(REPLIES[min(turn, len(REPLIES) - 1)])
            turn += 1


async def _answers(phone: Phone) -> None:
    await _pick_up(phone, RING_S)
    await _converse(phone)


async def _slow_answer(phone: Phone) -> None:
    await _pick_up(phone, SLOW_S)
    await _converse(phone)


async def _busy(phone: Phone) -> None:
    phone.refuse(BUSY)


async def _declines(phone: Phone) -> None:
    phone.ring()
    await asyncio.sleep(DECLINES_S)
    phone.refuse(DECLINED)


async def _no_answer(phone: Phone) -> None:
    phone.ring()


async def _unreachable(phone: Phone) -> None:
    phone.refuse(UNREACHABLE)


async def _voicemail(phone: Phone) -> None:
    await _pick_up(phone, VOICEMAIL_S)
    whose = phone.name or "the person you called"
    await phone.say(f"Hi, you have reached {whose}. Please leave a message after the beep.")
    await phone.play(beep())
    begun_ms = phone.now_ms
    ear = phone.ear

    def is_over() -> bool:
        silent_ms = min(ear.quiet_ms, phone.now_ms - begun_ms)
        return silent_ms >= VOICEMAIL_SILENCE_MS or phone.now_ms - begun_ms >= VOICEMAIL_MOST_MS

    await phone.until(is_over)
    phone.hang_up()


async def _screener(phone: Phone) -> None:
    await _pick_up(phone, RING_S)
    await phone.say(SCREEN)
    if not await wait_for_silence(phone, 900, SCREEN_PATIENCE_MS):
        phone.hang_up()
        return
    await phone.say(SCREEN_HOLD)
    await phone.pause(2_000)
    await _converse(phone)


async def _hangs_up_midway(phone: Phone) -> None:
    await _pick_up(phone, RING_S)
    await phone.say(HELLO)
    await phone.until(lambda: phone.ear.voiced_ms >= MIDWAY_MS, MIDWAY_PATIENCE_MS)
    phone.hang_up()


async def _silent(phone: Phone) -> None:
    await _pick_up(phone, RING_S)


async def _noisy(phone: Phone) -> None:
    phone.mouth.noisy = True
    await _pick_up(phone, RING_S)
    await _converse(phone)


async def _dtmf_menu(phone: Phone) -> None:
    await _pick_up(phone, RING_S)
    for _ in range(3):
        key = await _ask_for_key(phone)
        if key in MENU_ANSWERS:
            await phone.say(MENU_ANSWERS[key])
            break
        if key:
            await phone.say(MENU_WRONG)
    phone.hang_up()


async def _ask_for_key(phone: Phone) -> str:
    """The first key that is pressed while or after the menu is told; "" for none."""
    before = len(phone.keys)
    await phone.say(MENU)
    await phone.until(lambda: len(phone.keys) > before, MENU_PATIENCE_MS)
    return phone.keys[before : before + 1]


async def _manual(phone: Phone) -> None:
    phone.ring()


MANNERS: Final[dict[str, Conduct]] = {
    # A person with the phone at hand, who says hello and few words more.
    "answers": _answers,
    # In another call, without call waiting: the network says 486.
    "busy": _busy,
    # Somebody presses the red button: 603.
    "declines": _declines,
    # It rings until the caller or the network gives up.
    "no-answer": _no_answer,
    # Off, or out of coverage, without voicemail: 404.
    "unreachable": _unreachable,
    # Diverted to voicemail: a greeting, a beep, and a recording until the caller is silent for long.
    "voicemail": _voicemail,
    # An assistant picks up, asks who calls, and rings through to the owner who heard it.
    "screener": _screener,
    # A person who hangs up while the other end is speaking.
    "hangs-up-midway": _hangs_up_midway,
    # A pocket: the call is up, and nobody says a word.
    "silent": _silent,
    # A person in a street.
    "noisy": _noisy,
    # A company's menu, which understands keys only.
    "dtmf-menu": _dtmf_menu,
    # A person who has to find the phone first.
    "slow-answer": _slow_answer,
    # Rings until it is answered through the API or the console.
    "manual": _manual,
}


def conduct_of(personality: str) -> Conduct:
    """What a handset of this call personality does."""
    return MANNERS[personality]
