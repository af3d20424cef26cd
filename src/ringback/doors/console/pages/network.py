"""The simulated network's clock and line, which the wall of phones has in reach."""

from collections.abc import Mapping

from starlette.responses import Response

from ringback.doors.console.ask import Refused
from ringback.doors.console.desk import Look


async def move_clock(look: Look) -> Response:
    form = await look.form()
    do = form.get("do")
    change = {do: True} if do in ("freeze", "resume") else {"advanceSeconds": _number_in(form, "seconds")}
    await look.ask.post("/sim/v1/clock", change)
    return look.go("/phones")


async def change_line(look: Look) -> Response:
    form = await look.form()
    body = {
        "latencyMs": _whole(form.get("latencyMs")),
        "jitterMs": _whole(form.get("jitterMs")),
        "lossPercent": _number_in(form, "lossPercent"),
    }
    await look.ask.patch("/sim/v1/network", body)
    return look.part("", toast="The line is changed. It holds from the next text on.")


def _number_in(form: Mapping[str, str], name: str) -> float:
    try:
        return float(form.get(name) or 0)
    except ValueError:
        raise Refused(422, "takes a number", name) from None


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 12 else 0


ROUTES = (
    ("POST", "/phones/clock", move_clock),
    ("POST", "/phones/line", change_line),
)
