"""What must hold after a load with kills: asked of the API, of the network, of the endpoint and of the stopped store."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from tests.faults.endpoint import Endpoint
from tests.faults.world import World

_PAGE = 100
Text = tuple[str, str, str]
"""From, to and body."""


async def messages_by_api(world: World) -> list[dict[str, Any]]:
    """Every message of every number, newest first a number."""
    found: list[dict[str, Any]] = []
    for number in world.numbers:
        params: dict[str, Any] = {"limit": 200}
        while True:
            page = await world.ask("GET", f"/v1/numbers/{number['id']}/messages", params=params)
            found += [{**message, "numberId": number["id"]} for message in page["data"]]
            if not page["hasMore"]:
                break
            params["before"] = page["data"][-1]["id"]
    return found


async def texts_of_handsets(world: World) -> list[dict[str, Any]]:
    """Every text in every handset's list, oldest first a handset."""
    found: list[dict[str, Any]] = []
    for handset in world.handsets:
        texts: list[dict[str, Any]] = []
        params: dict[str, Any] = {"limit": _PAGE}
        while True:
            page = await world.network("GET", f"/handsets/{handset['id']}/messages", params=params)
            texts += page["data"]
            if not page["hasMore"]:
                break
            params["before"] = page["data"][-1]["id"]
        found += reversed(texts)
    return found


async def conversations_by_api(world: World) -> tuple[list[dict[str, Any]], int]:
    """Every conversation, and the total that the list tells."""
    found: list[dict[str, Any]] = []
    while True:
        page = await world.ask("GET", "/v1/conversations", params={"limit": _PAGE, "offset": len(found)})
        found += page["data"]
        if not page["hasMore"]:
            return found, page["total"]


async def judge_by_api(world: World, hook: Endpoint) -> list[str]:
    """What is wrong as seen from outside, while the server still runs."""
    messages = await messages_by_api(world)
    at_handsets = await texts_of_handsets(world)
    conversations, total = await conversations_by_api(world)
    counted = sum(conversation["messageCount"] for conversation in conversations)
    problems = [f"refused: {answer}" for answer in world.refused]
    problems += _lost(world, messages)
    problems += _at_the_network(messages, at_handsets)
    problems += _out_of_order(messages, at_handsets)
    problems += _inbound(messages, at_handsets, world.texted)
    problems += _webhooks(messages, hook)
    problems += await _log(world)
    if counted != len(messages) or total != len(conversations):
        problems.append(f"counters: {counted} of {len(messages)} messages, {total} of {len(conversations)}")
    return problems


async def _log(world: World) -> list[str]:
    """What a reader that went on after each break has missed, or was told twice."""
    newest = (await world.ask("GET", "/v1/events", params={"after": len(world.read), "limit": 1}))["data"]
    whole = world.read == list(range(1, len(world.read) + 1))
    return (
        [] if whole and not newest else [f"the log as it was read: {len(world.read)} events, more: {newest}"]
    )


def _outbound(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message for message in messages if message["direction"] == "outbound"]


def _lost(world: World, messages: list[dict[str, Any]]) -> Iterator[str]:
    by_id = {message["id"]: message for message in messages}
    for body, answer in world.acknowledged.items():
        message = by_id.get(answer["id"])
        if message is None:
            yield f"lost: {answer['id']} ({body}) was acknowledged"
            continue
        told = (message["numberId"], message["to"], message["body"])
        if told != (*world.asked[body], body):
            yield f"mixed up: {answer['id']} is {told}"
    stored = Counter(message["body"] for message in _outbound(messages))
    for body in sorted(stored.keys() & world.denied):
        yield f"stored although it was told that nothing was done: {body}"
    for body, times in stored.items():
        if times > 1:
            yield f"stored {times} times: {body}"
    for message in messages:
        if message["status"] == "queued":
            yield f"stuck: {message['id']} is still queued"


def _at_the_network(messages: list[dict[str, Any]], at_handsets: list[dict[str, Any]]) -> Iterator[str]:
    arrived = Counter(
        (text["from"], text["to"], text["body"]) for text in at_handsets if text["direction"] == "in"
    )
    for message in _outbound(messages):
        times = arrived.pop((message["from"], message["to"], message["body"]), 0)
        status = message["status"]
        # Also after a kill between submit and answer: the network knows a text that it is given again, and receipts name it.
        if times != (0 if status == "failed" else 1) or status == "unconfirmed":
            yield f"{'sent twice' if times > 1 else 'not sent'}: {message['id']} is {status}, arrived {times} times"
    for text in arrived:
        yield f"unknown here: {text} arrived"


def _out_of_order(messages: list[dict[str, Any]], at_handsets: list[dict[str, Any]]) -> Iterator[str]:
    accepted, arrived = defaultdict(list), defaultdict(list)
    for text in at_handsets:
        if text["direction"] == "in":
            arrived[text["from"], text["to"]].append(text["body"])
    for message in reversed(_outbound(messages)):
        accepted[message["from"], message["to"]].append(message["body"])
    for pair, bodies in arrived.items():
        there = set(bodies)
        if bodies != [body for body in accepted[pair] if body in there]:
            yield f"out of order: texts of {pair}"


def _inbound(
    messages: list[dict[str, Any]], at_handsets: list[dict[str, Any]], texted: list[Text]
) -> Iterator[str]:
    sent = Counter(
        (text["from"], text["to"], text["body"]) for text in at_handsets if text["direction"] == "out"
    )
    here = Counter(
        (message["from"], message["to"], message["body"])
        for message in messages
        if message["direction"] == "inbound"
    )
    for text in texted:
        if text not in sent:
            yield f"the network forgot {text}"
    for text in sent.keys() | here.keys():
        if sent[text] != here[text]:
            yield f"inbound: {text} was sent {sent[text]} times and is here {here[text]} times"


def _webhooks(messages: list[dict[str, Any]], hook: Endpoint) -> Iterator[str]:
    told: dict[str, set[str]] = defaultdict(set)
    for webhook_id, attempts in hook.attempts.items():
        if len(set(attempts)) != 1:
            yield f"webhook {webhook_id} changed between attempts"
        told[json.loads(attempts[0])["data"]["messageId"]].add(webhook_id)
    for message in messages:
        ids = told.pop(message["id"], set())
        wanted = 1 if message["direction"] == "inbound" else 0
        if len(ids) != wanted:
            yield f"event of {message['id']} came under {sorted(ids)}"
    for message_id in told:
        yield f"the endpoint heard of {message_id}, which doesn't exist"


_MESSAGE_ID = "json_extract(data, '$.messageId')"
_EVENTS = (
    f"SELECT CAST({_MESSAGE_ID} AS text) AS message_id, type, seq FROM events WHERE type LIKE 'message.%'"
)
_LAST = f"""
    SELECT message_id, type, row_number() OVER (PARTITION BY message_id ORDER BY seq DESC) AS place
    FROM ({_EVENTS}) AS told"""
WRONG = {
    "totals of the account": """
        SELECT id FROM accounts WHERE message_count <> (SELECT count(*) FROM messages WHERE account_id = accounts.id)
        OR conversation_count <> (SELECT count(*) FROM conversations WHERE account_id = accounts.id)
        OR delivery_count <> (SELECT count(*) FROM deliveries WHERE account_id = accounts.id)""",
    "gaps in the event sequence": """
        SELECT id FROM accounts WHERE event_seq <> (SELECT count(*) FROM events WHERE account_id = accounts.id)
        OR event_seq <> (SELECT coalesce(max(seq), 0) FROM events WHERE account_id = accounts.id)""",
    "totals of conversations": """
        SELECT id FROM conversations WHERE unsent <> 0 OR message_count <> (SELECT count(*) FROM messages
        WHERE account_id = conversations.account_id AND conversation_id = conversations.id)""",
    "messages without their events": f"""
        SELECT id, n FROM messages LEFT JOIN (SELECT message_id, count(*) AS n FROM ({_EVENTS}) AS told
        WHERE type IN ('message.queued', 'message.received') GROUP BY message_id) AS counted ON message_id = id
        WHERE coalesce(n, 0) <> 1""",
    "texts whose last event tells another status": f"""
        SELECT id, status, type FROM messages LEFT JOIN ({_LAST}) AS told ON message_id = id AND place = 1
        WHERE coalesce(type, '') <> 'message.' || status""",
    "work left over": "SELECT id, state FROM outbox",
    "lanes that are not at rest": "SELECT id FROM lanes WHERE in_flight <> 0 OR backlog <> 0 OR next_at IS NOT NULL",
    "deliveries not done": "SELECT id, status FROM deliveries WHERE status <> 'delivered'",
    "open orders": "SELECT id FROM number_orders WHERE state = 'open'",
    "keys under way": "SELECT key FROM idempotency WHERE status IS NULL",
    "times of a number that tie": """
        SELECT number_id, at FROM messages GROUP BY account_id, number_id, at HAVING count(*) > 1""",
    "integrity": "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
}


def judge_store(world: World) -> list[str]:
    """What is wrong inside the store of a stopped server."""
    wrong = dict(WRONG)
    if world.database is not None:
        del wrong["integrity"]
        wrong = {
            what: query.replace(_MESSAGE_ID, "data::json ->> 'messageId'") for what, query in wrong.items()
        }
    return [f"{what}: {found[:5]}" for what, query in wrong.items() if (found := world.rows(query))]
