"""Settings: keys, sub-accounts, what may be texted, how each part of the server is, and how long things are kept."""

from typing import Any

from starlette.responses import Response

from ringback.doors.console import view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.checks import checks
from ringback.doors.console.desk import Look
from ringback.doors.console.live import block
from ringback.settings import Settings

_MOST_DAYS = 36_500
_SUBS = 50
_NUMBERS = 100
_LEAVES = {
    "registration_required": "Registration needed",
    "activating": "Being activated",
    "enabled": "May text",
}


async def _own_keys(look: Look) -> list[dict[str, Any]]:
    return [key for key in await look.desk.book.list_keys() if key["accountId"] == look.caller.account_id]


async def _keys(look: Look) -> str:
    """The table of keys: those that hold first, then the oldest."""
    keys = sorted(await _own_keys(look), key=lambda key: (key["revokedAt"] is not None, key["createdAt"]))
    return view.render("parts/keys.html", keys=keys, current=look.caller.key_id)


async def show(look: Look) -> Response:
    settings = look.desk.parts.settings
    return look.page(
        "pages/settings.html",
        title="Settings",
        at="settings",
        live="checks,sub-accounts",
        keys=await _keys(look),
        checks=await checks(look.ask),
        subs=await sub_accounts(look.ask),
        carriers=_carriers(look),
        compliance=await _compliance(look.ask),
        facts=_facts(settings),
    )


def _facts(settings: Settings) -> list[tuple[str, str]]:
    return [
        ("Answers at", settings.own_url),
        ("Recordings are kept", _days(settings.recording_retention_days)),
        ("Events are kept", _days(settings.event_retention_days)),
        ("Texts and deliveries are kept", "for ever"),
        (
            "Webhooks are tried for",
            {"vendor": "2 h 35 min", "three-days": "three days"}[settings.webhook_retry],
        ),
        ("A dead endpoint is switched off after", _days(settings.webhook_disable_after_days, never="never")),
        ("Calls are recorded", "unless a call says no" if settings.record_calls else "where a call says so"),
        ("Longest call", f"{settings.max_call_minutes} minutes"),
        ("Numbers at most", view.number(settings.number_limit)),
    ]


def _days(days: int, never: str = "for ever") -> str:
    return f"{days} day{'' if days == 1 else 's'}" if days else never


@block("sub-accounts")
async def sub_accounts(ask: Ask, rest: str = "") -> str:
    """Those under this account, the newest first."""
    page = await ask.get("/v1/sub-accounts", limit=_SUBS)
    return view.render("parts/sub_accounts.html", page=page)


def _carriers(look: Look) -> list[dict[str, Any]]:
    """Whether each takes texts now; one whose circuit is open is left alone until it answers again."""
    circuits: dict[str, bool] = look.desk.api.state.circuits()
    return [{"name": name, "open": is_open} for name, is_open in sorted(circuits.items())]


async def _compliance(ask: Ask) -> dict[str, Any]:
    """The registration as the API has it, and what it leaves the numbers."""
    told, why = {}, ""
    try:
        told = await ask.get("/v1/register")
    except Refused as error:
        why = error.message
    numbers = [
        each for each in (await ask.get("/v1/numbers", limit=_NUMBERS))["data"] if each["status"] == "active"
    ]
    counted = {state: sum(each["outboundSms"] == state for each in numbers) for state in _LEAVES}
    campaign = (await ask.get("/v1/usage"))["ringback"]["queue"]["campaign"]
    return {
        "told": {name: value for name, value in told.items() if isinstance(value, str)},
        "why": why,
        "numbers": [(text, counted[state], state) for state, text in _LEAVES.items()],
        "campaign": campaign,
    }


async def create_key(look: Look) -> Response:
    """A key, shown this once."""
    form = await look.form()
    name, days = form.get("name") or "console", form.get("days", "")
    if days and not (days.isdecimal() and len(days) <= 5 and 1 <= int(days) <= _MOST_DAYS):
        raise Refused(422, f"takes 1 to {_MOST_DAYS} days, or nothing for a key that stays", "days")
    made = await look.desk.book.create_key(
        name[:200], int(days) if days else None, account_id=look.caller.account_id
    )
    secret = view.render("parts/secret.html", what=f"key {name[:200]}", secret=made.key, back="/settings")
    return look.part(secret + view.in_place("keys-table", await _keys(look)))


async def revoke_key(look: Look) -> Response:
    key_id = look.path["id"]
    if all(key["id"] != key_id for key in await _own_keys(look)):
        raise Refused(404, "there is no such key")
    look.desk.keys.forget(await look.desk.book.revoke_key(key_id))
    return look.go("/settings")


async def create_sub_account(look: Look) -> Response:
    made = await look.ask.post("/v1/sub-accounts", {"name": (await look.form()).get("name", "")})
    answer = look.part("", toast=f"{made['name']} is there.")
    answer.headers["X-Done"] = "1"
    return answer


ROUTES = (
    ("GET", "/settings", show),
    ("POST", "/settings/keys", create_key),
    ("POST", "/settings/keys/{id}/revoke", revoke_key),
    ("POST", "/settings/sub-accounts", create_sub_account),
)
