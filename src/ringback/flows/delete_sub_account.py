"""Deleting a sub-account: refused while it holds numbers, otherwise nothing of it is answered, sent or told any more."""

from ringback.accounts import keys, subs
from ringback.accounts.errors import SubAccountHasOpenOrders, SubAccountHoldsNumbers
from ringback.calls import store as calls
from ringback.events.log import record
from ringback.flows.end_call import end_call
from ringback.numbers import store as numbers
from ringback.storage.tx import Tx
from ringback.webhooks import service as webhooks


def delete_sub_account(tx: Tx, parent_id: str, sub_account_id: str) -> list[str]:
    """Delete for ever; answers the hashes of its keys, which are revoked.

    Its locks are held, so a purchase either has its order written before, and is met here, or finds the account
    deleted (`buy_number`). Without numbers nothing comes in, and what is queued fails at its next turn: texts because
    their number was released, deliveries because their endpoint is gone. Its calls, from browsers, are ended, and its recordings erased.

    Raises `SubAccountNotFound`, `SubAccountHoldsNumbers` or `SubAccountHasOpenOrders`.
    """
    account = subs.locked(tx, parent_id, sub_account_id)
    held = numbers.count(tx, sub_account_id)
    if held:
        raise SubAccountHoldsNumbers(
            f"{sub_account_id} holds {held} number{'' if held == 1 else 's'}; release first what it shall lose"
        )
    if numbers.open_orders_of(tx, sub_account_id):
        raise SubAccountHasOpenOrders(
            f"a number is being bought for {sub_account_id} or given back; try again when the carrier has answered"
        )
    for call in calls.living(tx, sub_account_id):
        end_call(tx, sub_account_id, call["id"])
    calls.erase_recordings(tx, sub_account_id)
    subs.mark_deleted(tx, account)
    webhooks.forget_all(tx, sub_account_id)
    record(tx, parent_id, "sub_account.deleted", subAccountId=sub_account_id)
    return keys.revoke_all(tx, sub_account_id)
