"""Ending a call because somebody asked for it."""

from ringback.calls import service as calls
from ringback.flows.follow_call import finish
from ringback.storage.schema import calls as calls_table
from ringback.storage.tx import Row, Tx

API_END = "api_end"


def end_call(tx: Tx, account_id: str, call_id: str) -> Row:
    """Ask for the end of a call; answers its row. One that is over stays as it is. Raises `CallNotFound`.

    A call that nobody holds ends here; whoever holds it is told by `calls.WAITING`, and by `end_asked` of its row.
    """
    call = calls.get(tx, account_id, call_id)
    if calls.is_over(call):
        return call
    if call["host"] is None:
        ended = finish(tx, call, API_END, side="agent", detail=None, real_at=None)
        assert ended is not None
        return ended
    tx.wake(calls.WAITING)
    return tx.update(calls_table, call, end_asked=API_END)
