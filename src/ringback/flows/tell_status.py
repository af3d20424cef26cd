"""Telling endpoints that asked for it what became of a text."""

from ringback.events.log import Event
from ringback.storage.schema import numbers
from ringback.storage.tx import Row, Tx
from ringback.usage import service as usage
from ringback.webhooks import service as webhooks


def tell_status(tx: Tx, message: Row, event: Event) -> None:
    """Plan the webhook of a step that an outbound text has made, `event` being it in the log.

    Where no endpoint of the account asks for any such event nothing is read for it.
    """
    if not webhooks.is_listening(tx, event.account_id):
        return
    number = tx.get(numbers, event.account_id, message["number_id"])
    assert number is not None
    endpoint = webhooks.endpoint_for(tx, event.account_id, number["agent_id"])
    if endpoint is None or event.type not in webhooks.events_of(endpoint):
        return
    webhooks.plan(
        tx,
        event,
        event_type=event.type,
        channel=message["channel"],
        agent_id=number["agent_id"],
        message_id=message["id"],
        endpoint=endpoint,
    )
    usage.count_webhook(tx, number)
