"""Tools for events, and for the simulated network: its phones and its clock."""

from typing import Annotated, Any, Literal

from pydantic import Field

from ringback.doors.mcp.api import Api
from ringback.doors.mcp.arguments import (
    ABSENT,
    AgentId,
    Arguments,
    BadArguments,
    Flag,
    Id,
    Joined,
    Limit,
    Number,
    Objects,
    Offset,
    Text,
    Texts,
    Whole,
    Writing,
)
from ringback.doors.mcp.results import brief, cursor_page, listed, offset_page, rest_page
from ringback.doors.mcp.tools import tool

PhoneId = Annotated[Id, Field(description="A phone's id, hs_...")]
Wait = Annotated[Whole, Field(ge=0, le=60, description="Seconds to wait for something new.")]
_PHONE = ("id", "phoneNumber", "name", "personality", "callPersonality", "online")
_TEXT = ("id", "direction", "from", "to", "body", "mediaUrls", "at", "status")


class ListEvents(Arguments):
    after: Annotated[
        Whole,
        Field(ge=0, description="A sequence: what happened after it. `next` says it. Default: the newest."),
    ] = ABSENT
    types: Annotated[Joined, Field(description="With commas between, such as message.*,call.ended.")] = ABSENT
    agent_id: AgentId = ABSENT
    limit: Limit = 20
    wait: Annotated[Wait, Field(description="With after: seconds to wait for something new.")] = 0


@tool("Events", ListEvents)
async def list_events(api: Api, asked: ListEvents) -> Any:
    """Everything that happens to texts, calls and numbers, in one order, oldest first. To follow, repeat it with the
    `after` of `next`, and wait."""
    query: dict[str, Any] = {"types": asked.types, "agentId": asked.agent_id, "limit": asked.limit}
    after: int | None = asked.after
    if after is None:
        newest = (await api.get("v1/events", query={"limit": 1}))["newest"]
        after = max(0, newest - asked.limit)
    answer = await api.get("v1/events", query={**query, "after": after, "wait": asked.wait})
    rows = [brief(row, "seq", "at", "type", "agentId", "data") for row in answer["data"]]
    page = listed("events", rows, more=True, next_=lambda shown: {"after": answer["nextAfter"]})
    shown = page["events"]
    if len(shown) < len(rows):
        page["next"] = {"after": shown[-1]["seq"]}
    return page


class ListPhones(Arguments):
    limit: Limit = 20
    offset: Offset = 0


@tool("Phones", ListPhones, simulated=True)
async def list_phones(api: Api, asked: ListPhones) -> Any:
    """Phones of the simulated network: people to try agents with. No real phone is ever reached from it."""
    answer = await api.get("sim/v1/handsets", query={"limit": asked.limit, "offset": asked.offset})
    return offset_page("phones", answer, [brief(row, *_PHONE) for row in answer["data"]], asked.offset)


class CreatePhone(Writing):
    phone_number: Number = ABSENT
    name: Text = ABSENT
    area_code: Annotated[Text, Field(pattern=r"^\d{3}$")] = ABSENT
    personality: Annotated[
        Text, Field(description="How it takes texts: answers, echo, slow, unreachable, stops, landline ...")
    ] = ABSENT
    call_personality: Annotated[
        Text, Field(description="How it takes calls: answers, busy, no-answer, voicemail, manual ...")
    ] = ABSENT


@tool("Make a phone", CreatePhone, simulated=True)
async def create_phone(api: Api, asked: CreatePhone) -> Any:
    """Make a phone on the simulated network."""
    body = {
        "phoneNumber": asked.phone_number,
        "name": asked.name,
        "areaCode": asked.area_code,
        "personality": asked.personality,
        "callPersonality": asked.call_personality,
    }
    given = {name: value for name, value in body.items() if value is not None}
    return brief(await api.post("sim/v1/handsets", body=given), *_PHONE)


class TextFromPhone(Writing):
    phone_id: PhoneId
    to_number: Number
    body: Annotated[Text, Field(description="What the person writes.")] = ABSENT
    media_urls: Texts = ABSENT


@tool("Text from a phone", TextFromPhone, simulated=True)
async def text_from_phone(api: Api, asked: TextFromPhone) -> Any:
    """Write a text as the person with a phone of the simulated network, to try an agent."""
    body: dict[str, Any] = {"to": asked.to_number, **asked.given("body")}
    if asked.media_urls:
        body["mediaUrls"] = asked.media_urls
    return brief(await api.post("sim/v1/handsets", asked.phone_id, "messages", body=body), *_TEXT)


class ReadPhone(Arguments):
    phone_id: PhoneId
    limit: Limit = 20
    after: Annotated[Text, Field(description="A text's id: what is newer.")] = ABSENT
    before: Annotated[Text, Field(description="A text's id: what is older. `next` says it.")] = ABSENT
    wait: Wait = 0


@tool("Texts on a phone", ReadPhone, simulated=True)
async def read_phone(api: Api, asked: ReadPhone) -> Any:
    """The texts that a phone of the simulated network shows, newest first. With wait it holds until one arrives that is
    newer than `after`."""
    query = asked.given("limit", "after", "before", "wait")
    answer = await api.get("sim/v1/handsets", asked.phone_id, "messages", query=query)
    rows = [brief(row, *_TEXT) for row in answer["data"]]
    return cursor_page(rows, more=answer["hasMore"], after=asked.after)


class CallFromPhone(Writing):
    phone_id: PhoneId
    to_number: Number
    say: Annotated[Texts, Field(description="What the person says, each when the other has spoken.")] = ABSENT
    script: Annotated[
        Objects,
        Field(
            description='Steps instead: {"say"}, {"pauseMs"}, {"dtmf"}, {"waitForSilenceMs"}, {"hangup": true}.'
        ),
    ] = ABSENT


@tool("Call from a phone", CallFromPhone, simulated=True)
async def call_from_phone(api: Api, asked: CallFromPhone) -> Any:
    """Call as the person with a phone of the simulated network. It answers at once; get_phone_call tells what was said."""
    if asked.say and asked.script:
        raise BadArguments("say and script exclude each other: give one of them")
    script = asked.script or _script(asked.say or [])
    body = {"to": asked.to_number, "script": script}
    return brief(await api.post("sim/v1/handsets", asked.phone_id, "calls", body=body))


def _script(words: list[str]) -> list[dict[str, Any]]:
    """Say each when the other end has been silent for a moment, and hang up after the last answer."""
    steps = [step for word in words for step in ({"waitForSilenceMs": 1_000}, {"say": word})]
    return [*steps, {"waitForSilenceMs": 2_000}, {"hangup": True}] if steps else []


class GetPhoneCall(Arguments):
    call_id: Annotated[Id, Field(description="A phone's call, hsc_...")]
    wait: Annotated[Wait, Field(description="Seconds to wait for its end.")] = 0
    offset: Annotated[Whole, Field(ge=0, description="Words to pass over; `next` says how many.")] = 0


@tool("A phone's call", GetPhoneCall, simulated=True)
async def get_phone_call(api: Api, asked: GetPhoneCall) -> Any:
    """A call as the phone of the simulated network heard it, with both sides' words."""
    call = await api.get("sim/v1/calls", asked.call_id, query={"wait": asked.wait})
    words = [brief(said) for said in call.pop("words")]
    return brief(call) | rest_page("words", words, asked.offset)


@tool("Clock", Arguments, simulated=True)
async def get_clock(api: Api, asked: Arguments) -> Any:
    """The time as the server and the simulated network have it."""
    return await api.get("sim/v1/clock")


class MoveClock(Writing):
    action: Literal["freeze", "resume", "advance"]
    seconds: Annotated[Whole, Field(ge=1, description="For advance.")] = ABSENT
    to: Annotated[Text, Field(description="For advance: a time such as 2026-12-01T00:00:00Z.")] = ABSENT
    confirm: Annotated[
        Flag, Field(description="For advance: true. The clock never goes back, for nobody on this server.")
    ] = False


@tool("Move the clock", MoveClock, simulated=True)
async def move_clock(api: Api, asked: MoveClock) -> Any:
    """Freeze, resume or advance the clock of the server. What falls due on the way happens: retries, receipts, expiry.
    It never goes back."""
    if asked.action != "advance":
        return await api.post("sim/v1/clock", body={asked.action: True})
    if (asked.seconds is None) is (asked.to is None):
        raise BadArguments("advance takes either seconds or to")
    if not asked.confirm:
        return {"moved": False, "toDo": "The clock never goes back: repeat this with confirm true."}
    body = {"advanceTo": asked.to} if asked.seconds is None else {"advanceSeconds": asked.seconds}
    return await api.post("sim/v1/clock", body=body)
