"""/v1/numbers"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from ringback.carriers.protocol import CarrierError
from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of, to_bytes
from ringback.doors.rest.paging import (
    NOT_GIVEN,
    Cursor,
    Limit100,
    Limit200,
    Offset,
    messages_page,
    within_store,
)
from ringback.doors.rest.parts import Parts, parts_of
from ringback.events.log import record
from ringback.flows.buy_number import BuyNumber, buy_number, typed_number
from ringback.flows.release_number import release_number
from ringback.kit.faults import Invalid
from ringback.kit.phone import country_of
from ringback.kit.times import from_iso
from ringback.messages.errors import UnsupportedChannel
from ringback.messages.schemas import MessageListResponse, MessageResponse
from ringback.messages.store import page_of_number
from ringback.numbers import service, store
from ringback.numbers.errors import CarrierFailed
from ringback.numbers.patterns import ONE, read_pattern
from ringback.numbers.schemas import (
    AvailableNumber,
    AvailableNumberList,
    CreateNumber,
    PhoneNumberListResponse,
    PhoneNumberResponse,
    ReleasedNumber,
    UpdateNumber,
)
from ringback.storage.schema import numbers
from ringback.storage.tx import Reads, Row, Tx

router = APIRouter(route_class=JsonRoute, prefix="/v1/numbers", tags=["numbers"])
Filter = Annotated[str, Query()]


@router.post("", operation_id="createNumber", response_model=PhoneNumberResponse)
async def create_number(request: Request, caller: Scoped, asked: CreateNumber | None = None) -> JsonBytes:
    parts = parts_of(request)
    asked = asked or CreateNumber()
    if asked.type not in (None, "sms") or asked.imessage_type is not None:
        raise UnsupportedChannel("this carrier sells lines of type sms only", field="type")
    expires_at = _expiry(parts, asked.expires_at)
    wanted = asked.ringback.phone_number if asked.ringback else None
    claim = await claim_of(request, caller)
    e164 = typed_number(wanted) if wanted else None
    order = BuyNumber(
        account_id=caller.account_id,
        country=(country_of(e164) if e164 else None) or asked.country.upper(),
        area_code=asked.area_code,
        e164=e164,
        agent_id=asked.agent_id,
        external_id=asked.external_id,
        expires_at=expires_at,
        claim=claim,
    )

    async def buy() -> PhoneNumberResponse:
        number = await buy_number(parts.store, parts.carrier, order, limit=parts.settings.number_limit)
        return PhoneNumberResponse.of(number, parts.outbound_sms(number))

    return await parts.once.work(claim, caller, buy)


def _expiry(parts: Parts, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        at = from_iso(text)
    except ValueError as error:
        raise Invalid(str(error), field="expiresAt") from None
    if at <= parts.clock.now_ms():
        raise Invalid("must lie in the future", field="expiresAt")
    return at


@router.get("", operation_id="listNumbers", response_model=PhoneNumberListResponse)
async def list_numbers(
    request: Request, caller: Scoped, limit: Limit100 = 20, offset: Offset = 0
) -> JsonBytes:
    parts = parts_of(request)
    start = within_store(offset)

    def query(db: Reads) -> tuple[list[Row], int]:
        return store.page(db, caller.account_id, limit=limit, offset=start), store.count(
            db, caller.account_id
        )

    rows, total = await parts.store.read(query)
    data = [PhoneNumberResponse.of(row, parts.outbound_sms(row)) for row in rows]
    return JsonBytes(
        to_bytes(PhoneNumberListResponse(data=data, has_more=start + len(rows) < total, total=total))
    )


@router.get("/available", operation_id="availableNumbers", response_model=AvailableNumberList)
async def available_numbers(
    request: Request,
    caller: Scoped,
    area_code: Annotated[str, Query(alias="areaCode")] = NOT_GIVEN,
    city: Filter = NOT_GIVEN,
    state: Filter = NOT_GIVEN,
    postal_code: Annotated[str, Query(alias="zip")] = NOT_GIVEN,
    country: Filter = NOT_GIVEN,
    limit: Limit100 = 20,
) -> JsonBytes:
    return await _for_sale(
        parts_of(request),
        country,
        area_code,
        city=city,
        state=state,
        postal_code=postal_code,
        limit=limit,
    )


@router.get("/matching", operation_id="matchingNumbers", response_model=AvailableNumberList)
async def matching_numbers(
    request: Request,
    caller: Scoped,
    pattern: Annotated[str, Query(max_length=40, json_schema_extra={"pattern": ONE})],
    area_code: Annotated[str, Query(alias="areaCode")] = NOT_GIVEN,
    city: Filter = NOT_GIVEN,
    state: Filter = NOT_GIVEN,
    country: Filter = NOT_GIVEN,
    limit: Limit100 = 20,
) -> JsonBytes:
    return await _for_sale(
        parts_of(request),
        country,
        area_code,
        city=city,
        state=state,
        pattern=read_pattern(pattern),
        limit=limit,
    )


async def _for_sale(parts: Parts, country: str, area_code: str, **wish: Any) -> JsonBytes:
    """What the carrier has; what is empty is not asked for. Raises `Invalid` for a country or an area code that is none."""
    code = (country or "US").upper()
    if len(code) != 2 or not code.isascii() or not code.isalpha():
        raise Invalid("takes a country's two letters, such as US", field="country", where="query")
    if area_code and not (len(area_code) == 3 and area_code.isascii() and area_code.isdigit()):
        raise Invalid("takes three digits, such as 415", field="areaCode", where="query")
    service.check_area_code(code, area_code or None)
    given: dict[str, Any] = {name: value or None for name, value in wish.items()}
    try:
        offers = await parts.carrier.search(code, area_code=area_code or None, **given)
    except CarrierError as error:
        raise CarrierFailed(f"the carrier can't be asked for numbers: {error.message}") from None
    return JsonBytes(to_bytes(AvailableNumberList(data=[AvailableNumber.of(offer) for offer in offers])))


@router.get("/{number_id}", operation_id="getNumber", response_model=PhoneNumberResponse)
async def get_number(request: Request, caller: Scoped, number_id: str) -> JsonBytes:
    parts = parts_of(request)
    row = await parts.store.read(lambda db: service.get(db, caller.account_id, number_id))
    return JsonBytes(to_bytes(PhoneNumberResponse.of(row, parts.outbound_sms(row))))


@router.patch("/{number_id}", operation_id="updateNumber", response_model=PhoneNumberResponse)
async def update_number(
    request: Request, caller: Scoped, number_id: str, asked: UpdateNumber | None = None
) -> JsonBytes:
    parts = parts_of(request)
    given = (asked or UpdateNumber()).model_dump(exclude_unset=True)
    if "expires_at" in given:
        given["expires_at"] = _expiry(parts, given["expires_at"])

    def unit(tx: Tx) -> Row:
        before = service.get_active(tx, caller.account_id, number_id)
        row = tx.update(numbers, before, **given)
        if row is not before:
            record(tx, caller.account_id, "number.updated", about_agent=row["agent_id"], numberId=number_id)
        return row

    row = await parts.store.write(unit, account=caller.account_id)
    return JsonBytes(to_bytes(PhoneNumberResponse.of(row, parts.outbound_sms(row))))


@router.delete("/{number_id}", operation_id="deleteNumber", response_model=ReleasedNumber)
async def delete_number(request: Request, caller: Scoped, number_id: str) -> JsonBytes:
    parts = parts_of(request)
    row = await release_number(parts.store, parts.carrier, caller.account_id, number_id)
    return JsonBytes(
        to_bytes(ReleasedNumber(success=True, id=row["id"], phone_number=row["e164"], status="released"))
    )


@router.get("/{number_id}/messages", operation_id="getMessages", response_model=MessageListResponse)
async def get_messages(
    request: Request,
    caller: Scoped,
    number_id: str,
    limit: Limit200 = 50,
    before: Cursor = None,
    after: Cursor = None,
) -> JsonBytes:
    account_id = caller.account_id

    def query(db: Reads) -> tuple[list[Row], bool]:
        service.get(db, account_id, number_id)
        scope = ("number_id", number_id)
        return messages_page(db, page_of_number, account_id, scope, limit=limit, before=before, after=after)

    parts = parts_of(request)
    rows, more = await parts.store.read(query)
    data = [MessageResponse.of(row, parts.settings.own_url) for row in rows]
    return JsonBytes(to_bytes(MessageListResponse.model_construct(data=data, has_more=more)))
