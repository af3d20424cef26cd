"""What iMessage-class lines take and answer (contract: SendReactionResponse and its kin)."""

from typing import TYPE_CHECKING

from ringback.kit.wire import CamelWire, IsoTime, Text, Wire, text_up_to

if TYPE_CHECKING:
    Name = str
    Reaction = str
else:
    Name = text_up_to(100)
    Reaction = text_up_to(64, at_least=1)


class SendReaction(Wire):
    """One of love, like, dislike, laugh, emphasize and question, or an emoji."""

    reaction: Reaction


class SendReactionResponse(Wire):
    id: str
    reaction_type: str
    message_id: str
    channel: str


class SendTyping(Wire):
    """Nothing has to be said."""


class SendTypingResponse(CamelWire):
    conversation_id: str
    channel: str
    status: str


class SetBackground(Wire):
    image_url: Text


class SetBackgroundResponse(CamelWire):
    conversation_id: str
    channel: str
    has_background: bool
    background_id: str | None = None
    background_version: int | None = None
    changed: bool


class PutContactCard(CamelWire):
    first_name: Name | None = None
    last_name: Name | None = None
    display_name: Name | None = None
    avatar_url: Text | None = None


class ContactCardResponse(CamelWire):
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    has_avatar: bool = False


class ContactCapabilityFlags(CamelWire):
    imessage: bool
    sms: bool


class ContactCapabilitiesResponse(CamelWire):
    phone_number: str
    capabilities: ContactCapabilityFlags
    checked_at: IsoTime
