"""What pages say when something is wrong: what failed, whose side, what to do, and the id to quote."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ringback.doors.console import tool_fields
from ringback.testing import Ringback
from tests.console.looking import Looking, signed_in
from tests.console.test_live import heard, page
from tests.console.test_pages import PAGES
from tests.phones import until
from tests.postgres import Databases, databases, postgres_url

__all__ = ["databases", "postgres_url"]
pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]


@contextmanager
def database_away(databases: Databases, url: str) -> Iterator[None]:
    """Inside, the database takes no connection and lets go those that it has."""
    name = re.findall(r"postgresql:///([^?]+)", url)[0]
    databases.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        databases.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        yield
    finally:
        databases.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def is_explained(text: str) -> bool:
    words = ("Whose side", "What to do", "To quote")
    return all(each in text for each in words) and re.search(r"req_\w+", text) is not None


def hear(socket: Any, *wanted: str) -> None:
    """Return when frames have told all of this; a database that is away is waited for, for some seconds."""
    told = ""

    def all_told() -> bool:
        nonlocal told
        told += "".join(heard(socket, 0.5))
        return all(each in told for each in wanted)

    until(all_told, timeout_s=40)


class TestDatabaseAway:
    @pytest.fixture
    def ringback_settings(self, postgres_url: str) -> dict[str, Any]:
        return {"database_url": postgres_url}

    @pytest.fixture
    def away(self, databases: Databases, postgres_url: str) -> Callable[[], Any]:
        return lambda: database_away(databases, postgres_url)

    def test_every_page_says_so_and_comes_back(self, ringback: Ringback, away: Callable[[], Any]) -> None:
        looking = signed_in(ringback)
        by_key = Looking(ringback)
        by_key.post("/console/sign-in", key=ringback.new_account("other"))
        with away():
            for name in PAGES:
                seen = looking.get(f"/console/{name}")
                assert seen.status == 503, (name, seen.text[:300])
                assert is_explained(seen.text), name
                assert "The database does not answer" in seen.text, name
                assert "data-reload" in seen.text, name
                assert 'aria-current="page"' in seen.text, name
            for path in ("calls/call_1", "webhooks/deliveries/whd_1", "conversations/conv_1", "catch"):
                assert looking.get(f"/console/{path}").status == 503, path
            # Whose session a key opened is asked for the key, which is known for a second.
            until(lambda: is_explained(by_key.get("/console/").text))
        for name in PAGES:
            assert looking.get(f"/console/{name}").status == 200, name

    def test_a_form_says_so_in_the_corner_and_changes_nothing(
        self, ringback: Ringback, away: Callable[[], Any]
    ) -> None:
        looking = signed_in(ringback)
        with away():
            answer = looking.post("/console/agents", name="Half typed")
            assert (answer.status, answer.headers["hx-reswap"]) == (200, "none")
            assert "The database's side" in answer.text.replace("&#39;", "'")
            assert re.search(r"Quote req_\w+", answer.text)
        assert ringback.request("GET", "/v1/agents").json["total"] == 0

    def test_open_pages_hear_of_it_and_are_right_again_afterwards(
        self, ringback: Ringback, away: Callable[[], Any]
    ) -> None:
        with page(signed_in(ringback), "trouble", "agents", "checks") as socket:
            heard(socket, 0.6)
            with away():
                hear(socket, "What you see may be old", "does not answer")
            hear(socket, 'id="live-trouble" role="alert"></div>', "No agents yet")


@pytest.fixture
def looking(ringback: Ringback) -> Looking:
    return signed_in(ringback)


@pytest.mark.parametrize("path", ["calls/call_none", "agents/agt_none", "webhooks/deliveries/whd_none"])
def test_what_is_not_there_says_why_among_the_pages(looking: Looking, path: str) -> None:
    seen = looking.get(f"/console/{path}")
    assert seen.status == 404
    assert is_explained(seen.text)
    assert 'aria-current="page"' in seen.text
    assert f'href="/console/{path.partition("/")[0]}" data-back' in seen.text
    assert "data-reload" not in seen.text


def test_an_address_that_there_is_not_leads_home(looking: Looking) -> None:
    seen = looking.get("/console/nowhere/at/all")
    assert (seen.status, is_explained(seen.text)) == (404, True)


@pytest.mark.parametrize(
    ("path", "form", "field"),
    [
        ("webhooks", {"url": "ftp://example.com"}, "url"),
        ("settings/keys", {"days": "soon"}, "days"),
        ("settings/sub-accounts", {"name": ""}, "name"),
        ("phones/clock", {"seconds": "abc"}, "seconds"),
        ("phones/line", {"lossPercent": "abc"}, "lossPercent"),
    ],
)
def test_a_bad_form_names_its_field_and_swaps_nothing(
    looking: Looking, path: str, form: dict[str, str], field: str
) -> None:
    answer = looking.post(f"/console/{path}", **form)
    assert (answer.status, answer.headers["hx-reswap"]) == (200, "none")
    assert answer.headers["x-field"] == field
    assert 'role="alert"' in answer.text
    assert "live-" not in answer.text


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("phones/clock", {"seconds": "nan"}),
        ("phones/line", {"lossPercent": "1e999"}),
        ("agents", {"name": "Ada", "voiceSpeed": "nan"}),
    ],
)
def test_numbers_that_are_none_are_told_and_no_key_is_asked_for(
    looking: Looking, path: str, form: dict[str, str]
) -> None:
    text = looking.post(f"/console/{path}", **form).text
    assert "NaN and Infinity are no numbers" in text
    assert "API key" not in text


def test_a_phone_is_changed_by_a_form_that_lacks_some(ringback: Ringback, looking: Looking) -> None:
    phone = ringback.request("POST", "/sim/v1/handsets", json={"personality": "echo"}).json
    answer = looking.post(f"/console/phones/{phone['id']}", name="Sam", online="on")
    assert answer.status < 300
    told = ringback.request("GET", f"/sim/v1/handsets/{phone['id']}").json
    assert (told["name"], told["personality"]) == ("Sam", "echo")


def test_whoever_is_not_signed_in_learns_nothing_of_what_is_there(ringback: Ringback) -> None:
    for path in ("nowhere", "calls/call_none"):
        assert Looking(ringback).get(f"/console/{path}").headers["location"] == "/console/sign-in"


def test_each_part_that_is_wrong_says_what_to_do(ringback: Ringback, looking: Looking) -> None:
    """An endpoint that fails is this account's own news, and nobody else's."""
    ringback.request("POST", "/v1/webhooks", json={"url": "http://127.0.0.1:9/nobody"})
    number = ringback.request("POST", "/v1/numbers", json={}).json
    phone = ringback.request("GET", "/sim/v1/handsets").json["data"][0]
    with page(looking, "checks") as socket:
        heard(socket, 0.6)
        sent = {"to": number["phoneNumber"], "body": "hello"}
        ringback.request("POST", f"/sim/v1/handsets/{phone['id']}/messages", json=sent)
        ringback.request("POST", "/sim/v1/clock", json={"advanceSeconds": 36_000})
        told = "".join(heard(socket, 3.0))
    assert "has failed since" in told
    assert "Mend it and test it" in told
    other = Looking(ringback)
    other.post("/console/sign-in", key=ringback.new_account("other"))
    assert "has failed since" not in other.get("/console/").text


def test_a_form_of_too_many_fields_is_refused_in_words(looking: Looking) -> None:
    for path, many in (("agents", 401), ("agents", 20_000), ("settings/sub-accounts", 401), ("sign-in", 401)):
        fields = [("name", "x")] * many
        answer = looking.send(
            "POST", f"/console/{path}", fields, {"Origin": looking.base, "HX-Request": "true"}
        )
        assert (answer.status, answer.headers["hx-reswap"]) == (200, "none")
        assert "A form has at most 400 fields" in answer.text, answer.text
    assert "No agents yet" in looking.get("/console/agents").text


def test_metadata_nested_deep_are_a_fault_of_the_field(looking: Looking) -> None:
    """At some depth the text can be read and not be written again."""
    for deep in (65, 500, *range(925, 975), 50_000):
        typed = '{"a":' * deep + "1" + "}" * deep
        answer = looking.post("/console/conversations/conv_none/metadata", metadata=typed)
        assert (answer.status, answer.headers.get("x-field")) == (200, "metadata"), (deep, answer.text)
        assert "nested deeper than 64 levels" in answer.text


def test_a_tools_parameters_nested_deep_are_a_fault_of_the_field(looking: Looking) -> None:
    for deep in (65, *range(925, 975), 50_000):
        typed = '{"a":' * deep + "1" + "}" * deep
        tools = tool_fields.typed([(tool_fields.FIRST, ""), ("tool.parameters", typed)])
        tool_fields.body(tools, None)
        assert "nested deeper than 64 levels" in tools[0].faults["parameters"], deep
