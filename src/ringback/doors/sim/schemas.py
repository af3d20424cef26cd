"""Wire types of `/sim/v1`: camelCase, and strict about types."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from ringback.kit.links import absolute
from ringback.kit.times import to_iso
from ringback.kit.wire import ABSENT, WHOLE, CamelWire, IsoTime
from ringback.sim.faults import Fault, FaultKind
from ringback.sim.handsets import Handset
from ringback.sim.media import Media, attachment
from ringback.sim.settings import Campaign, Registration, Settings
from ringback.sim.texts import Text

Personality = Literal[
    "answers",
    "slow",
    "unreachable",
    "landline",
    "blocks-you",
    "filtered",
    "unregistered",
    "lost-receipt",
    "late-receipt",
    "duplicate-receipt",
    "duplicate-sender",
    "out-of-order",
    "stops",
    "echo",
]
CallPersonality = Literal[
    "answers",
    "busy",
    "declines",
    "no-answer",
    "unreachable",
    "voicemail",
    "screener",
    "hangs-up-midway",
    "silent",
    "noisy",
    "dtmf-menu",
    "slow-answer",
    "manual",
]
Capability = Literal["sms", "mms", "voice"]


class HandsetCreate(CamelWire):
    """A phone to make; nothing is required."""

    phone_number: str | None = None
    name: str | None = None
    country: Annotated[str, Field(pattern="^[A-Za-z]{2}$")] = "US"
    area_code: Annotated[str, Field(pattern=r"^[0-9]{3}$")] | None = None
    personality: Personality = "answers"
    call_personality: CallPersonality = "answers"
    capabilities: list[Capability] = Field(default=["sms", "mms", "voice"])


class HandsetChange(CamelWire):
    """Fields left out stay as they are; a null `name` clears it."""

    name: str | None = None
    personality: Personality | None = None
    call_personality: CallPersonality | None = None
    capabilities: list[Capability] | None = None
    online: bool | None = None

    def changes(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.model_dump(exclude_unset=True).items()
            if value is not None or name == "name"
        }


class HandsetOut(CamelWire):
    """One phone."""

    id: str
    phone_number: str
    name: str | None
    country: str
    personality: Personality
    call_personality: CallPersonality
    capabilities: list[Capability]
    online: bool
    created_at: IsoTime

    @staticmethod
    def of(handset: Handset) -> "HandsetOut":
        return HandsetOut.model_validate(
            {
                "id": handset.id,
                "phone_number": handset.e164,
                "name": handset.name,
                "country": handset.country,
                "personality": handset.personality,
                "call_personality": handset.call_personality,
                "capabilities": list(handset.capabilities),
                "online": handset.online,
                "created_at": to_iso(handset.created_ms),
            }
        )


class HandsetPage(CamelWire):
    """Phones, newest first."""

    data: list[HandsetOut]
    has_more: bool
    total: int


class TextSend(CamelWire):
    """A text from a handset; `to` in any spelling."""

    to: str
    body: str | None = None
    media_urls: list[str] | None = None
    channel: Literal["sms", "mms"] | None = None


class AttachmentOut(CamelWire):
    """One of a text's media; `bytes` is its size."""

    url: str
    content_type: str
    bytes: int


class MediaOut(AttachmentOut):
    """Media as they were uploaded; the `url` may be sent."""

    id: str
    created_at: IsoTime

    @staticmethod
    def of(media: Media, base: str) -> "MediaOut":
        [url] = absolute(base, [attachment(media).url])
        return MediaOut(
            id=media.id,
            url=url,
            content_type=media.content_type,
            bytes=media.size,
            created_at=to_iso(media.created_ms),
        )


class TextOut(CamelWire):
    """A text as the handset sees it."""

    id: str
    direction: Literal["in", "out"]
    from_: Annotated[str, Field(alias="from")]
    to: str
    body: str
    media_urls: list[str]
    media: list[AttachmentOut]
    channel: Literal["sms", "mms"]
    at: IsoTime
    status: Literal["sent", "delivered", "failed"]

    @staticmethod
    def of(text: Text, base: str) -> "TextOut":
        return TextOut.model_validate(text.to_wire(base))


class TextPage(CamelWire):
    """Texts, newest first."""

    data: list[TextOut]
    has_more: bool


class NetworkChange(CamelWire):
    """Fields left out stay as they are; `inventory` is replaced whole."""

    seed: Annotated[int, WHOLE] | None = None
    latency_ms: Annotated[int, Field(ge=0, le=86_400_000), WHOLE] | None = None
    loss_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    jitter_ms: Annotated[int, Field(ge=0, le=86_400_000), WHOLE] | None = None
    messages_per_second: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = None
    registration: Registration | None = None
    review_seconds: Annotated[int, Field(ge=0, le=366 * 86_400), WHOLE] | None = None
    campaign: Campaign | None = None
    inventory: dict[str, Annotated[int, Field(ge=0), WHOLE]] | None = None

    def changes(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.model_dump(exclude_unset=True).items()
            if value is not None or name in ("messages_per_second", "campaign")
        }


class NetworkOut(CamelWire):
    """The line and the carrier; `inventory` is what is left now."""

    seed: int
    latency_ms: int
    loss_percent: float
    jitter_ms: int
    messages_per_second: int | None
    registration: Registration
    review_seconds: int
    campaign: Campaign | None
    inventory: dict[str, int]

    @staticmethod
    def of(settings: Settings) -> "NetworkOut":
        return NetworkOut(
            seed=settings.seed,
            latency_ms=settings.latency_ms,
            loss_percent=settings.loss_percent,
            jitter_ms=settings.jitter_ms,
            messages_per_second=settings.messages_per_second,
            registration=settings.registration,
            review_seconds=settings.review_seconds,
            campaign=settings.campaign,
            inventory=settings.inventory,
        )


class FaultMatch(CamelWire):
    """`number` matches either side."""

    model_config = ConfigDict(extra="forbid")

    from_: Annotated[str | None, Field(alias="from")] = None
    to: str | None = None
    number: str | None = None


class FaultCreate(CamelWire):
    """A fault to come, `count` times where it matches."""

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    count: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] = 1
    match: FaultMatch | None = None


class MatchOut(CamelWire):
    """What a fault waits for; absent where it doesn't matter."""

    from_: Annotated[str, Field(alias="from")] = ABSENT
    to: str = ABSENT
    number: str = ABSENT


class FaultOut(CamelWire):
    """`count` is how often it will still strike."""

    id: str
    kind: FaultKind
    count: int
    match: MatchOut
    created_at: IsoTime

    @staticmethod
    def of(fault: Fault) -> "FaultOut":
        match = {"from": fault.sender, "to": fault.recipient, "number": fault.number}
        given = {name: value for name, value in match.items() if value is not None}
        return FaultOut.model_validate(
            {
                "id": fault.id,
                "kind": fault.kind,
                "count": fault.count,
                "match": given,
                "created_at": to_iso(fault.created_ms),
            }
        )


class FaultPage(CamelWire):
    """Faults that can still strike, newest first."""

    data: list[FaultOut]
    has_more: bool
    total: int


class Deleted(CamelWire):
    """It is gone."""

    success: bool
