"""/v1/sub-accounts"""

from fastapi import APIRouter, Request

from ringback.accounts import subs
from ringback.accounts.schemas import NameSubAccount, SubAccount, SubAccountList
from ringback.doors.rest.caller import Keys, Scoped
from ringback.doors.rest.endpoints.success import Success
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of, to_bytes
from ringback.doors.rest.paging import Limit100, Offset, within_store
from ringback.doors.rest.parts import parts_of
from ringback.events.log import record
from ringback.flows.delete_sub_account import delete_sub_account
from ringback.storage.tx import Reads, Row, Tx

router = APIRouter(route_class=JsonRoute, prefix="/v1/sub-accounts", tags=["subAccounts"])


@router.get("", operation_id="listSubAccounts", response_model=SubAccountList)
async def list_sub_accounts(
    request: Request, caller: Scoped, limit: Limit100 = 20, offset: Offset = 0
) -> JsonBytes:
    start = within_store(offset)

    def query(db: Reads) -> tuple[list[Row], int]:
        rows = subs.page(db, caller.account_id, limit=limit, offset=start)
        return rows, subs.count(db, caller.account_id)

    rows, total = await parts_of(request).store.read(query)
    data = [SubAccount.of(row) for row in rows]
    return JsonBytes(to_bytes(SubAccountList(data=data, has_more=start + len(data) < total, total=total)))


@router.post("", operation_id="createSubAccount", response_model=SubAccount)
async def create_sub_account(request: Request, caller: Scoped, asked: NameSubAccount) -> JsonBytes:
    def unit(tx: Tx) -> SubAccount:
        row = subs.create(tx, caller.account_id, asked.name)
        record(tx, caller.account_id, "sub_account.created", subAccountId=row["id"])
        return SubAccount.of(row)

    return await parts_of(request).once.write(await claim_of(request, caller), caller, unit)


@router.patch("/{sub_account_id}", operation_id="updateSubAccount", response_model=SubAccount)
async def update_sub_account(
    request: Request, caller: Scoped, sub_account_id: str, asked: NameSubAccount
) -> JsonBytes:
    def unit(tx: Tx) -> SubAccount:
        row = subs.rename(tx, caller.account_id, sub_account_id, asked.name)
        record(tx, caller.account_id, "sub_account.updated", subAccountId=sub_account_id)
        return SubAccount.of(row)

    return JsonBytes(to_bytes(await parts_of(request).store.write(unit, account=caller.account_id)))


@router.delete("/{sub_account_id}", operation_id="deleteSubAccount", response_model=Success)
async def remove_sub_account(request: Request, caller: Scoped, sub_account_id: str) -> JsonBytes:
    revoked = await parts_of(request).store.write(
        lambda tx: delete_sub_account(tx, caller.account_id, sub_account_id), account=caller.account_id
    )
    known: Keys = request.app.state.keys
    for key_hash in revoked:
        known.forget(key_hash)
    return JsonBytes(to_bytes(Success(success=True)))
