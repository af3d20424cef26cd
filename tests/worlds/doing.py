"""What each step of a plan does, as a client, a phone, a carrier, an endpoint or a machine would."""

import asyncio
from typing import Any

from ringback.kit.groups import Closed
from ringback.sim.errors import HandsetOffline
from tests.worlds.plan import Step
from tests.worlds.process import Answer
from tests.worlds.world import HOOKS, STATUSES, Line, Sent, Who, World

RANK = {"queued": 0, "unconfirmed": 1, "sent": 2, "delivered": 3, "failed": 3, "received": 3}


async def do(world: World, step: Step) -> None:
    """Do one step to its end."""
    await globals()[f"_{step.do}"](world, step.n, **step.args)


# Clients


async def _post(world: World, sent: Sent, body: dict[str, Any]) -> None:
    answers = await world.persist(sent.line.who, "POST", "/v1/messages", body, sent.key)
    sent.answers += answers
    for answer in answers:
        if answer.status == 200:
            _see(world, answer.json)


def _sending(world: World, line: Line, to: str, text: str, key: str | None) -> tuple[Sent, dict[str, Any]]:
    sent = Sent(line, to, text, key)
    world.sent.append(sent)
    return sent, {"number_id": line.number["id"], "to_number": to, "body": text}


async def _send(
    world: World,
    n: int,
    line: int,
    phone: int,
    keyed: bool,
    validity_s: int | None = None,
    to_line: int | None = None,
) -> None:
    to = world.phones[phone].e164
    if to_line is not None and to_line != line:
        to = world.lines[to_line].number["phoneNumber"]
    sent, body = _sending(world, world.lines[line], to, f"text {n}", f"key-{n}" if keyed else None)
    if validity_s is not None:
        body["ringback"] = {"validitySeconds": validity_s}
    await _post(world, sent, body)


async def _burst(world: World, n: int, line: int, phone: int, count: int) -> None:
    to, at = world.phones[phone].e164, world.lines[line]
    sends = [_sending(world, at, to, f"burst {n}.{each}", f"key-{n}.{each}") for each in range(count)]
    await asyncio.gather(*[_post(world, *each) for each in sends])


async def _race(world: World, n: int, line: int, phone: int, count: int) -> None:
    at = world.lines[line]
    sent, body = _sending(world, at, world.phones[phone].e164, f"race {n}", f"key-{n}")
    await asyncio.gather(*[_post(world, sent, body) for _ in range(count)])


async def _clash(world: World, n: int, line: int, phone: int) -> None:
    """Two requests with one key: one is done, the other is told so."""
    at, to = world.lines[line], world.phones[phone].e164
    sends = [_sending(world, at, to, f"clash {n}.{each}", f"key-{n}") for each in range(2)]
    await asyncio.gather(*[_post(world, *each) for each in sends])
    if sum(bool(sent.ids) for sent, _ in sends) > 1:
        world.wrong(f"one key, two effects: key-{n}")


async def _look(world: World, n: int, who: int, phone: int) -> None:
    asker = world.who[who]
    for number in asker.numbers:
        before = dict(world.seen)
        answer = await world.ask(asker, "GET", f"/v1/numbers/{number['id']}/messages?limit=200")
        if answer.status == 200:
            for message in answer.json["data"]:
                status, was = message["status"], before.get(message["id"], "queued")
                if RANK[status] < RANK[was] or (RANK[was] == 3 and status != was):
                    world.wrong(f"{message['id']} was {was} and is {status}")
                _see(world, message)
                if number["phoneNumber"] not in (message["from"], message["to"]):
                    world.wrong(f"{asker.name} sees {message['id']}")


def _see(world: World, message: dict[str, Any]) -> None:
    """A status is seen: never one before what was seen already. Answers are seen in the order in which they came."""
    before = world.seen.get(message["id"], "queued")
    if "status" in message:
        world.seen[message["id"]] = max(before, message["status"], key=RANK.__getitem__)


async def _pry(world: World, n: int, who: int, phone: int) -> None:
    """An account asks for what is another's."""
    asker, other = world.who[who], world.who[(who + 1) % 3]
    other_number = other.numbers[0]["id"]
    for path in (f"/v1/numbers/{other_number}/messages", f"/v1/agents/{other.agent_id}"):
        answer = await world.ask(asker, "GET", path)
        if answer.came and answer.status not in (404, 503):
            world.wrong(f"{asker.name} reads {path} of {other.name}: {answer.status}")
    theft = {"number_id": other_number, "to_number": world.phones[phone].e164, "body": f"theft {n}"}
    answer = await world.ask(asker, "POST", "/v1/messages", theft)
    if answer.status == 200:
        world.wrong(f"{asker.name} sends from a number of {other.name}")


async def _note(world: World, n: int, who: int, phone: int) -> None:
    """Who a phone is, told between two attempts of a webhook, changes nothing in the second."""
    contact = {"name": f"Person {n}", "phoneNumber": world.phones[phone].e164}
    await world.persist(world.who[who], "POST", "/v1/contacts", contact, f"key-{n}")


async def _hook(
    world: World, n: int, who: int, hook: int, of_agent: bool, events: bool, ordered: bool
) -> None:
    asker = world.who[who]
    path = f"/v1/agents/{asker.agent_id}/webhook" if of_agent else "/v1/webhooks"
    # The second account's endpoint stays one that wants its events in order.
    extras = {"events": STATUSES if events else [], "ordered": ordered or who == 1}
    body = {"url": f"https://{HOOKS[hook]}/hook", "contextLimit": 2, "timeout": 5, "ringback": extras}
    _keep_secret(world, asker, of_agent, await world.persist(asker, "POST", path, body, f"key-{n}"))


async def _rotate(world: World, n: int, who: int, of_agent: bool, overlap_h: int) -> None:
    asker = world.who[who]
    path = f"/v1/agents/{asker.agent_id}/webhook" if of_agent else "/v1/webhooks"
    asked = {"overlapHours": overlap_h}
    answers = await world.persist(asker, "POST", f"{path}/rotate-secret", asked, f"key-{n}")
    _keep_secret(world, asker, of_agent, answers)


def _keep_secret(world: World, asker: Who, of_agent: bool, answers: list[Answer]) -> None:
    scope = asker.agent_id if of_agent else ""
    if answers[-1].status == 200:
        asker.secrets.setdefault(scope, set()).add(answers[-1].json["secret"])
    elif any(answer.status == 0 for answer in answers):
        asker.unsure.add(scope)


async def _replay(world: World, n: int, who: int, all_types: bool, after: int) -> None:
    """Somebody's endpoint was wrong for a while, and wants to be told again."""
    asker = world.who[who]
    body = {"after": after} if all_types else {"after": after, "types": ["message.received"]}
    answers = await world.persist(asker, "POST", "/v1/events/replay", body, f"key-{n}")
    if answers[-1].status == 200:
        asker.replayed += answers[-1].json["planned"]
    elif any(answer.status == 0 for answer in answers):
        asker.unsure.add("replay")


async def _settle(world: World, n: int, line: int, phone: int, status: str) -> None:
    """The carrier says nothing of a text, and a person what became of it; then the phone is back, and a receipt comes."""
    at, handset = world.lines[line], world.phones[phone]
    await _at_network(world, "change_handset", handset.id, {"online": False})
    await _at_network(world, "create_fault", "submit-timeout", count=3, number=handset.e164)
    await _post(world, *_sending(world, at, handset.e164, f"doubt {n}", f"key-{n}"))
    path = f"/v1/numbers/{at.number['id']}/messages?limit=200"
    for _ in range(8):
        await asyncio.sleep(1.5)
        found = await world.ask(at.who, "GET", path)
        listed = found.json["data"] if found.status == 200 else []
        if unsure := [message["id"] for message in listed if message["status"] == "unconfirmed"]:
            await _settle_one(world, n, at.who, unsure[0], status)
            break
    await _at_network(world, "change_handset", handset.id, {"online": True})


async def _settle_one(world: World, n: int, asker: Who, message_id: str, status: str) -> None:
    path = f"/v1/messages/{message_id}/settle"
    answers = await world.persist(asker, "POST", path, {"status": status}, f"key-{n}.2")
    if answers[-1].status == 200:
        if world.settled.get(message_id) is not None:
            world.wrong(f"settled twice: {message_id}")
        world.settled[message_id] = status
        _see(world, answers[-1].json)
    elif any(answer.status == 0 for answer in answers):
        world.settled.setdefault(message_id, None)


async def _unhook(world: World, n: int, who: int, hook: int, of_agent: bool) -> None:
    asker = world.who[who]
    asker.hooked = False
    path = f"/v1/agents/{asker.agent_id}/webhook" if of_agent else "/v1/webhooks"
    await world.ask(asker, "DELETE", path)


async def _redeliver(world: World, n: int, who: int, phone: int) -> None:
    """Somebody has found the dead letters, and wants them once more."""
    asker = world.who[who]
    found = await world.ask(asker, "GET", "/v1/webhooks/dead-letters")
    for delivery in found.json["data"][:2] if found.status == 200 else ():
        path = f"/v1/webhooks/deliveries/{delivery['id']}/redeliver"
        await world.persist(asker, "POST", path, None, f"key-{n}-{delivery['id']}")


async def _buy(world: World, n: int, who: int, keyed: bool) -> None:
    asker, key = world.who[who], f"key-{n}" if keyed else None
    answers = await world.persist(asker, "POST", "/v1/numbers", {"agentId": asker.agent_id}, key)
    for answer in answers:
        if answer.status == 200 and all(answer.json["id"] != number["id"] for number in asker.numbers):
            asker.numbers.append(answer.json)


async def _release(world: World, n: int, who: int, which: int, first: bool) -> None:
    asker = world.who[who]
    bought = asker.numbers[2 if who == 0 else 1 :]
    if first:
        number = asker.numbers[0]
    elif bought:
        number = bought[which % len(bought)]
    else:
        return
    for line in world.lines:
        line.touched |= line.number["id"] == number["id"]
    await world.persist(asker, "DELETE", f"/v1/numbers/{number['id']}", None, f"key-{n}")


# Phones and their network


async def _text(world: World, n: int, line: int, phone: int, word: str | None) -> None:
    handset, to = world.phones[phone], world.lines[line].number["phoneNumber"]
    body = word or f"hello {n}"
    if not world.network_is_up:
        return
    try:
        # The network's own doing: what dies with it was never sent.
        text = await asyncio.wait_for(world.network.send_text(handset.id, to, body), 60)
    except (HandsetOffline, TimeoutError, Closed):
        return
    world.texted.append((handset.e164, to, body, text.id))


_keyword = _text


async def _campaign(world: World, n: int, campaign: str | None) -> None:
    await _at_network(world, "change_settings", {"campaign": campaign})


async def _power(world: World, n: int, phone: int, for_s: float) -> None:
    await _at_network(world, "change_handset", world.phones[phone].id, {"online": False})
    await asyncio.sleep(for_s)
    await _at_network(world, "change_handset", world.phones[phone].id, {"online": True})


async def _fault(world: World, n: int, kind: str, count: int, line: int | None, phone: int | None) -> None:
    number = None if line is None else world.lines[line].number["phoneNumber"]
    if phone is not None:
        number = world.phones[phone].e164
    await _at_network(world, "create_fault", kind, count=count, number=number)


async def _outage(world: World, n: int, for_s: float) -> None:
    fault = await _at_network(world, "create_fault", "outage")
    await asyncio.sleep(for_s)
    if fault is not None:
        await _at_network(world, "delete_fault", fault.id)


async def _line(world: World, n: int, **changes: Any) -> None:
    await _at_network(world, "change_settings", changes)


async def _at_network(world: World, what: str, *args: Any, **more: Any) -> Any:
    """Ask the network itself, if it lives, and as long as it lives."""
    if not world.network_is_up:
        return None
    try:
        return await asyncio.wait_for(getattr(world.network, what)(*args, **more), 30)
    except (TimeoutError, Closed):
        return None


# Endpoints and machines


async def _mood(world: World, n: int, hook: int, mood: str) -> None:
    world.endpoints.moods[HOOKS[hook]] = mood


async def _crash(world: World, n: int, for_s: float) -> None:
    await world.crash(for_s)


async def _stop(world: World, n: int, for_s: float) -> None:
    await world.restart(for_s)


async def _network(world: World, n: int, for_s: float) -> None:
    await world.crash_network(for_s)


async def _clock(world: World, n: int, by_s: int) -> None:
    """The clock of the server (and of a network in its process) is moved, whatever is under way."""
    server = world.life.server
    if not world.life.up or world.away is not None:
        return
    server.clock.move_to(server.clock.now_ms() + by_s * 1000)
    await world.life.process.spawn(server._save_clock())


async def _set_forward(world: World, n: int, by_s: int) -> None:
    world.machine.set_calendar(by_s * 1000)


async def _set_back(world: World, n: int, by_s: int) -> None:
    world.machine.set_calendar(-by_s * 1000)


async def _full(world: World, n: int, for_s: float, network_too: bool) -> None:
    """Nothing can be written that needs more room than there is; then there is room again."""
    world.was_full = True
    server: Any = world.life.server
    if not world.life.up:
        return
    stores = [server.store._writer]
    if network_too and world.network_is_up:
        network: Any = world.network
        stores.append(network._engine._store)
    for store in stores:
        _bound(store, 1)
    await asyncio.sleep(for_s)
    for store in stores:
        _bound(store, 1 << 30)


def _bound(store: Any, pages: int) -> None:
    """SQLite's own limit, which it takes no lower than what the file has."""
    if not store._closed:
        store._conn.execute(f"PRAGMA max_page_count = {pages}")


async def _close(world: World, n: int) -> None:
    """The sub-account gives its numbers back, and is deleted by its parent."""
    parent, child = world.who[0], world.who[2]
    child.hooked = False
    for line in world.lines:
        line.touched |= line.who is child
    for number in tuple(child.numbers):
        await world.persist(child, "DELETE", f"/v1/numbers/{number['id']}", None, f"key-{n}-{number['id']}")
    answers = await world.persist(parent, "DELETE", f"/v1/sub-accounts/{child.sub}", None, f"key-{n}")
    child.gone |= any(answer.status in (0, 200, 404) for answer in answers)


async def _disk(world: World, n: int, times: int, for_s: float) -> None:
    world.loop.slow_disk = times
    await asyncio.sleep(for_s)
    world.loop.slow_disk = 1.0
