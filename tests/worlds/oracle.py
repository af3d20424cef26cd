"""What must hold when a world has come to rest: asked of the API, and of the files that it leaves."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from ringback.kit.signing import sign
from tests.faults.oracle import WRONG
from tests.storage import recount
from tests.worlds.doing import RANK
from tests.worlds.world import Sent, World

Row = dict[str, Any]
_PATIENCE_S = 2.0
"""From a claim to its submit, with the slowest disk."""
_ATTEMPTS = 6
_EXPIRED = "30001"
_DAY_MS = 86_400_000
# Failed deliveries are all right here, and are judged below.
_OTHERWISE = ("deliveries not done",)


async def judge_by_api(world: World) -> None:
    """What is wrong as each account sees it, while the server still runs."""
    for who in world.who:
        if who.gone:
            continue
        while await world.read_on(who):
            pass
        for scope, path in (("", "/v1/webhooks"), (who.agent_id, f"/v1/agents/{who.agent_id}/webhook")):
            set_there = await world.must(who, "GET", path)
            if set_there is not None:
                world.newest_secrets[who.account_id, scope] = set_there["secret"]
        found: dict[str, Row] = {}
        for number in who.numbers:
            answer = await world.ask(who, "GET", f"/v1/numbers/{number['id']}/messages?limit=200")
            if answer.status != 200:
                world.wrong(f"{who.name} can't list the messages of {number['id']}: {answer.status}")
                continue
            for message in answer.json["data"]:
                found[message["id"]] = message
                if number["phoneNumber"] not in (message["from"], message["to"]):
                    world.wrong(f"{who.name} sees {message['id']}")
        for sent in world.sent:
            for message_id in sent.ids if sent.line.who is who else ():
                told = found.get(message_id)
                if told is None or (told["to"], told["body"]) != (sent.to, sent.body):
                    world.wrong(f"acknowledged and lost: {message_id} ({sent.body}): {told}")
        listed = await world.must(who, "GET", "/v1/numbers?limit=100")
        active = {number["id"] for number in listed["data"] if number["status"] == "active"}
        for number in who.numbers[: 2 if who.name == "A" else 1]:
            touched = any(line.touched for line in world.lines if line.number["id"] == number["id"])
            if number["id"] not in active and not touched:
                world.wrong(f"{who.name} lost {number['phoneNumber']}")


def judge_files(world: World) -> None:
    """What is wrong inside the files, when all processes have ended."""
    for what, query in WRONG.items():
        if what not in _OTHERWISE and (found := [list(row.values()) for row in world.rows(query)]):
            world.wrong(f"{what}: {found[:5]}")
    messages = world.rows("SELECT * FROM messages ORDER BY account_id, at")
    for judge in (
        _sends,
        _owners,
        _network,
        _order,
        _inbound,
        _events,
        _opted_out,
        _webhooks,
        _numbers,
        _counters,
    ):
        for problem in judge(world, messages):
            world.wrong(problem)


def _outbound(messages: list[Row]) -> list[Row]:
    return [message for message in messages if message["direction"] == "outbound"]


def _sends(world: World, messages: list[Row]) -> Iterator[str]:
    """One key, one effect; an answer tells what was done."""
    stored = Counter(message["body"] for message in _outbound(messages))
    for sent in world.sent:
        times = stored[sent.body]
        if (
            len(set(sent.ids)) > 1
            or len({answer.body for answer in sent.answers if answer.status == 200}) > 1
        ):
            yield f"one request, several answers: {sent.body}: {sent.ids}"
        if times > 1:
            yield f"stored {times} times: {sent.body}"
        if times == 0 and sent.ids:
            yield f"acknowledged and not stored: {sent.body}"
        if times and not sent.ids and not _may_be_done(sent):
            yield f"refused and stored: {sent.body}: {[answer.status for answer in sent.answers]}"
        if any(answer.status == 500 for answer in sent.answers):
            yield f"500 for {sent.body}"
    known = {sent.body for sent in world.sent}
    for body in stored:
        if body not in known and not body.startswith(("You have", "This number belongs")):
            yield f"nobody sent {body!r}"


def _may_be_done(sent: Sent) -> bool:
    return any(answer.status == 0 for answer in sent.answers)


def _owners(world: World, messages: list[Row]) -> Iterator[str]:
    """Every row lies in the account that its number was of."""
    rows = world.rows("SELECT account_id, id FROM numbers")
    owner = {row["id"]: row["account_id"] for row in rows}
    for message in messages:
        if owner[message["number_id"]] != message["account_id"]:
            yield f"{message['id']} lies in another account than its number"
    for sent in world.sent:
        for message in messages:
            if message["id"] in sent.ids and message["account_id"] != sent.line.who.account_id:
                yield f"{message['id']} lies in another account than its sender's"


def _arrived(world: World) -> Counter[tuple[str, str, str]]:
    """What came to phones, and to numbers of ours, from numbers of ours: from, to and body."""
    at_phones = world.rows("SELECT sender, recipient, body FROM far.texts WHERE direction = 'in'")
    found = Counter((row["sender"], row["recipient"], row["body"]) for row in at_phones)
    ours = {line.number["phoneNumber"] for line in world.lines}
    refs: set[str] = set()
    for row in world.rows("SELECT data FROM far.told WHERE kind = 'inbound'"):
        told = json.loads(row["data"])
        if told["from"] in ours and told["ref"] not in refs:
            refs.add(told["ref"])
            found[told["from"], told["to"], told["body"]] += 1
    return found


def _network(world: World, messages: list[Row]) -> Iterator[str]:
    """At most once at the phone, and a status tells the truth as far as the network told it."""
    arrived = _arrived(world)
    taken = {row["reference"] for row in world.rows("SELECT reference FROM far.taken")}
    receipts: defaultdict[str, list[str]] = defaultdict(list)
    for row in world.rows("SELECT data FROM far.told WHERE kind = 'receipt' ORDER BY seq"):
        told = json.loads(row["data"])
        receipts[told["reference"]].append(told["status"])
    together = Counter((row["from_e164"], row["to_e164"], row["body"]) for row in _outbound(messages))
    for message in _outbound(messages):
        reference = f"{message['account_id']}/{message['id']}"
        what = message["from_e164"], message["to_e164"], message["body"]
        status, times, about = message["status"], arrived[what], f"{message['id']} ({message['body']})"
        if times > together[what]:
            yield f"arrived {times} times: {about}, {status}"
        told = receipts[reference]
        if message["id"] in world.settled:
            # A person's word, which may be wrong; no receipt changes it.
            if world.settled[message["id"]] not in (None, status):
                yield f"{about} is {status}, and was settled as {world.settled[message['id']]}"
            continue
        if told and status != told[0]:
            yield f"{about} is {status}, and its receipt said {told[0]}"
        if together[what] > 1:
            continue
        if status == "delivered" and times != 1:
            yield f"delivered and not there: {about}"
        if status == "failed" and times:
            yield f"failed and there: {about}"
        if status == "sent" and reference not in taken:
            yield f"sent and never handed over: {about}"
        if status == "queued":
            yield f"stuck: {about}"
        if message["error_code"] == _EXPIRED and message["valid_until"] - message["at"] > _DAY_MS:
            yield f"forgotten in the queue until its validity passed: {about}"


def _order(world: World, messages: list[Row]) -> Iterator[str]:
    """The network takes each conversation's texts in the order in which they were accepted."""
    place = {row["reference"]: row["seq"] for row in world.rows("SELECT seq, reference FROM far.taken")}
    last: dict[str, tuple[int, str]] = {}
    for message in _outbound(messages):
        at = place.get(f"{message['account_id']}/{message['id']}")
        if at is None:
            continue
        before = last.get(message["conversation_id"], (0, ""))
        if at < before[0]:
            yield f"out of order: {message['body']!r} went before {before[1]!r}"
        last[message["conversation_id"]] = max(before, (at, message["body"]))


def _inbound(world: World, messages: list[Row]) -> Iterator[str]:
    """What a phone was told to be delivered is here once, and nothing twice."""
    here = Counter(message["carrier_ref"] for message in messages if message["direction"] == "inbound")
    for ref, times in here.items():
        if times > 1:
            yield f"text in {ref} is here {times} times"
    untouched = {line.number["phoneNumber"] for line in world.lines if not line.touched}
    for row in world.rows("SELECT data FROM far.told WHERE kind = 'inbound'"):
        told = json.loads(row["data"])
        if told["to"] in untouched and here[told["ref"]] != 1:
            yield f"text in {told['ref']} ({told['body']}) is here {here[told['ref']]} times"
    if world.rows("SELECT 1 FROM far.carrier_events LIMIT 1"):
        yield "the carrier still waits for acknowledgements"


def _events(world: World, messages: list[Row]) -> Iterator[str]:
    """Statuses only go forward, as the log tells, and who follows it misses nothing."""
    for who in world.who:
        query = f"SELECT seq, type FROM events WHERE account_id = '{who.account_id}' ORDER BY seq"
        kept = [(row["seq"], row["type"]) for row in world.rows(query)]
        if who.told != kept[: len(who.told) if who.gone else None]:
            yield f"the log told {who.name} {len(who.told)} events of {len(kept)}, or others"
    status = {message["id"]: message["status"] for message in messages}
    at: dict[str, str] = {}
    for row in world.rows("SELECT * FROM events WHERE type LIKE 'message.%' ORDER BY account_id, seq"):
        message_id, became = json.loads(row["data"])["messageId"], row["type"].removeprefix("message.")
        if became not in RANK:
            continue
        before = at.get(message_id)
        if before is not None and RANK[became] <= RANK[before]:
            yield f"{message_id} went from {before} to {became}"
        at[message_id] = became
    for message_id, seen in world.seen.items():
        if RANK[status.get(message_id, "queued")] < RANK[seen]:
            yield f"{message_id} was seen {seen} and is {status.get(message_id)}"


def _opted_out(world: World, messages: list[Row]) -> Iterator[str]:
    """After a STOP was taken in, nothing but its confirmation is handed over until a START."""
    by_reference = {f"{message['account_id']}/{message['id']}": message for message in messages}
    turns: defaultdict[tuple[str, str], list[tuple[float, bool]]] = defaultdict(list)
    for ref, (text, at) in world.watched.stored.items():
        word = text.body.strip().upper()
        if word == "STOP":
            turns[text.to, text.from_].append((at + _PATIENCE_S, True))
        elif word == "START":
            turns[text.to, text.from_].append((world.watched.handed[ref], False))
    for reference, at in world.watched.submits:
        message = by_reference.get(reference)
        if message is None or message["despite_opt_out"]:
            continue
        past = [turn for turn in sorted(turns[message["from_e164"], message["to_e164"]]) if turn[0] <= at]
        # Somebody who changes his mind again and again within moments is judged at the last change only.
        if past and past[-1][1] and all(out for when, out in past if when > past[-1][0] - 2 * _PATIENCE_S):
            yield f"handed over after STOP: {message['id']} ({message['body']}) at {at:.3f} s"


def _webhooks(world: World, messages: list[Row]) -> Iterator[str]:
    """Every event is delivered or a dead letter, and each attempt is the same."""
    attempts = world.endpoints.attempts
    rows = world.rows("SELECT * FROM deliveries")
    for row in rows:
        told = attempts.get(row["id"], [])
        if len({each.body for each in told}) > 1 and not row["attempts_before"]:
            yield f"delivery {row['id']} changed between attempts"
        if row["status"] == "delivered" and not any(
            each.status in range(200, 300) for each in told if each.status
        ):
            yield f"delivery {row['id']} counts as delivered, and nobody took it"
        gave_up = "deleted" in (row["error_message"] or "")
        if row["status"] == "failed" and row["attempts"] - row["attempts_before"] < _ATTEMPTS and not gave_up:
            yield f"delivery {row['id']} was given up after {row['attempts']}: {row['error_message']}"
        if row["status"] == "pending":
            yield f"delivery {row['id']} is still pending"
    for delivery_id in attempts.keys() - {row["id"] for row in rows}:
        yield f"an endpoint heard of {delivery_id}, which doesn't exist"
    planned = Counter(row["message_id"] for row in rows if row["event_type"] == "agent.message")
    yield from _in_order(world, rows)
    yield from _signatures(world, rows)
    again = _told_again(world)
    for who in world.who:
        total = sum(times for (account_id, _), times in again.items() if account_id == who.account_id)
        if total != who.replayed and "replay" not in who.unsure:
            yield f"{who.name} was told that {who.replayed} events go again, and {total} did"
    seq_of = {row["message_id"]: row["event_seq"] for row in rows if row["event_type"] == "agent.message"}
    hooked = {who.account_id for who in world.who if who.hooked}
    for message in messages:
        wanted = 1 if message["direction"] == "inbound" else 0
        wanted += again[message["account_id"], seq_of.get(message["id"], 0)] if wanted else 0
        if message["account_id"] in hooked and planned[message["id"]] != wanted:
            yield f"{planned[message['id']]} deliveries of {message['id']}"


def _told_again(world: World) -> Counter[tuple[str, int]]:
    """How often each event (account and sequence) was replayed."""
    rows = world.rows("SELECT account_id, data FROM events WHERE type = 'event.replayed'")
    return Counter((row["account_id"], json.loads(row["data"])["eventSeq"]) for row in rows)


def _signatures(world: World, rows: list[Row]) -> Iterator[str]:
    """Each attempt is signed with a secret that its endpoint was told, and at the end with the newest."""
    who_of = {who.account_id: who for who in world.who}
    for row in rows:
        who = who_of[row["account_id"]]
        if row["scope"] in who.unsure:
            continue
        known = who.secrets.get(row["scope"], set())
        for each in world.endpoints.attempts.get(row["id"], []):
            at, signature = each.signed
            by = [secret for secret in known if sign(secret, at, each.body) == signature]
            if not by:
                yield f"delivery {row['id']} is signed with a secret that nobody was told"
            newest = world.newest_secrets.get((who.account_id, row["scope"]))
            if each.at > world.healed_at + _PATIENCE_S and newest not in (None, *by):
                yield f"delivery {row['id']} is signed with a secret of before"


def _in_order(world: World, rows: list[Row]) -> Iterator[str]:
    """An endpoint that wants its events in order gets each when the one before is over."""
    ordered = world.who[1].account_id
    last: dict[str, tuple[int, str]] = {}
    again = _told_again(world)
    first = Counter((row["account_id"], row["event_seq"]) for row in rows) - again
    for row in sorted(rows, key=lambda row: (row["event_seq"], row["created_at"], row["id"])):
        event = row["account_id"], row["event_seq"]
        if not first[event]:
            continue  # a replay, which stood behind all that waited
        first[event] -= 1
        turns = [each.turn for each in world.endpoints.attempts.get(row["id"], [])]
        if row["account_id"] != ordered or row["scope"] or row["attempts_before"] or not turns:
            continue
        before, name = last.get(row["webhook_id"], (0, ""))
        if min(turns) < before:
            yield f"delivery {row['id']} went before {name}, which was not over"
        last[row["webhook_id"]] = (max(before, *turns), row["id"])


def _numbers(world: World, messages: list[Row]) -> Iterator[str]:
    """What the carrier has us hold is what we hold: nothing is paid for unseen."""
    held = {row["e164"] for row in world.rows("SELECT e164 FROM far.lines WHERE state = 'held'")}
    rows = world.rows("SELECT * FROM numbers WHERE status = 'active'")
    active = Counter(row["e164"] for row in rows)
    if set(active) != held or set(active.values()) - {1}:
        yield f"held at the carrier {sorted(held)}, here {sorted(active.elements())}"
    owners = {row["e164"] for row in world.rows("SELECT e164 FROM number_owners")}
    if owners != set(active):
        yield f"owners of {sorted(owners)}, active {sorted(active)}"


def _counters(world: World, messages: list[Row]) -> Iterator[str]:
    deliveries = world.rows("SELECT * FROM deliveries")
    agents = {row["id"]: "" for row in messages}
    for table in recount.TABLES:
        kept = recount.kept(table, world.rows(f"SELECT * FROM {table.name}"))
        counted = recount.counted(messages, deliveries, agents)[table]
        if table.name.startswith("usage"):
            # Whose a number was when is not told by rows: the sums over all agents must agree.
            kept, counted = _without_agents(kept), _without_agents(counted)
        if kept != counted:
            wrong = {key for key in kept.keys() | counted.keys() if kept.get(key) != counted.get(key)}
            yield f"counters of {table.name}: " + str(
                [(key, kept.get(key), counted.get(key)) for key in sorted(wrong, key=str)][:3]
            )


def _without_agents(sums: recount.Sums) -> recount.Sums:
    found: defaultdict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for key, each in sums.items():
        found[key[:-1]].update(each)
    return {key: dict(each) for key, each in found.items()}
