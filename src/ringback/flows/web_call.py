"""A call from a browser: a token that opens it once, soon."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping

from ringback.agents import service as agents
from ringback.calls import service as calls
from ringback.calls import store as call_store
from ringback.calls.endings import QUEUED
from ringback.calls.errors import BadToken, CallNotFound
from ringback.flows.fill_in import check_filled
from ringback.flows.follow_call import finish
from ringback.flows.place_call import queue
from ringback.flows.voice_facts import NOTICE, VoiceFacts, brain_of
from ringback.numbers import service as numbers
from ringback.storage.schema import voice_hosts, web_tokens
from ringback.storage.tx import Reads, Row, Tx

VALID_MS = 30_000
WRONG = "the access token is wrong, was used or is older than 30 seconds; make a new web call"
OVER = "the call that this opens is over; make a new web call"
_TICKET = "back_"
BROWSER = "web"
"""What stands for the browser's number."""


def new_token() -> str:
    return "web_" + secrets.token_urlsafe(32)


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def open_web_call(
    tx: Tx,
    facts: VoiceFacts,
    account_id: str,
    agent_id: str,
    *,
    token: str,
    variables: Mapping[str, str | None],
    metadata: str | None,
) -> Row:
    """Make a call for a browser that comes with `token` within 30 s of the clock; answers its row, `queued`.

    `metadata` is JSON. Raises `AgentNotFound` and `Invalid`. An agent whose webhook is missing lets the caller hear a notice, as with any other call.
    """
    agent = agents.get(tx, account_id, agent_id)
    settings = json.loads(agent["settings"])
    check_filled(variables, greeting=settings["begin_message"], prompt=settings["system_prompt"])
    number = None
    if agent["default_number_id"] is not None:
        number = numbers.get_active(tx, account_id, agent["default_number_id"])
    call = calls.add(
        tx,
        account_id,
        direction="web",
        status=QUEUED,
        agent_id=agent["id"],
        number=number,
        from_=BROWSER,
        to=number["e164"] if number else BROWSER,
        brain=brain_of(tx, facts, agent, settings, prompted=False) or NOTICE,
        record=facts.record,
        asked={"variables": dict(variables) or None},
        metadata=metadata,
    )
    tx.insert(
        web_tokens,
        hash=_hash_of(token),
        account_id=account_id,
        call_id=call["id"],
        expires_at=tx.now + VALID_MS,
    )
    queue(tx, call)
    return call


def redeem(tx: Tx, token: str) -> Row:
    """Use a token; answers the row of the call that it opens. Raises `BadToken`.

    The call is then to be taken (`hold_calls.take`) in the same unit, and started with a leg of kind `browser`.
    """
    found = tx.get(web_tokens, _hash_of(token))
    if found is None or found["expires_at"] <= tx.now:
        raise BadToken(WRONG)
    tx.delete(web_tokens, found["hash"])
    call = calls.get(tx, found["account_id"], found["call_id"])
    if calls.is_over(call):
        raise BadToken(OVER)
    return call


def ticket_of(key: bytes, account_id: str, call_id: str) -> str:
    """What a page that was admitted comes back with, as long as the call lives."""
    signature = hmac.digest(key, f"web\x1f{account_id}\x1f{call_id}".encode(), "sha256").hex()
    return f"{_TICKET}{account_id}.{call_id}.{signature}"


def whose(db: Reads, key: bytes, secret: str) -> tuple[str, str | None]:
    """The account that a token or a ticket belongs to, and the call where it is a ticket. Raises `BadToken`."""
    if secret.startswith(_TICKET):
        account_id, _, rest = secret.removeprefix(_TICKET).partition(".")
        call_id = rest.partition(".")[0]
        if hmac.compare_digest(ticket_of(key, account_id, call_id).encode(), secret.encode()):
            return account_id, call_id
        raise BadToken("this ticket was not made here")
    found = db.get(web_tokens, _hash_of(secret))
    if found is None:
        raise BadToken(WRONG)
    return found["account_id"], None


def where_held(db: Reads, key: bytes, secret: str, *, real_now: int) -> str | None:
    """Where the process is reached that holds the call of a token or a ticket, or is to hold it; None where there is none.

    Raises `BadToken`.
    """
    account_id, call_id = whose(db, key, secret)
    host = None if call_id is None else come_back(db, account_id, call_id)["host"]
    row = call_store.living_host(db, real_now=real_now) if host is None else db.get(voice_hosts, host)
    url: str | None = None if row is None else row["url"]
    return url


def come_back(db: Reads, account_id: str, call_id: str) -> Row:
    """The living call of a ticket. Raises `BadToken`."""
    try:
        call = calls.get(db, account_id, call_id)
    except CallNotFound:
        raise BadToken(OVER) from None
    if calls.is_over(call):
        raise BadToken(OVER)
    return call


def drop_unused(tx: Tx, token: Row) -> Row | None:
    """A token (a row of `calls.store.unused_tokens`) is too old: nobody came, and the call is over.

    Answers the call that this has ended, if it has.
    """
    if tx.get(web_tokens, token["hash"]) is None:
        return None
    tx.delete(web_tokens, token["hash"])
    call = calls.get(tx, token["account_id"], token["call_id"])
    return finish(
        tx, call, "user_hangup", side="caller", detail="no browser came with its token", real_at=None
    )
