"""Usage: how much, by day, number and agent."""

from starlette.responses import Response

from ringback.doors.console.desk import Look

_PERIODS = (("day", "Today"), ("week", "This week"), ("month", "This month"))
_DAYS = (("7", "7 days"), ("30", "30 days"), ("90", "90 days"))


async def show(look: Look) -> Response:
    ask = look.ask
    days = look.query.get("days", "30")
    if days not in dict(_DAYS):
        days = "30"
    return look.page(
        "pages/usage.html",
        title="Usage",
        at="usage",
        usage=await ask.get("/v1/usage"),
        daily=(await ask.get("/v1/usage/daily", days=days))["data"],
        by_number=(await ask.get("/v1/usage/by-number"))["data"],
        by_agent=await ask.get("/v1/usage/by-agent", period="month"),
        days=days,
        ranges=_DAYS,
    )


ROUTES = (("GET", "/usage", show),)
