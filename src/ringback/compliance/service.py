"""Opt-outs, and the gate."""

from dataclasses import dataclass

from ringback.carriers.protocol import OutboundSms
from ringback.compliance import store
from ringback.compliance.errors import NumberBlocked, RecipientOptedOut, RegistrationRequired
from ringback.events.log import record
from ringback.kit.blocked import blocked_reason
from ringback.kit.optout import opt_out_word
from ringback.storage.schema import opt_outs
from ringback.storage.tx import Reads, Row, Tx

CONFIRMATION = (
    "You have opted out and will get no more messages from this number. Reply START to opt in again."
)
WELCOME_BACK = "You have opted in again. Reply STOP to opt out."
HELP = "This number belongs to an automated agent. Reply STOP to opt out."


@dataclass(frozen=True, slots=True)
class Reply:
    """What a keyword is answered with. `despite_opt_out`: the one confirmation that an opted-out person gets."""

    body: str
    despite_opt_out: bool = False


def check_blocked(typed: str, field: str = "to_number") -> None:
    """Raises `NumberBlocked` for a number never to be reached, in any spelling."""
    reason = blocked_reason(typed)
    if reason is not None:
        raise NumberBlocked(f"this number is never dialled or texted: it {reason}", field=field)


def is_opted_out(db: Reads, account_id: str, number_id: str, party: str) -> bool:
    return db.get(opt_outs, account_id, number_id, party) is not None


def keep_opt_outs(tx: Tx, number: Row) -> None:
    """For a number just bought: who opted out of it stays so if the account, its parent or a sub-account had it before.

    Giving a number up and buying it again is no START.
    """
    earlier = store.held_before(tx, number)
    if earlier is not None:
        store.copy(tx, earlier, number)


def check_send(db: Reads, number: Row, party: str, outbound_sms: OutboundSms) -> None:
    """The gate. Raises `RecipientOptedOut` or `RegistrationRequired`."""
    if is_opted_out(db, number["account_id"], number["id"], party):
        raise RecipientOptedOut(
            f"{party} opted out of texts from {number['e164']}; only a START from there ends that"
        )
    if outbound_sms != "enabled":
        state = "is under way" if outbound_sms == "activating" else "is missing"
        raise RegistrationRequired(
            f"10DLC registration of {number['e164']} {state}; US carriers take no texts from it until it is approved"
        )


def heed(tx: Tx, number: Row, party: str, body: str) -> Reply | None:
    """Obey a keyword that a person texted to `number`; answers what to reply, if anything."""
    word = opt_out_word(body)
    if word is None:
        return None
    key = (number["account_id"], number["id"], party)
    opted_out = tx.get(opt_outs, *key)
    if word == "stop":
        if opted_out is not None:
            return None
        tx.insert(
            opt_outs, account_id=key[0], number_id=key[1], party=key[2], word=body.strip()[:32], since=tx.now
        )
        _tell(tx, "opt_out.recorded", number, party)
        return Reply(CONFIRMATION, despite_opt_out=True)
    if word == "start":
        if opted_out is None:
            return None
        tx.delete(opt_outs, *key)
        _tell(tx, "opt_out.lifted", number, party)
        return Reply(WELCOME_BACK)
    return None if opted_out is not None else Reply(HELP)


def _tell(tx: Tx, event: str, number: Row, party: str) -> None:
    record(
        tx,
        number["account_id"],
        event,
        about_agent=number["agent_id"],
        numberId=number["id"],
        participant=party,
    )
