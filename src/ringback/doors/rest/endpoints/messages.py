"""/v1/messages"""

from fastapi import APIRouter, Request

from ringback.compliance.service import check_blocked
from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of, to_bytes
from ringback.doors.rest.parts import Parts, parts_of
from ringback.flows.message_story import Story, story_of
from ringback.flows.pace_texts import estimated_at
from ringback.flows.send_text import Line, SendText, needs, send_text, sender
from ringback.flows.settle_text import settle
from ringback.kit import phone
from ringback.kit.addresses import BadUrl, check_url
from ringback.kit.faults import Invalid
from ringback.kit.times import to_iso
from ringback.messages.errors import UnsupportedChannel
from ringback.messages.schemas import (
    FailureOut,
    MessageDetail,
    SendExtras,
    SendMessage,
    SendMessageResponse,
    SettleMessage,
    StepOut,
)
from ringback.storage.tx import Tx

router = APIRouter(route_class=JsonRoute, prefix="/v1/messages", tags=["messages"])
MAX_CHARACTERS = 1600
MAX_MEDIA = 20


@router.post("", operation_id="sendMessage", response_model=SendMessageResponse)
async def send_message(request: Request, caller: Scoped, asked: SendMessage) -> JsonBytes:
    parts = parts_of(request)
    beyond = _beyond_sms(asked)
    text = SendText(
        account_id=caller.account_id,
        to="" if beyond else _recipient(asked),
        body=_body(asked),
        media_urls=_media(asked),
        number_id=asked.number_id,
        from_number=None if asked.from_number is None else _own_number(asked.from_number),
        agent_id=asked.agent_id,
        validity_ms=(asked.ringback or SendExtras()).validity_seconds * 1000,
    )
    if beyond is not None:
        # A line that is not there can't be of the wrong class.
        await parts.store.read(lambda db: sender(db, text))
        raise beyond
    return await parts.once.write(
        await claim_of(request, caller),
        caller,
        lambda tx: _accept(tx, parts.line, text),
        needs=needs(parts.line, text),
    )


def _accept(tx: Tx, line: Line, text: SendText) -> SendMessageResponse:
    message = send_text(tx, line, text)
    return SendMessageResponse.of(message, estimated_at(tx, line.paces, message, tx.now))


@router.get("/{message_id}", operation_id="getMessage", response_model=MessageDetail)
async def get_message(request: Request, caller: Scoped, message_id: str) -> JsonBytes:
    parts = parts_of(request)
    return JsonBytes(
        await parts.store.read(lambda db: to_bytes(_told(parts, story_of(db, caller.account_id, message_id))))
    )


@router.post("/{message_id}/settle", operation_id="settleMessage", response_model=MessageDetail)
async def settle_message(
    request: Request, caller: Scoped, message_id: str, asked: SettleMessage
) -> JsonBytes:
    parts = parts_of(request)

    def unit(tx: Tx) -> MessageDetail:
        settle(tx, caller.account_id, message_id, asked.status, asked.note)
        return _told(parts, story_of(tx, caller.account_id, message_id))

    return await parts.once.write(await claim_of(request, caller), caller, unit)


def _told(parts: Parts, story: Story) -> MessageDetail:
    steps = [
        StepOut(
            kind=step.kind,
            at=to_iso(step.at),
            attempt=step.attempt,
            code=step.code,
            side=step.side,
            detail=step.detail,
            delivery_id=step.delivery_id,
        )
        for step in story.steps
    ]
    why = story.failure
    failure = None if why is None else FailureOut(side=why.side, code=why.code, why=why.why)
    return MessageDetail.telling(story.message, parts.settings.own_url, steps, failure)


def _beyond_sms(asked: SendMessage) -> UnsupportedChannel | None:
    """What to tell whoever asks for more than SMS can do."""
    if asked.recipients:
        if len(asked.recipients) == 1:
            raise Invalid("names two people or more; for one there is to_number", field="recipients")
        told = "groups need an iMessage-class line; name one to_number"
        return UnsupportedChannel(told, field="recipients")
    to = asked.to_number or ""
    if "@" in to or to.startswith("grp_"):
        told = "an email or a group needs an iMessage-class line; SMS takes a telephone number"
        return UnsupportedChannel(told, field="to_number")
    return None


def _recipient(asked: SendMessage) -> str:
    typed = asked.to_number
    if not typed:
        raise Invalid("names who gets the text, such as +14155550104", field="to_number")
    check_blocked(typed)
    short = phone.short_code(typed)
    if short is not None:
        return short
    try:
        return phone.normalise(typed)
    except phone.InvalidNumber as error:
        raise Invalid(f"{error}; send a telephone number such as +14155550104", field="to_number") from None


def _own_number(typed: str) -> str:
    try:
        return phone.normalise(typed)
    except phone.InvalidNumber as error:
        raise Invalid(f"{error}; send a number of yours such as +14155550104", field="from_number") from None


def _body(asked: SendMessage) -> str:
    body = asked.body or ""
    if not body and not asked.media_urls and not asked.media_url:
        raise Invalid("must not be empty unless there is media", field="body")
    if len(body) > MAX_CHARACTERS:
        raise Invalid(f"takes at most {MAX_CHARACTERS} characters; this has {len(body)}", field="body")
    return body


def _media(asked: SendMessage) -> tuple[str, ...]:
    if not asked.media_urls and not asked.media_url:
        return ()
    urls = [("media_urls", url) for url in asked.media_urls or []]
    if asked.media_url and asked.media_url not in (asked.media_urls or []):
        urls.insert(0, ("media_url", asked.media_url))
    if len(urls) > MAX_MEDIA:
        raise Invalid(f"takes at most {MAX_MEDIA} URLs", field="media_urls")
    for field, url in urls:
        try:
            check_url(url)
        except BadUrl as error:
            raise Invalid(str(error), field=field) from None
    return tuple(url for _, url in urls)
