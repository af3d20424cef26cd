"""Who holds calls: voice hosts take them, hand them over, and lose them when they die."""

from ringback.calls import service as calls
from ringback.events.log import record
from ringback.flows.follow_call import finish
from ringback.storage.schema import calls as calls_table
from ringback.storage.schema import voice_hosts
from ringback.storage.tx import Row, Tx

LOST = "worker_lost"


def say_alive(tx: Tx, host: str, *, until: int, url: str | None = None) -> None:
    """A host lives, at least until `until` (real ms); what it holds is lost when it does not say so again by then.

    Other processes reach it at `url`.
    """
    row = tx.get(voice_hosts, host)
    if row is None:
        tx.insert(voice_hosts, id=host, alive_until=until, url=url)
    else:
        tx.update(voice_hosts, row, alive_until=until, url=url)


def leave(tx: Tx, host: str) -> None:
    """A host stops and holds nothing any more."""
    if tx.get(voice_hosts, host) is not None:
        tx.delete(voice_hosts, host)


def take(tx: Tx, account_id: str, call_id: str, *, host: str, child: str | None, real_now: int) -> Row | None:
    """Hold a living call: one that nobody holds, one's own, or a dead host's. Answers its row, or None.

    A `child` that takes a call over from another counts as one more beginning of it (`resumed`), and an event tells
    of it. Raises `CallNotFound`.
    """
    call = calls.get(tx, account_id, call_id)
    if calls.is_over(call) or not _may_take(tx, call, host, real_now):
        return None
    before = call["child"]
    again = child is not None and before not in (None, child)
    call = tx.update(
        calls_table, call, host=host, child=child or before, resumed=call["resumed"] + int(again)
    )
    if again:
        record(tx, account_id, "call.resumed", about_agent=call["agent_id"], callId=call_id)
    return call


def _may_take(tx: Tx, call: Row, host: str, real_now: int) -> bool:
    holder = call["host"]
    if holder is None or holder == host:
        return True
    row = tx.get(voice_hosts, holder)
    return row is None or row["alive_until"] < real_now


def lose(
    tx: Tx, account_id: str, call_id: str, *, detail: str, real_at: int | None, recorded_ms: int | None = None
) -> Row | None:
    """End a call whose worker is gone, with the truth; None where it is over already.

    `real_at` is when it was last known to live, `recorded_ms` how much of it its recording holds, if there is one.
    """
    call = calls.get(tx, account_id, call_id)
    if calls.is_over(call):
        return None
    if recorded_ms and calls.note_recording(tx, call, ms=recorded_ms):
        record(tx, account_id, "recording.available", about_agent=call["agent_id"], callId=call_id)
    return finish(tx, call, LOST, side="ringback", detail=detail, real_at=real_at)
