"""Who may look: the one-time link, the key, the cookie, and what a page of somebody else can't do."""

import pytest

from ringback.doors.console import live
from ringback.testing import Ringback
from tests.console.looking import Looking, link_of, signed_in
from tests.console.test_live import heard, page
from tests.console.test_pages import PAGES
from tests.phones import until

pytestmark = pytest.mark.scenario


def test_the_front_door_leads_to_the_console_and_there_to_signing_in(ringback: Ringback) -> None:
    looking = Looking(ringback)
    assert looking.get("/").headers["location"] == "/console/"
    assert looking.get("/console").headers["location"] == "/console/"
    assert looking.get("/console/").headers["location"] == "/console/sign-in"
    assert "ringback link" in looking.get("/console/sign-in").text


def test_a_link_opens_the_console_once(ringback: Ringback) -> None:
    link, first, second = link_of(ringback), Looking(ringback), Looking(ringback)
    opened = first.get(link)
    assert (opened.status, opened.headers["location"]) == (303, "/console/")
    assert first.get("/console/").status == 200
    assert second.get(link).headers["location"] == "/console/sign-in?used=1"
    assert "That link was used" in second.get("/console/sign-in?used=1").text
    assert second.get("/console/").status == 303


def test_the_link_that_the_start_prints_is_such_a_link(ringback: Ringback) -> None:
    link = ringback.server.first.link
    assert link is not None
    assert Looking(ringback).get(link).headers["location"] == "/console/"


def test_the_cookie_is_kept_from_scripts_other_sites_and_the_api(ringback: Ringback) -> None:
    cookie = Looking(ringback).get(link_of(ringback)).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/console"} <= set(cookie.split("; "))
    assert "Secure" not in cookie  # this server has no https
    looking = signed_in(ringback)
    assert looking.get("/v1/numbers").status == 401


def test_the_command_line_gets_a_link_and_nobody_else(ringback: Ringback) -> None:
    answer = ringback.request("POST", "/internal/v1/links", json={})
    assert answer.status == 401
    ringback.server.keys.local_token = "token of a test"
    made = ringback.request("POST", "/internal/v1/links", json={}, api_key="token of a test").json
    assert Looking(ringback).get(made["path"]).headers["location"] == "/console/"


def test_a_look_at_a_link_does_not_use_it_up(ringback: Ringback) -> None:
    looking, link = Looking(ringback), link_of(ringback)
    assert looking.send("HEAD", link).status == 303
    assert looking.cookie == ""
    assert looking.get(link).headers["location"] == "/console/"


def test_a_key_opens_it_until_it_is_revoked(ringback: Ringback) -> None:
    looking = Looking(ringback)
    key = ringback.new_account("somebody")
    answer = looking.post("/console/sign-in", key=key)
    assert answer.headers["hx-redirect"] == "/console/"
    assert looking.get("/console/").status == 200
    ringback.revoke_key(key)
    assert looking.get("/console/").headers["location"] == "/console/sign-in"


def test_a_link_opens_it_until_its_account_is_deleted(ringback: Ringback) -> None:
    looking = Looking(ringback)
    branch = ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}).json["id"]
    ringback.server.keys.local_token = "token of a test"
    asked = {"accountId": branch}
    made = ringback.request("POST", "/internal/v1/links", json=asked, api_key="token of a test").json
    looking.get(made["path"])
    assert looking.get("/console/").status == 200
    assert ringback.request("DELETE", f"/v1/sub-accounts/{branch}").status == 200
    assert looking.get("/console/").headers["location"] == "/console/sign-in"


def test_a_sub_account_is_not_told_where_and_with_what_the_server_runs(ringback: Ringback) -> None:
    made = ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}).json
    branch = ringback.on_loop(ringback.server.book.create_key("b", None, account_id=made["id"])).key
    settings = ringback.server.settings
    hidden = (
        str(settings.data),
        "SQLite",
        "live key",
        "in the server&#39;s process",
        "demo brain",
        "hears with",
    )
    above, below = signed_in(ringback), Looking(ringback)
    below.post("/console/sign-in", key=branch)
    for path in ("", "settings"):
        seen, told = below.get(f"/console/{path}").text, above.get(f"/console/{path}").text
        assert [each for each in hidden if each in seen] == []
        assert [each for each in hidden if each not in told] == []
        assert seen.count("works") >= 4
    for path in (*PAGES, "catch"):
        assert str(settings.data) not in below.get(f"/console/{path}").text, path
    with page(below, "checks") as socket:
        frame = "".join(heard(socket, 1.0))
    assert "Database" in frame
    assert [each for each in hidden if each in frame] == []


@pytest.mark.parametrize("way", ["link", "key"])
def test_a_copy_of_a_session_that_was_signed_out_opens_nothing(ringback: Ringback, way: str) -> None:
    looking, beside = signed_in(ringback), signed_in(ringback)
    if way == "key":
        looking.post("/console/sign-in", key=ringback.api_key)
    cookie = looking.cookie
    assert looking.post("/console/sign-out").headers["hx-redirect"] == "/console/sign-in"
    for _ in range(2):
        looking.cookie = cookie
        assert looking.get("/console/").headers["location"] == "/console/sign-in"
        assert looking.post("/console/sign-out").status == 204
    assert beside.get("/console/").status == 200
    book = ringback.server.book
    fresh = type(book)(ringback.server.store, ringback.server.settings.data)
    ringback.server.console.sessions._book = fresh
    assert looking.get("/console/").status == 303, "it is in the store, not in the process"
    again = signed_in(ringback)
    assert again.get("/console/").status == 200


def test_open_pages_of_a_session_go_when_it_is_signed_out(
    ringback: Ringback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_SESSION_S", 0.1)
    looking, copy = signed_in(ringback), Looking(ringback)
    copy.cookie = looking.cookie
    with page(copy, "activity") as socket:
        heard(socket, 0.3)
        assert ringback.server.console.live.pages == 1
        looking.post("/console/sign-out")
        until(lambda: ringback.server.console.live.pages == 0)


def test_a_wrong_key_is_told_in_words_and_not_repeated(ringback: Ringback) -> None:
    answer = Looking(ringback).post("/console/sign-in", key="sk_live_<b>wrong")
    assert "No live key is like that" in answer.text
    assert "wrong" not in answer.text.replace("What was wrong", "")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("other", ["justflag", "u@x=1", 'a={"b":1}', "prefs[x]=1", "path=/x", "comment"])
def test_cookies_of_other_programs_on_this_host_sign_nobody_out(ringback: Ringback, other: str) -> None:
    looking = signed_in(ringback)
    own = looking.cookie
    for jar in (f"{own}; {other}", f"{other}; {own}"):
        looking.cookie = jar
        assert looking.get("/console/").status == 200, jar


def test_an_origin_that_is_no_address_is_a_foreign_one(ringback: Ringback) -> None:
    looking = signed_in(ringback)
    for path in ("/console/sign-in", "/console/phones"):
        assert looking.send("POST", path, {}, {"Origin": "http://["}).status == 403


@pytest.mark.parametrize("cookie", ["", "x", "v1.00000000.abc", "%00", "a=b; c"])
def test_a_cookie_that_nobody_sealed_opens_nothing(ringback: Ringback, cookie: str) -> None:
    looking = signed_in(ringback)
    name = looking.cookie.partition("=")[0]
    looking.cookie = f"{name}={cookie}"
    assert looking.get("/console/").status == 303


def test_a_session_outlives_its_server_process(ringback: Ringback) -> None:
    """The cookie is sealed with the key in the data folder, and stored nowhere."""
    looking = signed_in(ringback)
    ringback.server.console.links = type(ringback.server.console.links)()
    assert looking.get("/console/").status == 200


def test_signing_out_takes_the_cookie_away(ringback: Ringback) -> None:
    looking = signed_in(ringback)
    answer = looking.post("/console/sign-out")
    assert answer.headers["hx-redirect"] == "/console/sign-in"
    assert "Max-Age=0" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_page_of_somebody_else_does_anything(ringback: Ringback, headers: dict[str, str]) -> None:
    looking = signed_in(ringback)
    before = ringback.request("GET", "/sim/v1/handsets").json["total"]
    answer = looking.send("POST", "/console/phones", {}, headers)
    assert answer.status == 403
    assert ringback.request("GET", "/sim/v1/handsets").json["total"] == before


def test_a_browser_that_hides_the_origin_says_that_it_is_ours(ringback: Ringback) -> None:
    looking = signed_in(ringback)
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert looking.send("POST", "/console/phones", {}, headers).status == 204


def test_a_script_whose_session_is_over_goes_to_sign_in(ringback: Ringback) -> None:
    answer = Looking(ringback).post("/console/phones")
    assert (answer.status, answer.headers["hx-redirect"]) == (204, "/console/sign-in")
