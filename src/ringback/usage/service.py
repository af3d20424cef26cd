"""Counting what happens, in the unit in which it happens."""

from ringback.storage.schema import usage_days, usage_quarters
from ringback.storage.tx import Row, Tx
from ringback.usage.periods import DAY_MS, QUARTER_MS, beginning

NOBODY = ""
"""Stands for the agent of what a number without one was used for."""


def count_message(tx: Tx, number: Row, message: Row) -> None:
    """Count a text of `number`, in either direction, for the agent that has the number now."""
    at, segments = message["at"], message["segments"]
    account_id, agent_id = number["account_id"], number["agent_id"] or NOBODY
    tx.adjust(
        usage_days,
        account_id=account_id,
        day=at - at % DAY_MS,
        number_id=number["id"],
        agent_id=agent_id,
        messages=1,
        segments=segments,
    )
    tx.adjust(
        usage_quarters,
        account_id=account_id,
        quarter=at - at % QUARTER_MS,
        agent_id=agent_id,
        messages=1,
        segments=segments,
    )


def count_webhook(tx: Tx, number: Row) -> None:
    """Count an event of `number` that is going to be told to an endpoint."""
    tx.adjust(
        usage_days,
        account_id=number["account_id"],
        day=beginning(tx.now, DAY_MS),
        number_id=number["id"],
        agent_id=number["agent_id"] or NOBODY,
        webhooks=1,
    )


def count_call(tx: Tx, call: Row) -> None:
    """Count a call when it begins, for the agent that has it."""
    _add_call(tx, call, calls=1)


def count_call_seconds(tx: Tx, call: Row) -> None:
    """Count how long a call was when it is over, where it was counted when it began."""
    if call["duration_s"]:
        _add_call(tx, call, call_seconds=call["duration_s"])


def _add_call(tx: Tx, call: Row, **counts: int) -> None:
    at, account_id, agent_id = call["created_at"], call["account_id"], call["agent_id"] or NOBODY
    tx.adjust(
        usage_days,
        account_id=account_id,
        day=beginning(at, DAY_MS),
        number_id=call["number_id"] or NOBODY,
        agent_id=agent_id,
        **counts,
    )
    tx.adjust(
        usage_quarters,
        account_id=account_id,
        quarter=beginning(at, QUARTER_MS),
        agent_id=agent_id,
        **counts,
    )


def count_call_webhook(tx: Tx, call: Row) -> None:
    """Count an event of a call that an endpoint was told, or is going to be."""
    count_webhook(tx, {**call, "id": call["number_id"] or NOBODY})
