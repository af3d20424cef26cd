"""The page of an agent: its settings, tools and earlier prompts, as a browser sends them."""

import html
import re
from typing import Any

import pytest

from ringback.doors.console.differing import MOST_ROWS
from ringback.storage.reader import Reader
from ringback.storage.statements import Statement
from ringback.testing import Clock, Ringback
from tests.console.looking import Looking, signed_in
from tests.mcp.rpc import Tools
from tests.switchboard import Exchange

pytestmark = pytest.mark.scenario

TOOL = {
    "name": "find_order",
    "description": "Finds an order",
    "url": "https://shop.example.com/orders",
    "method": "POST",
    "headers": {"Authorization": "Bearer shop-secret", "X-Shop": "7", "X-Empty": None},
    "parameters": {"type": "object", "properties": {"order": {"type": "string"}}},
    "timeoutMs": 2500,
    "speakDuringExecution": True,
    "executionMessage": "Let me see.",
}


@pytest.fixture
def looking(ringback: Ringback) -> Looking:
    return signed_in(ringback)


def made(ringback: Ringback, **settings: Any) -> dict[str, Any]:
    body = {"name": "Desk", "voiceMode": "hosted", "systemPrompt": "One", **settings}
    answer: dict[str, Any] = ringback.request("POST", "/v1/agents", json=body).json
    return answer


def agent_of(ringback: Ringback, agent_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ringback.request("GET", f"/v1/agents/{agent_id}").json
    return found


def versions(ringback: Ringback, agent_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ringback.request("GET", f"/v1/agents/{agent_id}/prompt-versions").json[
        "data"
    ]
    return found


def form_of(page: str) -> list[tuple[str, str]]:
    """The fields of the agent's form, as a browser would send them untouched."""
    form = page[page.index('<form id="agent"') :]
    form = form[: form.index("</form>")]
    found: list[tuple[str, str]] = []
    pattern = r"<input([^>]*)>|<textarea([^>]*)>(.*?)</textarea>|<select([^>]*)>(.*?)</select>"
    for field, area, text, select, options in re.findall(pattern, form, re.DOTALL):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', field or area or select))
        if given.get("type") == "checkbox" and " checked" not in field:
            continue
        value = given.get("value", "on") if field else text
        if select:
            value = re.findall(r'<option value="([^"]*)"(?:[^>]* selected)?', options)[0]
            value = next(iter(re.findall(r'<option value="([^"]*)"[^>]* selected', options)), value)
        found.append((given["name"], html.unescape(value)))
    return found


def send(looking: Looking, path: str, fields: list[tuple[str, str]], **changed: str) -> str:
    fields = [(name, changed.get(name, value)) for name, value in fields]
    headers = {"Origin": looking.base, "HX-Request": "true"}
    answer = looking.send("POST", path, fields, headers)
    assert answer.status in (200, 204), answer.text
    return answer.text


def test_a_form_that_is_saved_untouched_changes_nothing(ringback: Ringback, looking: Looking) -> None:
    agent = made(
        ringback, customTools=[TOOL], systemPrompt=" One\r\ntwo \n", description="A", voiceSpeed=1.25
    )
    path = f"/console/agents/{agent['id']}"
    text = send(looking, path, form_of(looking.get(path).text))
    assert "Saved." in text
    assert agent_of(ringback, agent["id"]) == agent
    assert len(versions(ringback, agent["id"])) == 1


def test_what_headers_hold_is_never_shown_and_stays(ringback: Ringback, looking: Looking) -> None:
    agent = made(ringback, customTools=[TOOL])
    path = f"/console/agents/{agent['id']}"
    page = looking.get(path).text
    assert "Authorization: ••••••" in page
    assert "shop-secret" not in page
    headers = "Authorization: ••••••\nX-Shop: 8"
    saved = send(looking, path, form_of(page), **{"tool.headers": headers, "tool.name": "orders"})
    assert "shop-secret" not in saved
    [tool] = agent_of(ringback, agent["id"])["customTools"]
    assert (tool["name"], tool["headers"]) == (
        "orders",
        {"Authorization": "Bearer shop-secret", "X-Shop": "8"},
    )
    fields = form_of(looking.get(path).text)
    told = send(looking, path, fields, **{"tool.headers": "X-New: ••••••"})
    assert "needs the value of X-New" in told
    assert agent_of(ringback, agent["id"])["customTools"] == [tool]


def test_tools_are_added_changed_and_removed(ringback: Ringback, looking: Looking) -> None:
    agent = made(ringback)
    path = f"/console/agents/{agent['id']}"
    empty = looking.get("/console/agents/new/tool").text
    assert 'name="tool.was" value=""' in empty
    fields = form_of(looking.get(path).text)
    for name in ("first", "second"):
        given = {"was": "", "name": name, "url": f"https://example.com/{name}", "description": name}
        fields += [(f"tool.{key}", value) for key, value in given.items()]
    fields += [("tool.timeout", "1.5"), ("tool.says", "false"), ("tool.parameters", '{"type": "object"}')]
    send(looking, path, fields)
    first, second = agent_of(ringback, agent["id"])["customTools"]
    assert (first["name"], first["method"], first["timeoutMs"]) == ("first", "POST", None)
    assert (second["timeoutMs"], second["speakDuringExecution"]) == (1500, False)
    assert second["parameters"] == {"type": "object"}
    fields = form_of(looking.get(path).text)
    begins = [index for index, (name, _) in enumerate(fields) if name == "tool.was"]
    send(looking, path, fields[: begins[0]] + fields[begins[1] :])
    assert agent_of(ringback, agent["id"])["customTools"] == [second]
    fields = [pair for pair in fields if not pair[0].startswith("tool.")]
    send(looking, path, fields)
    assert agent_of(ringback, agent["id"])["customTools"] is None


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("tool.name", "no blanks", "name: "),
        ("tool.name", "", "name: "),
        ("tool.timeout", "0.5", "timeout: "),
        ("tool.timeout", "soon", "takes seconds, 1 to 120"),
        ("tool.parameters", "{", "takes a JSON schema: "),
        ("tool.parameters", "[1]", "takes a JSON object such as"),
        ("tool.headers", "no colon", "takes a header a line"),
    ],
)
def test_what_is_wrong_with_a_tool_is_said_beside_its_field(
    ringback: Ringback, looking: Looking, field: str, value: str, told: str
) -> None:
    agent = made(ringback, customTools=[{**TOOL, "headers": None}])
    path = f"/console/agents/{agent['id']}"
    text = send(looking, path, form_of(looking.get(path).text), **{field: value})
    beside = text[text.index(f'name="{field}"') :]
    assert 'aria-invalid="true"' in beside[: beside.index(">")]
    assert re.match(r'.*?</label><span class="error" role="alert">[^<]+</span>', beside, re.DOTALL)
    assert "Not saved." in text
    assert told.lower() in html.unescape(text).lower()
    assert agent_of(ringback, agent["id"]) == agent


def test_what_is_wrong_with_a_setting_is_said_beside_it(ringback: Ringback, looking: Looking) -> None:
    agent = made(ringback)
    path = f"/console/agents/{agent['id']}"
    fields = form_of(looking.get(path).text)
    wrong = {"transferNumber": "911", "language": "xx", "voiceSpeed": "9", "recordingNotice": "x" * 4_001}
    for name, value in wrong.items():
        text = send(looking, path, fields, **{name: value})
        assert re.search(rf'id="e-{name}" role="alert">[^<]+<', text), (name, text)
        assert text.count('<span class="error" id="e-') > 10, "what was wrong before is no more"
    text = send(looking, path, fields, language="xx", voiceSpeed="fast")
    assert re.search(r'id="e-voiceSpeed" role="alert">Takes a number<', text)
    text = send(looking, path, fields, language="xx", voiceSpeed="9")
    assert "2 settings are wrong" in text
    assert agent_of(ringback, agent["id"]) == agent


def test_every_setting_is_explained(looking: Looking) -> None:
    page = looking.get("/console/agents/new").text
    names = {name for name, _ in form_of(page)} - {"enableMessaging", "enableBackchannel"}
    hints = dict(re.findall(r'<span class="hint" id="h-(\w+)"[^>]*>([^<]+)</span>', page))
    assert {name for name in names if len(hints.get(name, "")) < 15} == set()
    assert page.count("data-hear-state") == 1


def test_earlier_prompts_are_shown_and_taken_back(ringback: Ringback, looking: Looking) -> None:
    agent = made(ringback, systemPrompt="You are Maya.\nBe <b>brief</b>.")
    path = f"/console/agents/{agent['id']}"
    text = send(looking, path, form_of(looking.get(path).text), systemPrompt="You are Mia.\nBe <b>brief</b>.")
    assert '<span id="version-count">2</span>' in text
    [second, first] = versions(ringback, agent["id"])
    assert (second["current"], second["setBy"], second["number"]) == (
        True,
        {"door": "console", "keyName": None},
        2,
    )
    assert (first["setBy"]["door"], first["characters"]) == ("api", 30)
    page = looking.get(path).text
    assert page.count(f"/prompts/{first['id']}") == 1
    shown = looking.get(f"{path}/prompts/{first['id']}").text
    assert re.search(r'class="gone">.*?You are <mark>Mia</mark>\.', shown, re.DOTALL)
    assert re.search(r'class="new">.*?You are <mark>Maya</mark>\.', shown, re.DOTALL)
    assert "<b>brief" not in shown
    assert "Use this version" in shown
    assert "Use this version" not in looking.get(f"{path}/prompts/{second['id']}").text
    used = looking.post(f"{path}/prompts/{first['id']}/use").text
    assert "You are Maya.\nBe &lt;b&gt;brief" in used
    assert "version 1 again" in used
    [third, *_] = versions(ringback, agent["id"])
    assert (third["number"], third["takenFrom"], third["current"]) == (3, 1, True)
    assert agent_of(ringback, agent["id"])["systemPrompt"] == agent["systemPrompt"]
    assert looking.get(f"{path}/prompts/pv_none").status == 404


def test_very_long_prompts_differ_in_part_and_are_read_whole(ringback: Ringback, looking: Looking) -> None:
    agent = made(ringback, systemPrompt="a\n" * 49_000 + "the first end")
    changed = {"systemPrompt": "b\n" * 49_000 + "the second end"}
    ringback.request("PATCH", f"/v1/agents/{agent['id']}", json=changed)
    [_, first] = versions(ringback, agent["id"])
    shown = looking.get(f"/console/agents/{agent['id']}/prompts/{first['id']}").text
    assert shown.count('class="gone"') + shown.count('class="new"') == MOST_ROWS
    assert "97,002 lines more differ" in shown
    for whole in ("a\n" * 49_000 + "the first end</pre>", "b\n" * 49_000 + "the second end</pre>"):
        assert whole in shown


def test_who_set_a_prompt(ringback: Ringback, looking: Looking) -> None:
    """The door and the key's name; a key of the account above is nobody's business below."""
    key = ringback.on_loop(ringback.server.book.create_key("ci", None)).key
    by_key = Looking(ringback)
    by_key.post("/console/sign-in", key=key)
    agent = made(ringback)
    path = f"/console/agents/{agent['id']}"
    by_key_fields = form_of(by_key.get(path).text)
    send(by_key, path, by_key_fields, systemPrompt="Two")
    Tools(ringback, key=key).call("update_agent", agent_id=agent["id"], system_prompt="Three")
    ringback.request("PATCH", f"/v1/agents/{agent['id']}", json={"systemPrompt": "Four"}, api_key=key)
    send(looking, path, by_key_fields, systemPrompt="Five")
    authors = [tuple(version["setBy"].values()) for version in versions(ringback, agent["id"])]
    [first, *rest] = reversed(authors)
    assert rest == [("console", "ci"), ("mcp", "ci"), ("api", "ci"), ("console", None)]
    assert first[0] == "api"
    branch = ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}).json["id"]
    own = ringback.on_loop(ringback.server.book.create_key("own", None, account_id=branch)).key
    below = Tools(ringback, account=branch).call("create_agent", name="B", system_prompt="One")
    for told in (
        Tools(ringback, key=own).call("list_prompt_versions", agent_id=below["id"])["versions"],
        [Tools(ringback, key=own).call("update_agent", agent_id=below["id"], name="C")],
    ):
        assert "ci" not in str(told)
        assert "first" not in str(told)


def test_taking_back_twice_with_one_key_is_done_once(ringback: Ringback) -> None:
    agent = made(ringback)
    ringback.request("PATCH", f"/v1/agents/{agent['id']}", json={"systemPrompt": "Two"})
    path = f"/v1/agents/{agent['id']}/prompt-versions"
    first = versions(ringback, agent["id"])[-1]
    answers = [
        ringback.request("POST", f"{path}/{first['id']}/use", headers={"Idempotency-Key": "a"}).json
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert (answers[0]["number"], answers[0]["systemPrompt"]) == (3, "One")
    assert len(versions(ringback, agent["id"])) == 3
    whole = ringback.request("GET", f"{path}/{first['id']}").json
    assert (whole["systemPrompt"], whole["current"]) == ("One", False)
    events = ringback.request("GET", "/v1/events?types=agent.updated").json["data"]
    assert len(events) == 2


def test_the_last_talk_is_a_text_or_a_call(ringback: Ringback, looking: Looking, clock: Clock) -> None:
    agents = [made(ringback, name=name) for name in ("Texts", "Calls", "Both", "Neither")]
    numbers = [
        ringback.request("POST", "/v1/numbers", json={"agentId": agent["id"]}).json for agent in agents
    ]
    exchange = Exchange(ringback)

    def text(number: dict[str, Any]) -> str:
        sent = {"number_id": number["id"], "to_number": "+14155550123", "body": "Hello"}
        ringback.request("POST", "/v1/messages", json=sent)
        return str(
            ringback.request("GET", "/v1/conversations", query={"limit": 1}).json["data"][0]["lastMessageAt"]
        )

    def call(number: dict[str, Any]) -> str:
        exchange.ring(number["phoneNumber"], "+14155550147", ref=number["id"] + str(len(told)))
        return str(ringback.request("GET", "/v1/calls", query={"limit": 1}).json["data"][0]["startedAt"])

    told: list[str] = []
    told += [text(numbers[0]), call(numbers[1]), text(numbers[2])]
    clock.advance(seconds=90)
    told[2] = call(numbers[2])
    page = looking.get("/console/agents").text
    rows = dict(re.findall(r'<tr class="go".*?/agents/(\w+)"(.*?)</tr>', page, re.DOTALL))
    for agent, at in zip(agents, told, strict=False):
        assert f'datetime="{at}"' in rows[agent["id"]]
    assert "never" in rows[agents[3]["id"]]


def test_the_list_asks_as_much_for_many_agents_as_for_one(
    ringback: Ringback, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    read = Reader.all

    def counted(self: Reader, statement: Statement, **params: Any) -> Any:
        nonlocal asked
        asked += 1
        return read(self, statement, **params)

    monkeypatch.setattr(Reader, "all", counted)

    def statements() -> int:
        """Of one page, without what others asked meanwhile."""
        nonlocal asked
        each = []
        for _ in range(3):
            asked = 0
            assert looking.get("/console/agents").status == 200
            each.append(asked)
        return min(each)

    made(ringback)
    few = statements()
    for _ in range(8):
        made(ringback)
    assert 3 <= few <= 9
    assert statements() == few


def test_each_agent_of_a_list_has_its_own_numbers(ringback: Ringback) -> None:
    agents = [made(ringback, name=f"Agent {n}") for n in range(3)]
    for agent, many in zip(agents, (2, 0, 1), strict=True):
        for _ in range(many):
            ringback.request("POST", "/v1/numbers", json={"agentId": agent["id"]})
    for query in ({}, {"limit": 1, "offset": 2}, {"limit": 2, "offset": 1}, {"offset": 9}):
        for told in ringback.request("GET", "/v1/agents", query=query).json["data"]:
            assert told == agent_of(ringback, told["id"])
    listed = ringback.request("GET", "/v1/agents").json["data"]
    assert [len(agent["numbers"]) for agent in listed] == [1, 0, 2]
