"""/v1/search: texts, calls and conversations that hold words"""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from ringback.contacts.store import folded
from ringback.conversations.schemas import FoundIn, SearchHit, SearchResults
from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import to_bytes
from ringback.doors.rest.paging import NOT_GIVEN, Limit100
from ringback.doors.rest.parts import parts_of
from ringback.flows import search as flow
from ringback.flows.search import MOST_CHARACTERS, Hit
from ringback.kit import phone
from ringback.kit.searching import around, places_of
from ringback.kit.times import to_iso
from ringback.storage.tx import Row

router = APIRouter(route_class=JsonRoute, prefix="/v1/search", tags=["conversations"])
Q = Annotated[
    str,
    Query(
        min_length=1,
        max_length=MOST_CHARACTERS,
        description="Up to 8 words; what is in double quotes is one.",
    ),
]
Number = Annotated[str, Query(description="Part of the person's number or of yours.")]
Cursor = Annotated[str, Query(description="The `nextCursor` of the page before.")]


@router.get("", operation_id="search", response_model=SearchResults)
async def search(
    request: Request,
    caller: Scoped,
    q: Q,
    number: Number = NOT_GIVEN,
    cursor: Cursor = NOT_GIVEN,
    limit: Limit100 = 20,
) -> JsonBytes:
    asked = flow.read(q, number and phone.fold_spelling(number), cursor, limit)
    turns, account_id = parts_of(request).searches, caller.account_id
    found = await turns.read(account_id, lambda db: flow.search(db, account_id, asked))
    data = [_told(hit, asked.sought.words) for hit in found.hits]
    page = SearchResults(data=data, has_more=found.cursor is not None, next_cursor=found.cursor)
    return JsonBytes(to_bytes(page))


def _told(hit: Hit, words: tuple[str, ...]) -> SearchHit:
    return {"text": _text, "turn": _turn, "conversation": _conversation}[hit.kind](hit.row, words)


def _text(row: Row, words: tuple[str, ...]) -> SearchHit:
    came = row["direction"] == "inbound"
    return SearchHit(
        found_in="text",
        at=to_iso(row["at"]),
        snippet=around(row["body"], words),
        direction=row["direction"],
        participant=row["from_e164"] if came else row["to_e164"],
        phone_number=row["to_e164"] if came else row["from_e164"],
        agent_id=row["agent_id"],
        conversation_id=row["conversation_id"],
        message_id=row["id"],
        call_id=None,
        role=None,
        start_ms=None,
    )


def _turn(row: Row, words: tuple[str, ...]) -> SearchHit:
    return SearchHit(
        found_in="speech",
        at=to_iso(row["created_at"]),
        snippet=around(row["text"], words),
        role=row["role"],
        direction=row["direction"],
        participant=row["to_e164"] if row["direction"] == "outbound" else row["from_e164"],
        phone_number=row["number_e164"],
        agent_id=row["agent_id"],
        conversation_id=row["conversation_id"],
        message_id=None,
        call_id=row["call_id"],
        start_ms=row["started_ms"],
    )


def _conversation(row: Row, words: tuple[str, ...]) -> SearchHit:
    metadata, name = row["metadata"] or "", row["contact_name"] or ""
    where: FoundIn = "number"
    snippet = row["party"]
    if any(True for _ in places_of(metadata, words)):
        where, snippet = "metadata", around(metadata, words)
    elif name and any(folded(word) in folded(name) for word in words):
        where, snippet = "name", name
    return SearchHit(
        found_in=where,
        at=to_iso(row["last_message_at"]),
        snippet=snippet,
        participant=row["party"],
        phone_number=row["number_e164"],
        agent_id=row["agent_id"],
        conversation_id=row["id"],
        message_id=None,
        call_id=None,
        role=None,
        direction=None,
        start_ms=None,
    )
