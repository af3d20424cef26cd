"""What calls need to know of the world outside a unit, and who decides what is said in one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringback.storage.sealing import Sealer
from ringback.storage.tx import Reads, Row
from ringback.webhooks import service as webhooks

WEBHOOK, HOSTED, DEMO, NOTICE = "webhook", "hosted", "demo", "notice"
Model = Mapping[str, Any]
"""What a media child needs to reach a model: plain JSON."""


@dataclass(frozen=True, slots=True)
class VoiceFacts:
    """`record` by setting, `max_s` the longest call, `ring_s` how long a phone rings, `recordings` the folder of files.

    `model` answers how the model of a tier (`turbo`, `balanced`, `max`) is reached; None where none is configured.
    """

    hash_key: bytes
    sealer: Sealer
    recordings: Path
    record: bool = True
    max_s: int = 3_600
    ring_s: float = 60
    model: Callable[[str], Model | None] = lambda tier: None

    def recording_path(self, call: Row) -> Path:
        """Where the recording of a call is."""
        return self.recordings.joinpath(call["account_id"], f"{call['id']}.wav")


def endpoint_that_is_on(db: Reads, account_id: str, agent_id: str | None) -> Row | None:
    """The endpoint that is asked what to say; None where there is none, or it is switched off."""
    endpoint = webhooks.endpoint_for(db, account_id, agent_id)
    return endpoint if endpoint is not None and endpoint["status"] == webhooks.ACTIVE else None


def brain_of(
    db: Reads, facts: VoiceFacts, agent: Row, settings: Mapping[str, Any], *, prompted: bool
) -> str | None:
    """Who decides what is said; None where a webhook is needed and there is none.

    A call with a prompt of its own (`prompted`) is the model's, whatever the agent's mode. Without a model the demo
    brain stands in.
    """
    if prompted or settings["voice_mode"] == "hosted":
        return DEMO if facts.model(settings["model_tier"]) is None else HOSTED
    return WEBHOOK if endpoint_that_is_on(db, agent["account_id"], agent["id"]) is not None else None
