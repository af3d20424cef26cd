"""The carrier over a network in this process."""

from collections.abc import AsyncGenerator, Sequence

from ringback.carriers.pace import pace_of, scope_of
from ringback.carriers.protocol import (
    EventBatch,
    LineRecord,
    NoAnswer,
    Offer,
    OutboundSms,
    OutboundText,
    Refused,
    SenderThrottled,
    Throttled,
    Unreachable,
    VoiceCarrier,
)
from ringback.carriers.simulated.stream import EventStream, Fetched
from ringback.carriers.simulated.translate import NAME
from ringback.carriers.simulated.voice import LocalVoice
from ringback.kit.database_faults import DatabaseUnavailable
from ringback.kit.pace import Pace, Scope
from ringback.sim.errors import LineDown, LineRefused, LineThrottled, NeverAnswers
from ringback.sim.errors import SenderThrottled as LineSenderThrottled
from ringback.sim.inventory import Wish
from ringback.sim.network import Network
from ringback.sim.operators import operator_of
from ringback.sim.outbound import Submission

_LOOK_S = 5.0


class SimulatedCarrier:
    """One connection to the simulated network. It neither starts nor stops the network itself.

    `answer_timeout_s` is how long (real time) an answer is waited for before `NoAnswer`.
    """

    name = NAME
    takes_our_id = True

    def __init__(self, network: Network, *, answer_timeout_s: float = 5.0) -> None:
        self._network = network
        self._answer_timeout_s = answer_timeout_s
        self._stream = EventStream(self._fetch)
        self.voice: VoiceCarrier | None = LocalVoice(network.voice, lambda: network.stopping)

    async def start(self) -> None:
        self._stream = EventStream(self._fetch)

    async def stop(self) -> None:
        self._stream.stop()

    def outbound_sms(self, e164: str, country: str) -> OutboundSms:
        return self._network.outbound_sms(e164, country)

    @property
    def paced_as(self) -> str | None:
        return self._network.settings.campaign

    def pace(self, e164: str, country: str) -> Pace | None:
        return pace_of(self._network.settings.campaign, e164, country)

    def pace_scope(self, e164: str, country: str) -> Scope | None:
        return scope_of(e164, country)

    def operator_of(self, e164: str) -> str | None:
        return operator_of(self._network.settings.seed, e164)

    async def search(
        self,
        country: str,
        *,
        area_code: str | None = None,
        city: str | None = None,
        state: str | None = None,
        postal_code: str | None = None,
        e164: str | None = None,
        limit: int = 1,
        pattern: str | None = None,
    ) -> Sequence[Offer]:
        wish = Wish(country, area_code, city, state, postal_code, e164, limit, pattern)
        try:
            sales = await self._network.search(wish)
        except (LineDown, DatabaseUnavailable) as error:
            raise Unreachable(error.message) from None
        return [
            Offer(sale.e164, sale.country, sale.area_code, sale.city, sale.state, sale.rate_center)
            for sale in sales
        ]

    async def buy(self, e164: str, reference: str) -> None:
        try:
            await self._network.buy(e164, reference)
        except LineRefused as error:
            raise Refused(error.message, error.code) from None
        except (LineDown, DatabaseUnavailable) as error:
            raise Unreachable(error.message) from None
        except NeverAnswers as error:
            await self._lose_patience(error)

    async def order_of(self, reference: str) -> str | None:
        try:
            return await self._network.order_of(reference)
        except (LineDown, DatabaseUnavailable) as error:
            raise Unreachable(error.message) from None

    async def release(self, e164: str) -> None:
        try:
            await self._network.release(e164)
        except (LineDown, DatabaseUnavailable) as error:
            raise Unreachable(error.message) from None

    async def lookup(self, numbers: Sequence[str]) -> Sequence[LineRecord]:
        try:
            lines = await self._network.lookup(numbers)
        except (LineDown, DatabaseUnavailable) as error:
            raise Unreachable(error.message) from None
        return [LineRecord(line.e164, line.line_type, line.rcs) for line in lines]

    async def submit(self, text: OutboundText) -> str:
        submission = Submission(
            text.reference,
            text.from_,
            text.to,
            text.body,
            text.media_urls,
            text.channel,
            text.validity_ms,
        )
        try:
            return await self._network.submit(submission)
        except LineRefused as error:
            raise Refused(error.message, error.code) from None
        except LineSenderThrottled as error:
            raise SenderThrottled(error.message, error.code) from None
        except LineThrottled as error:
            raise Throttled(error.message, error.code) from None
        except (LineDown, DatabaseUnavailable) as error:
            raise Unreachable(error.message) from None
        except NeverAnswers as error:
            return await self._lose_patience(error)

    def events(self) -> AsyncGenerator[EventBatch, None]:
        return self._stream.batches()

    async def acknowledge(self, tokens: Sequence[str]) -> None:
        await self._network.acknowledge(tokens)
        self._stream.acknowledged(tokens)

    async def _lose_patience(self, error: NeverAnswers) -> str:
        await self._network.wait_for_stop(self._answer_timeout_s)
        raise NoAnswer(error.message) from None

    async def _fetch(self, after: int) -> list[Fetched]:
        if self._network.stopping:
            self._stream.stop()
            return []
        found = await self._network.carrier_events(after, wait_s=_LOOK_S)
        return [(event.token, event.kind, event.data) for event in found]
