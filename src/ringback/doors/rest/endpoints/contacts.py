"""/v1/contacts"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ringback.contacts import service, store
from ringback.contacts.schemas import ContactListResponse, ContactResponse, CreateContact, UpdateContact
from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.endpoints.imessage_schemas import ContactCapabilitiesResponse
from ringback.doors.rest.endpoints.queried import queried_number
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of, to_bytes
from ringback.doors.rest.paging import NOT_GIVEN, Limit200, Offset, within_store
from ringback.doors.rest.parts import parts_of
from ringback.kit.faults import Invalid
from ringback.kit.phone import InvalidNumber
from ringback.messages.errors import UnsupportedChannel
from ringback.storage.tx import Reads, Row

router = APIRouter(route_class=JsonRoute, prefix="/v1/contacts", tags=["contacts"])
MAX_SEARCH = 200


@router.get("", operation_id="listContacts", response_model=ContactListResponse)
async def list_contacts(
    request: Request,
    caller: Scoped,
    limit: Limit200 = 50,
    offset: Offset = 0,
    search: Annotated[str, Query()] = NOT_GIVEN,
) -> JsonBytes:
    start = within_store(offset)
    if search and len(search) > MAX_SEARCH:
        raise Invalid(f"takes at most {MAX_SEARCH} characters", field="search", where="query")

    def query(db: Reads) -> tuple[list[Row], int]:
        if search:
            return store.search(db, caller.account_id, search, limit=limit, offset=start)
        return store.page(db, caller.account_id, limit=limit, offset=start)

    rows, total = await parts_of(request).store.read(query)
    data = [ContactResponse.of(row) for row in rows]
    more = start + len(data) < total
    return JsonBytes(to_bytes(ContactListResponse.model_construct(data=data, has_more=more, total=total)))


@router.post("", operation_id="createContact", response_model=ContactResponse, status_code=201)
async def create_contact(request: Request, caller: Scoped, asked: CreateContact) -> JsonBytes:
    return await parts_of(request).once.write(
        await claim_of(request, caller),
        caller,
        lambda tx: ContactResponse.of(service.create(tx, caller.account_id, asked)),
        status=201,
    )


@router.get(
    "/capabilities", operation_id="getContactCapabilities", response_model=ContactCapabilitiesResponse
)
async def get_contact_capabilities(caller: Scoped, phone_number: Annotated[str, Query()]) -> JsonBytes:
    try:
        queried_number(phone_number)
    except InvalidNumber as error:
        told = f"{error}; send a telephone number such as +14155550104"
        raise Invalid(told, field="phone_number", where="query") from None
    raise UnsupportedChannel(
        "only an iMessage-class line can ask what a number takes, and this account has none;"
        " GET /v1/numbers/lookup tells its line type"
    )


@router.get("/{contact_id}", operation_id="getContact", response_model=ContactResponse)
async def get_contact(request: Request, caller: Scoped, contact_id: str) -> JsonBytes:
    row = await parts_of(request).store.read(lambda db: service.get(db, caller.account_id, contact_id))
    return JsonBytes(to_bytes(ContactResponse.of(row)))


@router.patch("/{contact_id}", operation_id="updateContact", response_model=ContactResponse)
async def update_contact(
    request: Request, caller: Scoped, contact_id: str, asked: UpdateContact | None = None
) -> JsonBytes:
    row = await parts_of(request).store.write(
        lambda tx: service.update(tx, caller.account_id, contact_id, asked or UpdateContact()),
        account=caller.account_id,
    )
    return JsonBytes(to_bytes(ContactResponse.of(row)))


@router.delete("/{contact_id}", operation_id="deleteContact", status_code=204)
async def delete_contact(request: Request, caller: Scoped, contact_id: str) -> Response:
    await parts_of(request).store.write(
        lambda tx: service.delete(tx, caller.account_id, contact_id), account=caller.account_id
    )
    return Response(status_code=204)
