"""What only iMessage-class lines can do, refused on all others by what it would take (contract: behaviour, "Messages").

What is not there, or not the caller's, is a 404 before anything is said about the body.
"""

from typing import Annotated, NoReturn

from fastapi import APIRouter, Depends, Request, Response

from ringback.conversations import service as conversations
from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.endpoints.imessage_schemas import (
    ContactCardResponse,
    PutContactCard,
    SendReaction,
    SendReactionResponse,
    SendTyping,
    SendTypingResponse,
    SetBackground,
    SetBackgroundResponse,
)
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.parts import parts_of
from ringback.kit.addresses import BadUrl, check_url
from ringback.kit.faults import Invalid
from ringback.messages import service as messages
from ringback.messages.errors import UnsupportedChannel
from ringback.numbers import service as numbers
from ringback.storage.tx import Row

router = APIRouter(route_class=JsonRoute, prefix="/v1")


async def _message(request: Request, caller: Scoped, message_id: str) -> Row:
    return await parts_of(request).store.read(lambda db: messages.get(db, caller.account_id, message_id))


async def _conversation(request: Request, caller: Scoped, conversation_id: str) -> Row:
    return await parts_of(request).store.read(
        lambda db: conversations.get(db, caller.account_id, conversation_id)
    )


async def _number(request: Request, caller: Scoped, number_id: str) -> Row:
    return await parts_of(request).store.read(lambda db: numbers.get(db, caller.account_id, number_id))


OneMessage = Annotated[Row, Depends(_message)]
OneConversation = Annotated[Row, Depends(_conversation)]
OneNumber = Annotated[Row, Depends(_number)]


@router.post(
    "/messages/{message_id}/reactions",
    operation_id="sendReaction",
    response_model=SendReactionResponse,
    tags=["messages"],
)
async def send_reaction(message: OneMessage, asked: SendReaction) -> JsonBytes:
    _refuse("a reaction", f"this message's channel is {message['channel']}")


@router.post(
    "/conversations/{conversation_id}/typing",
    operation_id="sendTypingIndicator",
    response_model=SendTypingResponse,
    tags=["conversations"],
)
async def send_typing_indicator(conversation: OneConversation, asked: SendTyping | None = None) -> JsonBytes:
    _refuse("a typing indicator", _line_of(conversation))


@router.post(
    "/conversations/{conversation_id}/background",
    operation_id="setChatBackground",
    response_model=SetBackgroundResponse,
    tags=["conversations"],
)
async def set_chat_background(conversation: OneConversation, asked: SetBackground) -> JsonBytes:
    _check_url(asked.image_url, "image_url")
    _refuse("a background", _line_of(conversation))


@router.delete(
    "/conversations/{conversation_id}/background",
    operation_id="removeChatBackground",
    status_code=204,
    tags=["conversations"],
)
async def remove_chat_background(conversation: OneConversation) -> Response:
    _refuse("a background", _line_of(conversation))


@router.get(
    "/numbers/{number_id}/contact-card",
    operation_id="getContactCard",
    response_model=ContactCardResponse,
    tags=["contactCards"],
)
async def get_contact_card(number: OneNumber) -> JsonBytes:
    _refuse("a contact card", f"{number['e164']} is of type {number['type']}")


@router.put(
    "/numbers/{number_id}/contact-card",
    operation_id="putContactCard",
    response_model=ContactCardResponse,
    tags=["contactCards"],
)
async def put_contact_card(number: OneNumber, asked: PutContactCard | None = None) -> JsonBytes:
    if asked is not None and asked.avatar_url:
        _check_url(asked.avatar_url, "avatarUrl")
    _refuse("a contact card", f"{number['e164']} is of type {number['type']}")


@router.delete(
    "/numbers/{number_id}/contact-card",
    operation_id="deleteContactCard",
    status_code=204,
    tags=["contactCards"],
)
async def delete_contact_card(number: OneNumber) -> Response:
    _refuse("a contact card", f"{number['e164']} is of type {number['type']}")


def _line_of(conversation: Row) -> str:
    return f"{conversation['number_e164']} talks by {conversation['channel']} here"


def _refuse(what: str, why: str) -> NoReturn:
    raise UnsupportedChannel(f"{what} needs an iMessage-class line; {why}")


def _check_url(url: str, field: str) -> None:
    try:
        check_url(url)
    except BadUrl as error:
        raise Invalid(str(error), field=field) from None
