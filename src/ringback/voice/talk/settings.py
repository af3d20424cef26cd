"""What a conversation takes of its plan, with the defaults where an agent has nothing set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringback.voice.talk.callee import introduction

_DEFAULT_SENSITIVITY = 0.8
_MAX_SILENCE_MS = 600_000
_CAREFUL_MS = 300


@dataclass(frozen=True, slots=True)
class Manners:
    """How an agent behaves in a call; times are milliseconds."""

    greeting: str | None = None
    notice: str | None = None
    """Said before anything else, such as that the call is recorded."""
    max_silence_ms: int = _MAX_SILENCE_MS
    max_ms: int = 3_600_000
    talked_ms: int = 0
    """How long the call has been up already, of one that goes on after its process died."""
    sensitivity: float = _DEFAULT_SENSITIVITY
    """From 0 (nothing interrupts the agent) to 1."""
    transfer_number: str | None = None
    apologize: bool = False
    """Whether a turn without an answer is apologised for."""
    language: str = "en-US"
    patience_ms: int = 0
    """How much longer a silence than usual ends an utterance, so that it is read in one piece."""
    nods: bool = True
    """Whether the agent shows by a word that it listens."""
    is_caller: bool = False
    """Whether the agent made the call: a machine may have answered it."""
    voicemail_message: str | None = None
    introduction: str | None = None
    """What is answered to who asks who calls."""
    ends_after_greeting: str | None = None
    """The reason with which the call ends when the greeting was said, because nobody is there to answer."""

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> "Manners":
        """Those of a `CallPlan`."""
        agent = plan["agent"]

        def given(name: str, default: Any) -> Any:
            value = agent.get(name)
            return default if value is None else value

        brain = plan["brain"]
        is_notice = brain["kind"] == "notice"
        return cls(
            greeting=brain["text"] if is_notice else plan.get("greeting"),
            ends_after_greeting="webhook_error" if is_notice else None,
            notice=plan.get("recording_notice"),
            max_silence_ms=int(given("max_silence_ms", _MAX_SILENCE_MS)),
            max_ms=int(float(plan["max_s"]) * 1000),
            talked_ms=int(plan.get("talked_ms", 0)),
            sensitivity=float(given("interruption_sensitivity", _DEFAULT_SENSITIVITY)),
            transfer_number=agent.get("transfer_number"),
            apologize=bool(plan.get("apologize", brain["kind"] == "hosted")),
            language=str(given("language", "en-US")),
            patience_ms=_CAREFUL_MS if agent.get("stt_mode") == "accurate" else 0,
            nods=bool(given("enable_backchannel", True)),
            is_caller=plan["direction"] == "outbound",
            voicemail_message=agent.get("voicemail_message"),
            introduction=introduction(
                agent.get("call_screening_identity"), agent.get("call_screening_purpose")
            ),
        )

    @property
    def opening(self) -> str:
        """What the agent says first, and may be empty."""
        return " ".join(filter(None, (self.notice, self.greeting)))

    @property
    def pause_after_ms(self) -> int | None:
        """How long a caller speaks before the agent pauses for it; None: as long as they like."""
        if self.sensitivity <= 0:
            return None
        return round(max(0.0, _DEFAULT_SENSITIVITY - self.sensitivity) * 1500)

    @property
    def words_to_cut(self) -> int:
        """How many words end the agent's reply."""
        return 1 if self.sensitivity >= 0.5 else 3
