"""What endpoints are given to work with."""

from dataclasses import dataclass

from fastapi import Request

from ringback.calls.jobs import CallKeeper
from ringback.calls.switchboard import Switchboard
from ringback.calls.waiting import CallWaits
from ringback.carriers.protocol import Carrier, OutboundSms
from ringback.doors.rest.once import Once
from ringback.events.waiting import EventWaits
from ringback.flows.search_turns import SearchTurns
from ringback.flows.send_text import Line
from ringback.flows.voice_facts import VoiceFacts
from ringback.kit.clock import Clock
from ringback.kit.http import AddressPolicy, OutgoingHttp
from ringback.kit.ids import IdMaker
from ringback.settings import Settings
from ringback.storage.sealing import Sealer
from ringback.storage.store import Store
from ringback.storage.tx import Row


@dataclass(frozen=True, slots=True)
class Parts:
    """The wired parts of a server."""

    settings: Settings
    store: Store
    carrier: Carrier
    line: Line
    once: Once
    sealer: Sealer
    http: OutgoingHttp
    policy: AddressPolicy
    clock: Clock
    ids: IdMaker
    waits: EventWaits
    voice: VoiceFacts
    searches: SearchTurns
    calls: CallWaits
    call_keeper: CallKeeper
    switchboard: Switchboard | None
    """Who holds live calls; None where nobody does."""

    def outbound_sms(self, number: Row) -> OutboundSms | None:
        """Whether a number may send, as the carrier says now; None once it is released."""
        if number["status"] != "active":
            return None
        return self.carrier.outbound_sms(number["e164"], number["country"])


def parts_of(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts
