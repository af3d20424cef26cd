"""Wiring of the phone network: settings -> the simulated line."""

import sys

from ringback.doors.sim.line import LocalLine, RemoteLine, SimulatedLine
from ringback.kit.clock import MovableClock
from ringback.kit.http import OutgoingHttp
from ringback.settings import Settings
from ringback.speech.registry import AUTO, HOSTED


def line_of(settings: Settings, clock: MovableClock, http: OutgoingHttp) -> SimulatedLine:
    """The network that the settings name: in this process, or elsewhere."""
    if settings.sim_url is not None:
        return RemoteLine(
            settings.sim_url,
            answer_timeout_s=settings.submit_timeout_s,
            own_url=settings.own_url,
            origins=settings.web_origins,
        )
    return LocalLine(
        settings.data,
        clock,
        handsets=settings.sim_handsets,
        answer_timeout_s=settings.submit_timeout_s,
        http=http,
        own_url=settings.own_url,
        exchange=exchange_command(settings),
        origins=settings.web_origins,
    )


def exchange_command(settings: Settings) -> tuple[str, ...]:
    """The command that starts the network's exchange, with the speech that the settings name.

    Its phones speak and hear on this machine, also where the agents' speech is somebody's service: tests cost nothing.
    """
    hears, speaks = (AUTO if it == HOSTED.name else it for it in (settings.speech_stt, settings.speech_tts))
    command = (sys.executable, "-m", "ringback.exchange", "--data", str(settings.data))
    return (*command, "--hears", hears, "--speaks", speaks)
