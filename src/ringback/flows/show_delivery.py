"""One delivery as whoever debugs it sees it: every attempt with its time, and the request as its endpoint would get it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ringback.contacts import service as contacts
from ringback.events.steps import steps_of
from ringback.flows.render_webhook import party_of, render
from ringback.storage.schema import calls, deliveries, messages
from ringback.storage.tx import Reads, Row
from ringback.webhooks import service as endpoints
from ringback.webhooks.errors import DeliveryNotFound
from ringback.webhooks.headers import headers_of, signed
from ringback.webhooks.turns import is_turn


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """The `number`-th attempt, which ended at `at` (clock ms) after `took_ms` of real time.

    `error` is None where it was delivered, `http_status` where no answer came; `side` is whose a failure was.
    """

    number: int
    at: int
    http_status: int | None
    error: str | None
    side: str | None
    took_ms: int | None


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """The POST, signed for this moment of real time. `as_sent`: its bytes are those of the attempts; else it was
    rendered anew, as a redelivery does of what was delivered."""

    url: str
    headers: dict[str, str]
    body: str
    as_sent: bool


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """`request` is None where there is none to be made: a turn of a call, or an endpoint that was deleted."""

    delivery: Row
    attempts: Sequence[PastAttempt]
    request: ShownRequest | None


def show_delivery(
    db: Reads, account_id: str, delivery_id: str, *, base: str, open_secrets: Callable[[Row], Sequence[str]]
) -> ShownDelivery:
    """A delivery of this account. Raises `DeliveryNotFound`.

    The server's own media are reached at `base`; `open_secrets` opens those of an endpoint, the newest first.
    """
    row = db.get(deliveries, account_id, delivery_id)
    if row is None:
        raise DeliveryNotFound(f"there is no delivery {delivery_id[:64]}")
    return ShownDelivery(row, list(_attempts(db, row)), _request(db, row, base, open_secrets))


def _attempts(db: Reads, row: Row) -> Iterator[PastAttempt]:
    last = 0
    for step in steps_of(db, row["account_id"], row["id"]):
        code = step["code"]
        status = int(code) if code is not None and code.isdecimal() else None
        last = step["attempt"] or 0
        yield PastAttempt(last, step["at"], status, step["detail"], step["side"], step["took_ms"])
    if row["attempts"] > last:
        # The end of a series stands in its row.
        delivered = row["status"] == "delivered"
        yield PastAttempt(
            row["attempts"],
            row["last_attempt_at"],
            row["http_status"],
            None if delivered else row["error_message"],
            None if delivered else "endpoint",
            row["response_ms"],
        )


def _request(
    db: Reads, row: Row, base: str, open_secrets: Callable[[Row], Sequence[str]]
) -> ShownRequest | None:
    endpoint = endpoints.get(db, row["account_id"], row["scope"])
    if endpoint is None or is_turn(row):
        return None
    kept = row["payload"]
    body: str = render(db, row, endpoint, base, _people(db, row)) if kept is None else kept
    current, *previous = open_secrets(endpoint)
    headers = headers_of(row["id"], row["event_type"], row["request_id"])
    return ShownRequest(
        endpoint["url"], headers | signed(current, previous, body.encode()), body, kept is not None
    )


def _people(db: Reads, row: Row) -> dict[str, Row]:
    """The contact of whom the delivery tells, by number."""
    account_id, party = row["account_id"], None
    if row["call_id"] is not None:
        call = db.get(calls, account_id, row["call_id"])
        party = None if call is None else party_of(call)
    elif row["message_id"] is not None:
        message = db.get(messages, account_id, row["message_id"])
        party = None if message is None else message["from_e164"]
    return {} if party is None else contacts.of_numbers(db, account_id, {party})
