"""Pages as HTML: Markdown without HTML of its own, headings with the anchors that links name."""

import functools
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from ringback.doors.console.view import STATIC, address
from ringback.doors.docs import shelf
from ringback.doors.docs.finding import Hit

_HERE = Path(__file__).parent
_DARK = re.compile(r'^:root\[data-theme="dark"\] (\{.*?^\})', re.MULTILINE | re.DOTALL)


def page(text: str, *, at: str) -> str:
    """The whole page of a Markdown text; `at` is its name, None of which are links outside this server."""
    title = shelf.title_of(text)
    template = _environment().get_template("page.html")
    return template.render(
        title=title,
        body=to_html(text),
        at=at,
        sections=sections(text),
        contents=shelf.contents(),
        static=address,
        typed="",
    )


def searched(typed: str, hits: list[Hit]) -> str:
    """The page of what a search found."""
    body = Markup(_environment().get_template("found.html").render(typed=typed, hits=hits))  # noqa: S704  it escapes
    context: dict[str, Any] = {"title": "Search", "body": body, "at": "", "contents": shelf.contents()}
    return (
        _environment().get_template("page.html").render(**context, sections=[], static=address, typed=typed)
    )


def to_html(text: str) -> Markup:
    """Markdown as HTML. Links to pages lead to pages, not to their sources."""
    markdown = _markdown()
    tokens = markdown.parse(shelf.without_front(text))
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", shelf.anchor(_words(tokens[index + 1])))
        elif token.type == "table_open":
            token.attrSet("class", "page-table")
        for inner in token.children or ():
            if inner.type == "link_open":
                inner.attrSet("href", _for_people(str(inner.attrGet("href"))))
    html = markdown.renderer.render(tokens, markdown.options, {})
    html = html.replace("<pre>", '<pre tabindex="0">')
    # A heading without words is none (WCAG 1.3.1).
    html = html.replace("<th></th>", "<td></td>")
    html = html.replace('<table class="page-table">', '<div class="scroll" tabindex="0"><table>')
    return Markup(html.replace("</table>", "</table></div>"))  # noqa: S704  Markdown-it escapes


def sections(text: str) -> list[tuple[str, str]]:
    """The anchor and the words of each section of a page."""
    tokens = _markdown().parse(shelf.without_front(text))
    heads = [
        _words(tokens[at + 1])
        for at, one in enumerate(tokens)
        if one.type == "heading_open" and one.tag == "h2"
    ]
    return [(shelf.anchor(words), words) for words in heads]


@functools.cache
def dark() -> str:
    """The console's dark colours for readers without script, whose pages are never told their theme."""
    found = _DARK.search((STATIC / "css" / "1-tokens.css").read_text(encoding="utf-8"))
    assert found, "the console has dark colours"
    return f":root {found[1]}\n"


def _words(inline: Token) -> str:
    return "".join(child.content for child in inline.children or ())


def _for_people(href: str) -> str:
    if not href.startswith("/docs/"):
        return href
    path, sharp, section = href.partition("#")
    path = path.removesuffix(".md")
    return ("/docs" if path == f"/docs/{shelf.INDEX}" else path) + sharp + section


@functools.cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


@functools.cache
def _environment() -> Environment:
    loader = FileSystemLoader(_HERE / "templates")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@functools.cache
def rendered(name: str) -> str | None:
    """A page of the shelf as HTML."""
    text = shelf.served_text(name)
    return None if text is None else page(text, at=name)


def missing(name: str) -> str:
    """What is shown where no page is."""
    told = Markup("<h1>There is no page here</h1><p>{} is none. <a href='/docs'>All pages</a></p>").format(
        name[:100]
    )
    template = _environment().get_template("page.html")
    context: dict[str, Any] = {"title": "No page", "body": told, "at": "", "contents": shelf.contents()}
    return template.render(**context, sections=[], static=address, typed="")
