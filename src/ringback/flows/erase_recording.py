"""Deleting a recording: from the moment that it is asked for nobody hears it, and its file goes after the commit."""

from ringback.calls import service as calls
from ringback.calls.errors import CallInProgress, RecordingNotFound
from ringback.events.log import record
from ringback.storage.schema import calls as calls_table
from ringback.storage.tx import Row, Tx

AVAILABLE, ERASING, DELETED = "available", "erasing", "deleted"


def erase(tx: Tx, account_id: str, call_id: str, *, reason: str) -> Row:
    """Let a recording be heard no more; its file is to be removed, and then `erased`. Answers the call's row.

    `reason` is `asked` or `expired`. Raises `CallNotFound`, `RecordingNotFound`, and `CallInProgress` while it is
    written.
    """
    call = calls.get(tx, account_id, call_id)
    if call["record"] and not calls.is_over(call):
        raise CallInProgress("the call is not over: its recording can be deleted when it is")
    if call["recording"] != AVAILABLE:
        raise RecordingNotFound("this call has no recording")
    record(tx, account_id, "recording.deleted", about_agent=call["agent_id"], callId=call_id, reason=reason)
    return tx.update(calls_table, call, recording=ERASING)


def erased(tx: Tx, account_id: str, call_id: str) -> None:
    """The file is gone."""
    call = calls.get(tx, account_id, call_id)
    if call["recording"] == ERASING:
        tx.update(calls_table, call, recording=DELETED)
