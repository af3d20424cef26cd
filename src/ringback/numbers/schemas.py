"""Numbers on the wire (contract: PhoneNumberResponse and its kin)."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ringback.carriers.protocol import Offer, OutboundSms
from ringback.kit.times import to_iso
from ringback.kit.wire import ABSENT, CamelWire, IsoTime, Text, text_up_to
from ringback.storage.tx import Row

if TYPE_CHECKING:
    ExternalId = str
else:
    ExternalId = text_up_to(255)


class NumberExtras(CamelWire):
    """What is ours: `phoneNumber` buys this very number."""

    phone_number: Text | None = None


class CreateNumber(CamelWire):
    country: Annotated[str, Field(pattern="^[A-Za-z]{2}$")] = "US"
    area_code: Annotated[str, Field(pattern="^[0-9]{3}$")] | None = None
    agent_id: Text | None = None
    type: Text | None = None
    imessage_type: Text | None = None
    external_id: ExternalId | None = None
    expires_at: IsoTime | None = None
    ringback: NumberExtras | None = None


class UpdateNumber(CamelWire):
    external_id: ExternalId | None = None
    expires_at: IsoTime | None = None


class DailyNewContacts(CamelWire):
    used: int
    limit: int


class PhoneNumberResponse(CamelWire):
    id: str
    phone_number: str
    country: str
    status: Literal["active", "released"]
    type: str
    agent_id: str | None
    created_at: IsoTime
    outbound_sms: OutboundSms | None = None
    inbound_calls_enabled: bool | None = None
    read_receipts_enabled: bool | None = None
    whatsapp_enabled: bool | None = None
    daily_new_contacts: DailyNewContacts | None = None
    purchased_at: IsoTime | None = None
    external_id: str | None = None
    expires_at: IsoTime | None = None
    rcs_fallback_for_alias: str | None = None

    @classmethod
    def of(cls, row: Row, outbound_sms: OutboundSms | None) -> "PhoneNumberResponse":
        """A number's row; `outbound_sms` as the carrier says now, None for a released number."""
        return cls.model_construct(
            id=row["id"],
            phone_number=row["e164"],
            country=row["country"],
            status=row["status"],
            type=row["type"],
            agent_id=row["agent_id"],
            created_at=to_iso(row["created_at"]),
            outbound_sms=outbound_sms,
            purchased_at=to_iso(row["created_at"]),
            external_id=row["external_id"],
            expires_at=None if row["expires_at"] is None else to_iso(row["expires_at"]),
        )


class PhoneNumberListResponse(CamelWire):
    data: list[PhoneNumberResponse]
    has_more: bool
    total: int


class ReleasedNumber(CamelWire):
    success: bool
    id: str = ABSENT
    phone_number: str
    status: Literal["released"]


class AvailableNumber(CamelWire):
    phone_number: str
    city: str | None = None
    state: str | None = None
    rate_center: str | None = None
    area_code: str | None = None

    @classmethod
    def of(cls, offer: Offer) -> "AvailableNumber":
        return cls(
            phone_number=offer.e164,
            city=offer.city,
            state=offer.state,
            rate_center=offer.rate_center,
            area_code=offer.area_code,
        )


class AvailableNumberList(CamelWire):
    data: list[AvailableNumber]
