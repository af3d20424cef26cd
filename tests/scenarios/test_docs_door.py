"""The pages as a server shows them: to people, to AI readers, and without a request to anywhere else."""

import json
import os
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest

from ringback.doors.docs import shelf
from ringback.doors.docs.shelf import anchor
from ringback.testing import Answer, Ringback
from tests.scenarios.pages import ROOT

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Seen(HTMLParser):
    """Where a page leads, what it loads, and its anchors."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.ids: set[str] = set()
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.ids.add(told.get("id", ""))
        self.inline += [name for name in told if name == "style" or name.startswith("on")]
        if tag == "a":
            self.links.add(told["href"])
        elif tag == "link":
            self.loads.add(told["href"])
        elif "src" in told:
            self.loads.add(told["src"])
        elif tag in ("script", "style"):
            self.inline.append(tag)


def get(ringback: Ringback, path: str) -> Answer:
    """What somebody without a key gets."""
    return ringback.request("GET", path, api_key=None)


def text(ringback: Ringback, path: str) -> str:
    answer = get(ringback, path)
    assert answer.status == 200, (path, answer.status)
    return answer.content.decode()


def test_every_page_is_shown_and_loads_nothing_from_elsewhere(ringback: Ringback) -> None:
    loads: set[str] = set()
    for name in ("", *(f"/{name}" for name in shelf.names()), "/api"):
        answer = get(ringback, f"/docs{name}")
        assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), name
        assert answer.headers["content-security-policy"].startswith("default-src 'self'; script-src 'self';")
        seen = Seen(answer.content.decode())
        assert seen.inline == [], name
        assert all(load.startswith("/") and not load.startswith("//") for load in seen.loads), seen.loads
        loads |= seen.loads
    assert {load: get(ringback, load).status for load in loads} == dict.fromkeys(loads, 200)
    for name in ("nowhere", "../app", "..%2f..%2fapp.py", "%00", "<b>", "static/x", "README.md.md"):
        answer = get(ringback, f"/docs/{name}")
        assert answer.status == 404, name
        assert b"<b>" not in answer.content
    assert (get(ringback, "/docs/").status, get(ringback, "/docs/").headers["location"]) == (307, "/docs")
    assert "color-scheme: dark" in text(ringback, "/docs/static/dark.css")


def test_every_link_leads_to_what_is_there(ringback: Ringback) -> None:
    """From page to page, each with its section; what is on another host is not asked."""
    waiting, pages = ["/docs"], dict[str, Seen]()
    wanted: list[tuple[str, str, str]] = []
    while waiting:
        path = waiting.pop()
        answer = get(ringback, path)
        assert answer.status in (200, 303, 307), (
            f"{path}, from {[one for one in wanted if one[1] == path][:1]}"
        )
        if not answer.headers.get("content-type", "").startswith("text/html"):
            pages[path] = Seen("")
            continue
        pages[path] = Seen(answer.content.decode())
        for link in pages[path].links:
            target = urlsplit(urljoin(path, link))
            if target.netloc:
                continue
            if target.path.startswith("/console"):
                assert get(ringback, target.path).status in (200, 303), link
                continue
            wanted.append((path, target.path, target.fragment))
            if target.path not in pages and target.path not in waiting:
                waiting.append(target.path)
    assert {f"/docs/{name}" for name in shelf.names() if name != shelf.INDEX} - pages.keys() == set()
    lost = [
        one
        for one in wanted
        if one[2] and not one[1].endswith((".md", ".yaml")) and one[2] not in pages[one[1]].ids
    ]
    assert lost == []


def test_every_page_is_there_as_it_was_written(ringback: Ringback) -> None:
    for name in shelf.names():
        served = text(ringback, f"/docs/{name}.md")
        written = shelf.text_of(name) or ""
        assert served.count("\n") == written.count("\n")
        assert f"127.0.0.1:{urlsplit(ringback.base_url).port}" in served or ":8642" not in written
        assert "![" not in served
    assert get(ringback, "/docs/nowhere.md").status == 404
    assert "openapi: 3.1" in text(ringback, "/docs/openapi.yaml")


def sections(markdown: str) -> set[str]:
    """The anchors of a page's headings, as whoever renders Markdown makes them."""
    return {anchor(head) for head in re.findall(r"^#+ (.+)$", _BLOCK.sub("", markdown), re.MULTILINE)}


@pytest.mark.parametrize("start", ["/docs/README.md", "/llms.txt", "/llms-full.txt", "/skill.md"])
def test_every_link_of_the_markdown_leads_to_what_is_there(ringback: Ringback, start: str) -> None:
    """From text to text, each with its section, as an AI reader goes."""
    waiting, texts, lost = [start], dict[str, str](), list[str]()
    while waiting:
        path = waiting.pop()
        texts[path] = text(ringback, path)
        for link in re.findall(r"\]\(([^)\s]+)\)", _BLOCK.sub("", texts[path])):
            target = urlsplit(urljoin(ringback.base_url + path, link))
            if f"{target.scheme}://{target.netloc}" != ringback.base_url:
                continue
            if target.path not in texts:
                found = get(ringback, target.path)
                if found.status != 200:
                    lost.append(f"{path} leads to {link}")
                    continue
                texts[target.path] = found.content.decode()
                waiting.append(target.path)
            if target.fragment and target.fragment not in sections(texts[target.path]):
                lost.append(f"{path} leads to {link}")
    assert lost == []
    assert len(texts) > 30


def test_ai_readers_find_every_page(ringback: Ringback) -> None:
    short = text(ringback, "/llms.txt")
    assert short.startswith("# Ringback\n\n> ")
    links = re.findall(r"^- \[[^\]]+\]\((\S+)\): \S", short, re.MULTILINE)
    assert {urlsplit(link).path for link in links} >= {
        f"/docs/{name}.md" for name in shelf.names() if name not in ("README", "CHANGELOG")
    }
    assert all(link.startswith(ringback.base_url) for link in links)
    assert all(get(ringback, urlsplit(link).path).status == 200 for link in links)
    whole = text(ringback, "/llms-full.txt")
    assert all(
        shelf.title_of(shelf.text_of(name) or "") in whole
        for name in shelf.names()
        if name not in ("README", "CHANGELOG")
    )


def test_the_reference_has_every_operation(ringback: Ringback) -> None:
    page = text(ringback, "/docs/api.md")
    document: dict[str, Any] = ringback.server.app.openapi()
    operations = [
        f"### `{method.upper()} {path}`"
        for path, told in document["paths"].items()
        for method in told
        if method in ("get", "post", "put", "patch", "delete")
    ]
    assert len(operations) > 80
    assert [one for one in operations if one not in page] == []
    assert "| `to_number` * |" in page or "| `to_number` |" in page
    assert "<table>" in text(ringback, "/docs/api")


def test_the_reference_has_an_index_and_says_what_fields_mean(ringback: Ringback) -> None:
    page = text(ringback, "/docs/api.md")
    index, _, rest = page.partition("## Index")[2].partition("\n## ")
    operations = re.findall(r"^### (.+)$", rest, re.MULTILINE)
    linked = re.findall(r"^  - \[(`\w+ /\S+`)\]\(#(\S+)\): \S", index, re.MULTILINE)
    assert [name for name, _ in linked] == operations
    anchors = [to for _, to in linked] + re.findall(r"^- \[[^\]]+\]\(#(\S+)\)$", index, re.MULTILINE)
    assert len(anchors) == len({*anchors}), "each leads to one place"
    assert {*anchors} <= sections(page)
    search = page.partition("### `GET /v1/search`")[2].partition("### ")[0]
    assert "| `q` * | string" in search
    assert "Digits also find numbers, in any spelling. |" in search, "of a parameter, in the contract alone"
    assert re.search(r"`data\[\].snippet` \| string \| Some 160 characters", search), "of a field, likewise"
    rows = re.findall(r"^\| `.+ \|$", rest, re.MULTILINE)
    told = [row for row in rows if not row.endswith("|  |")]
    assert len(told) > len(rows) / 2


def test_the_pages_are_searched(ringback: Ringback) -> None:
    def found(typed: str) -> list[str]:
        page = text(ringback, f"/docs/search?{urlencode({'q': typed})}")
        return re.findall(
            r'href="([^"]+)"', page.partition('<ul class="docs-found">')[2].partition("</ul>")[0]
        )

    assert found("dead ENDPOINT")[0] == "/docs/webhooks-delivery#an-endpoint-that-is-dead", (
        "its heading has both"
    )
    assert "/docs/api#get-v1search" in found("/v1/search")
    assert 0 < len(found("the")) <= 30
    assert found("nosuchword") == found("dead nosuchword") == found("  ") == []
    for link in found("webhook"):
        path, _, fragment = link.partition("#")
        assert not fragment or f'id="{fragment}"' in text(ringback, path), link
    page = text(ringback, f"/docs/search?{urlencode({'q': '<b>x</b>'})}")
    assert "No page has all of “&lt;b&gt;x&lt;/b&gt;”" in page
    assert "/docs/api#index" not in found("send message")
    assert "```" not in text(ringback, "/docs/search?q=curl")
    assert "<mark>retry</mark>" in text(ringback, "/docs/search?q=retry").lower()
    assert 'action="/docs/search"' in text(ringback, "/docs")


def test_a_wheel_has_the_pages(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "uv",
        "build",
        "--wheel",
        "--offline",
        "-q",
        "-o",
        str(tmp_path),
        str(ROOT),
    ]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        inside = {name: opened.read(name) for name in opened.namelist() if "/doors/docs/" in name}
    pages = {f"ringback/doors/docs/pages/{name}.md": shelf.text_of(name) for name in shelf.names()}
    assert {name: inside.get(name, b"").decode() for name in pages} == pages
    assert {"static/docs.css", "templates/page.html", "pages/openapi.yaml"} <= {
        name.removeprefix("ringback/doors/docs/") for name in inside
    }


def test_the_configuration_on_the_page_is_json(ringback: Ringback, tmp_path: Path) -> None:
    """What docs/mcp.md writes for hosts names this server and a command that is there."""
    blocks = [code for kind, code in _BLOCK.findall(text(ringback, "/docs/mcp.md")) if ".mcp.json" in code]
    env = {
        "RINGBACK_URL": ringback.base_url,
        "RINGBACK_API_KEY": ringback.api_key,
        "PATH": os.environ["PATH"],
    }
    entries = []
    for block in blocks:
        subprocess.run(["bash", "-eu"], input=block, text=True, cwd=tmp_path, env=env, check=True)
        entries.append(json.loads((tmp_path / ".mcp.json").read_text())["mcpServers"]["ringback"])
    remote, local = entries
    assert remote["url"] == f"{ringback.base_url}/mcp"
    assert remote["headers"]["Authorization"] == f"Bearer {ringback.api_key}"
    assert local["command"] == f"{tmp_path}/.venv/bin/ringback"
    assert local["args"][:2] == ["mcp", "--data"]
