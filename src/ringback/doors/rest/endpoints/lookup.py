"""/v1/numbers/lookup"""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from ringback.carriers.protocol import CarrierError
from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.endpoints.queried import queried_number
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import to_bytes
from ringback.doors.rest.parts import parts_of
from ringback.kit.faults import Invalid
from ringback.kit.phone import InvalidNumber
from ringback.lookup import service
from ringback.lookup.schemas import NumberLookupList
from ringback.numbers.errors import CarrierFailed

router = APIRouter(route_class=JsonRoute, prefix="/v1/numbers", tags=["numbers"])
_FIELD = "phoneNumbers"


@router.get("/lookup", operation_id="lookupNumbers", response_model=NumberLookupList)
async def lookup_numbers(
    request: Request,
    caller: Scoped,
    phone_numbers: Annotated[
        str, Query(alias=_FIELD, description="1 to 25 numbers in E.164, separated by commas")
    ],
) -> JsonBytes:
    numbers = _read(phone_numbers.split(","))
    try:
        records = await parts_of(request).carrier.lookup(list(dict.fromkeys(numbers)))
    except CarrierError as error:
        raise CarrierFailed(f"the carrier can't be asked about numbers: {error.message}") from None
    return JsonBytes(to_bytes(NumberLookupList(data=service.describe(numbers, records))))


def _read(typed: list[str]) -> list[str]:
    if len(typed) > service.MOST:
        told = f"takes 1 to {service.MOST} numbers; these are {len(typed)}"
        raise Invalid(told, field=_FIELD, where="query")
    numbers: list[str] = []
    for one in typed:
        try:
            numbers.append(queried_number(one))
        except InvalidNumber as error:
            told = (
                f"number {len(numbers) + 1} {error}; send numbers such as +14155550104, with commas between"
            )
            raise Invalid(told, field=_FIELD, where="query") from None
    return numbers
