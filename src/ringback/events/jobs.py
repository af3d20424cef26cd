"""Retention: events that are old enough are forgotten, a few at a time."""

from functools import partial

import structlog

from ringback.events import store as log
from ringback.kit.clock import Clock
from ringback.storage.store import Store

_log = structlog.get_logger("ringback.events")
_DAY_MS = 86_400_000


async def prune(store: Store, clock: Clock, *, keep_days: int) -> None:
    """Forget what is older than `keep_days` of the clock; 0 keeps everything."""
    if keep_days == 0:
        return
    before = clock.now_ms() - keep_days * _DAY_MS
    for account_id in await store.read(log.accounts_with_events):
        so_far = -1
        while True:
            upto = await store.write(
                partial(log.prune, account_id=account_id, before=before), account=account_id
            )
            if upto == so_far:
                break
            if so_far >= 0:
                _log.debug("old events were forgotten", account_id=account_id, upto=upto)
            so_far = upto
