"""Webhooks: endpoints, and what became of what they were told, failures first; one delivery with all that was said."""

import asyncio
import json
from shlex import quote
from typing import Any

from starlette.responses import PlainTextResponse, Response

from ringback.doors.console import view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.desk import Look
from ringback.doors.console.live import block
from ringback.doors.console.words import advice_on_attempt

_GROWS = 4
"""How many times longer lines may make JSON that is shown: of brackets in brackets they make a thousand."""
_PAGE = 50
_FAILED = 20
_ENDPOINTS = 100
HOURS = 24
ACCOUNTS = "account"
"""The scope of the account's endpoint in the addresses of forms; an agent's is its id."""


@block("deliveries")
async def deliveries(ask: Ask, rest: str = "") -> str:
    """Failed ones, then the newest."""
    return await _list(ask, 0)


async def _list(ask: Ask, offset: int) -> str:
    failed: dict[str, Any] = {"data": [], "total": 0}
    if not offset:
        failed = await ask.get("/v1/webhooks/dead-letters", limit=_FAILED)
    page = await ask.get("/v1/webhooks/deliveries", limit=_PAGE, offset=offset)
    stats = await ask.get("/v1/webhooks/deliveries/stats", hours=HOURS)
    known = {row["id"] for row in failed["data"]}
    return view.render(
        "parts/deliveries.html",
        failed=failed,
        rows=[row for row in page["data"] if row["id"] not in known],
        page=page,
        stats=stats,
        offset=offset,
        limit=_PAGE,
    )


@block("endpoints")
async def endpoints(ask: Ask, rest: str = "") -> str:
    """The account's endpoint and those of agents, failing ones first."""
    listed = await ask.get("/v1/webhooks/endpoints", limit=_ENDPOINTS)
    caught = await ask.get("/v1/webhooks/caught")
    named = {agent["id"]: agent["name"] for agent in (await ask.get("/v1/agents", limit=100))["data"]}
    for endpoint in listed["data"]:
        agent_id = endpoint["agentId"]
        endpoint["scope"] = agent_id or ACCOUNTS
        endpoint["of"] = named.get(agent_id, "An agent") if agent_id else "All agents"
        endpoint["catches"] = agent_id is None and caught["catching"]
        endpoint["answers"] = endpoint["catches"] and caught["answering"]
    return view.render("parts/endpoints.html", listed=listed, catcher=caught["url"])


async def show(look: Look) -> Response:
    ask = look.ask
    typed = look.query.get("offset", "0")
    offset = int(typed) if typed.isdecimal() and len(typed) < 10 else 0
    return look.page(
        "pages/webhooks.html",
        title="Webhooks",
        at="webhooks",
        live="endpoints" if offset else "endpoints,deliveries",
        endpoints=await endpoints(ask),
        deliveries=await _list(ask, offset),
    )


@block("delivery")
async def delivery(ask: Ask, delivery_id: str) -> str:
    """The request, what was answered, and every attempt."""
    told = await ask.get(f"/v1/webhooks/deliveries/{delivery_id}")
    request, attempts = told["request"], told["attempts"]
    last = attempts[-1] if attempts else None
    advice = ""
    if told["status"] != "delivered" and last is not None and last["side"] != "you":
        advice = advice_on_attempt(last["httpStatus"], last["error"])
    return view.render(
        "parts/delivery.html",
        name=f"delivery:{delivery_id}",
        delivery=told,
        request=request,
        body=readable(request["body"]) if request else "",
        answer=readable(told["responseBody"] or ""),
        attempts=attempts,
        longest=max((each["tookMs"] or 0 for each in attempts), default=0) or 1,
        advice=advice,
        is_turn=request is None and told["channel"] == "voice" and told["eventType"] == "agent.message",
    )


def readable(text: str) -> str:
    """JSON with its lines, anything else as it is, and JSON of which lines would make many times more."""
    try:
        told = view.pretty(json.loads(text))
        told.encode()
    except (ValueError, RecursionError):
        return text
    return told if len(told) <= _GROWS * len(text) + 1_000 else text


async def show_delivery(look: Look) -> Response:
    delivery_id = look.path["id"]
    told = await look.ask.get(f"/v1/webhooks/deliveries/{delivery_id}")
    return look.page(
        "pages/delivery.html",
        title=f"Delivery of {told['eventType']}",
        at="webhooks",
        live=f"delivery:{delivery_id}",
        delivery=told,
        shown=await delivery(look.ask, delivery_id),
    )


async def copy_as_curl(look: Look) -> Response:
    """The command that posts a delivery once more, signed for now. The secret is not in it."""
    told = await look.ask.get(f"/v1/webhooks/deliveries/{look.path['id']}")
    if told["request"] is None:
        raise Refused(
            404, "there is no request to repeat: its endpoint was deleted, or it was a turn of a call"
        )
    return PlainTextResponse(curl_of(told["request"]))


def curl_of(request: dict[str, Any]) -> str:
    """A command for a POSIX shell. `--globoff`: brackets of an address are meant as they stand."""
    lines = [f"curl --include --globoff {quote(request['url'])}"]
    lines += [f"  --header {quote(f'{name}: {value}')}" for name, value in request["headers"].items()]
    lines.append(f"  --data-binary {quote(request['body'])}")
    return " \\\n".join(lines)


def _path(scope: str) -> str:
    return "/v1/webhooks" if scope == ACCOUNTS else f"/v1/agents/{scope}/webhook"


async def set_one(look: Look) -> Response:
    """Set the account's endpoint, and show its new secret this once."""
    form = await look.form()
    before = await look.ask.get("/v1/webhooks")
    made = await look.ask.post("/v1/webhooks", {"url": form.get("url", "")})
    if before is not None and before["id"] == made["id"] and before["secret"] == made["secret"]:
        return look.go("/webhooks")
    return look.part(
        view.render("parts/secret.html", what="signing secret", secret=made["secret"], back="/webhooks")
    )


async def act(look: Look) -> Response:
    """Test, rotate, enable or delete an endpoint."""
    ask, scope, what = look.ask, look.path["scope"], look.path["what"]
    path = _path(scope)
    if what == "test":
        return await _test(look, path)
    if what == "rotate":
        made = await ask.post(f"{path}/rotate-secret", {})
        return look.part(
            view.render("parts/secret.html", what="signing secret", secret=made["secret"], back="/webhooks")
        )
    if what == "enable":
        await ask.post(f"{path}/enable")
    elif what == "delete":
        await ask.delete(path)
    return look.go("/webhooks")


async def _test(look: Look, path: str) -> Response:
    told = await look.ask.post(f"{path}/test", {})
    # No event tells of a test: the list says at once how it went, on other pages too.
    look.desk.live.mark(("endpoints", "checks"), look.caller.account_id)
    shown = view.in_place("live-endpoints", await endpoints(look.ask))
    if told["success"]:
        took = view.seconds(told["responseMs"])
        return look.part(shown, toast=f"It answered {told['httpStatus']} after {took}.")
    why = told["errorMessage"] or str(told["httpStatus"])
    advice = advice_on_attempt(told["httpStatus"], why)
    return look.part(shown, toast=f"The test failed: {why}. {advice}".strip(), bad=True)


async def redeliver(look: Look) -> Response:
    await look.ask.post(f"/v1/webhooks/deliveries/{look.path['id']}/redeliver")
    await asyncio.sleep(0.2)  # most are over by then, and the answer is the news
    return look.part("", toast="It goes out again.")


ROUTES = (
    ("GET", "/webhooks", show),
    ("POST", "/webhooks", set_one),
    ("GET", "/webhooks/deliveries/{id}", show_delivery),
    ("GET", "/webhooks/deliveries/{id}/curl", copy_as_curl),
    ("POST", "/webhooks/deliveries/{id}/redeliver", redeliver),
    ("POST", "/webhooks/{scope}/{what}", act),
)
