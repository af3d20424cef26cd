"""Home: what runs, what is wrong, what to do next."""

from typing import Any

from starlette.responses import Response

from ringback.doors.console import view
from ringback.doors.console.activity import activity
from ringback.doors.console.ask import Ask
from ringback.doors.console.checks import checks
from ringback.doors.console.desk import Look
from ringback.doors.console.live import block
from ringback.kit.times import to_iso

_DAYS = 14


@block("home")
async def home(ask: Ask, rest: str = "") -> str:
    """The next step and the figures."""
    usage = await ask.get("/v1/usage")
    daily = (await ask.get("/v1/usage/daily", days=_DAYS))["data"]
    agents = (await ask.get("/v1/agents", limit=1))["total"]
    conversations = (await ask.get("/v1/conversations", limit=1))["total"]
    deliveries = await ask.get("/v1/webhooks/deliveries/stats", hours=24 * _DAYS)
    return view.render(
        "parts/home.html",
        usage=usage,
        daily=daily,
        deliveries=deliveries,
        hours=await _hours(ask),
        steps=_steps(usage["numbers"]["used"], agents, conversations),
    )


async def _hours(ask: Ask) -> list[int]:
    """Deliveries in each of the last 24 hours, oldest first."""
    told = (await ask.get("/v1/webhooks/deliveries/stats", hours=24))["byHour"]
    by_hour = {entry["hour"][:13]: entry["total"] for entry in told}
    last = ask.api.state.parts.clock.now_ms()
    return [by_hour.get(to_iso(last - ago * 3_600_000)[:13], 0) for ago in range(23, -1, -1)]


def _steps(numbers: int, agents: int, conversations: int) -> list[dict[str, Any]]:
    """The way to a first conversation; empty once it was gone."""
    steps = [
        _step(
            agents > 0,
            "Make an agent",
            "It answers calls; your program, or a demo, answers texts.",
            "/agents/new",
            "New agent",
        ),
        _step(numbers > 0, "Get a number", "Free on the simulated network.", "/numbers", "Get a number"),
        _step(conversations > 0, "Text it", "From a phone on your screen.", "/phones", "Open phones"),
    ]
    return [] if all(step["done"] for step in steps) else steps


def _step(done: bool, title: str, text: str, path: str, button: str) -> dict[str, Any]:
    return {"done": done, "title": title, "text": text, "path": path, "button": button}


async def show(look: Look) -> Response:
    ask = look.ask
    return look.page(
        "pages/home.html",
        title="Home",
        at="home",
        live="home,activity,checks",
        checks=await checks(ask),
        home=await home(ask),
        activity=await activity(ask),
        own_url=look.desk.parts.settings.own_url,
    )


ROUTES = (("GET", "/", show),)
