"""The carrier over a network in a process of its own, spoken to by HTTP (`/carrier/v1`, `doors/sim/carrier_api.py`)."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ringback.carriers.pace import pace_of, scope_of
from ringback.carriers.protocol import (
    MEDIA_S,
    CarrierError,
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
from ringback.carriers.simulated.voice import RemoteVoice
from ringback.kit import json_text
from ringback.kit.pace import Pace, Scope
from ringback.sim.operators import operator_of

if TYPE_CHECKING:
    import aiohttp

_LOOK_S = 20
_RETRY_S = 0.5
_ERRORS: dict[str, type[CarrierError]] = {
    "refused": Refused,
    "throttled": Throttled,
    "sender-throttled": SenderThrottled,
    "unreachable": Unreachable,
    "no-answer": NoAnswer,
}


class RemoteSimulatedCarrier:
    """One connection to the simulated network at `url`, such as `http://127.0.0.1:8643`."""

    name = NAME
    takes_our_id = True

    def __init__(self, url: str, *, answer_timeout_s: float = 5.0) -> None:
        self._base = url.rstrip("/") + "/carrier/v1"
        self._answer_timeout_s = answer_timeout_s
        self._stream = EventStream(self._fetch)
        self._session: aiohttp.ClientSession | None = None
        self._remote_voice = RemoteVoice(self._call)
        self.voice: VoiceCarrier | None = self._remote_voice
        self._us_sms: OutboundSms = "enabled"
        self._campaign: str | None = None
        self._seed = 1

    async def start(self) -> None:
        """Open the connections. A network that isn't there yet is no error: calls say so, events wait for it."""
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=256, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=self._answer_timeout_s, sock_connect=2),
        )
        self._stream = EventStream(self._fetch)
        try:
            await self.refresh()
        except CarrierError:
            return

    async def stop(self) -> None:
        self._stream.stop()
        self._remote_voice.stop()
        if self._session is not None:
            await self._session.close()

    async def refresh(self) -> None:
        """Ask again what is answered from memory (each answer with events brings it too)."""
        self._heed(await self._call("GET", "/terms"))

    def _heed(self, told: dict[str, Any]) -> None:
        self._us_sms = told["outboundSms"]["US"]
        self._campaign, self._seed = told["campaign"], told["seed"]

    def outbound_sms(self, e164: str, country: str) -> OutboundSms:
        return self._us_sms if country == "US" else "enabled"

    @property
    def paced_as(self) -> str | None:
        return self._campaign

    def pace(self, e164: str, country: str) -> Pace | None:
        return pace_of(self._campaign, e164, country)

    def pace_scope(self, e164: str, country: str) -> Scope | None:
        return scope_of(e164, country)

    def operator_of(self, e164: str) -> str | None:
        return operator_of(self._seed, e164)

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
        wish = {
            "country": country,
            "area_code": area_code,
            "city": city,
            "state": state,
            "postal_code": postal_code,
            "e164": e164,
            "limit": limit,
            "pattern": pattern,
        }
        try:
            answer = await self._call("POST", "/search", wish)
        except NoAnswer as error:
            raise Unreachable(error.message) from None
        return [Offer(**offer) for offer in answer["offers"]]

    async def buy(self, e164: str, reference: str) -> None:
        await self._call("POST", "/buy", {"e164": e164, "reference": reference})

    async def order_of(self, reference: str) -> str | None:
        answer = await self._call("GET", f"/orders/{quote(reference, safe='')}")
        found: str | None = answer["e164"]
        return found

    async def release(self, e164: str) -> None:
        await self._call("POST", "/release", {"e164": e164})

    async def lookup(self, numbers: Sequence[str]) -> Sequence[LineRecord]:
        try:
            answer = await self._call("POST", "/lookup", {"numbers": list(numbers)})
        except NoAnswer as error:
            raise Unreachable(error.message) from None
        return [LineRecord(**line) for line in answer["lines"]]

    async def submit(self, text: OutboundText) -> str:
        submission = {
            "reference": text.reference,
            "sender": text.from_,
            "recipient": text.to,
            "body": text.body,
            "media_urls": text.media_urls,
            "channel": text.channel,
            "validity_ms": text.validity_ms,
        }
        timeout_s = self._answer_timeout_s + (MEDIA_S if text.media_urls else 0)
        ref: str = (await self._call("POST", "/submit", submission, timeout_s))["ref"]
        return ref

    def events(self) -> AsyncGenerator[EventBatch, None]:
        return self._stream.batches()

    async def acknowledge(self, tokens: Sequence[str]) -> None:
        await self._call("POST", "/ack", {"tokens": list(tokens)})
        self._stream.acknowledged(tokens)

    async def _fetch(self, after: int) -> list[Fetched] | None:
        try:
            answer = await self._call(
                "GET", f"/events?after={after}&wait={_LOOK_S}", timeout_s=_LOOK_S + self._answer_timeout_s
            )
        except CarrierError:
            await asyncio.sleep(_RETRY_S)
            return None
        self._heed(answer)
        return [(event["token"], event["kind"], event["data"]) for event in answer["events"]]

    async def _call(
        self, method: str, path: str, body: Any = None, timeout_s: float | None = None
    ) -> dict[str, Any]:
        import aiohttp

        if self._session is None:
            raise Unreachable("the carrier's client is not started")
        timeout = aiohttp.ClientTimeout(total=timeout_s or self._answer_timeout_s, sock_connect=2)
        try:
            async with self._session.request(method, self._base + path, json=body, timeout=timeout) as answer:
                raw = await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            # Nothing was written: there was no connection.
            raise Unreachable("no connection to the simulated network") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswer(f"the simulated network did not answer: {error!r}") from None
        return self._read(answer.status, raw)

    @staticmethod
    def _read(status: int, raw: bytes) -> dict[str, Any]:
        try:
            answer = json_text.loads(raw)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise NoAnswer(f"the simulated network answered {status} with no JSON object")
        if status == 200:
            return answer
        error = answer.get("carrierError")
        if not isinstance(error, dict):
            # It judged the request and didn't carry it out.
            raise (
                Refused(f"the simulated network answered {status}")
                if status < 500
                else NoAnswer(f"the simulated network answered {status}")
            )
        raise _ERRORS[error["kind"]](error["message"], error["code"])
