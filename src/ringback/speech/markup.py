"""Text without what is only seen: Markdown, HTML, links, pictures."""

import html
import re
import unicodedata
from urllib.parse import urlsplit

_FENCE = re.compile(r"^[ \t]*(```|~~~).*$", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*([-*_=][ \t]*){3,}$", re.MULTILINE)
_TABLE_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$", re.MULTILINE)
_ROW = re.compile(r"^[ \t]*\|(.+)\|[ \t]*$", re.MULTILINE)
_ITEM = re.compile(r"^\s*(?:>\s*)*(?:#{1,6}\s+|[-*+\u2022\u25e6\u2023]\s+(?:\[[ xX]\]\s+)?|>\s*)")
_NUMBERED = re.compile(r"^\s*(\d{1,3})[.)]\s+")
_PICTURE = re.compile(r"!\[([^\]\n]{0,400})\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")
_LINK = re.compile(r"\[([^\]\n]{1,400})\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\]\n]{0,400}\])")
_FOOTNOTE = re.compile(r"\[\^[^\]\n]{1,60}\]:?|^[ \t]*\[[^\]\n]{1,200}\]:\s+\S+.*$", re.MULTILINE)
_TAG = re.compile(r"<(?:!--.*?--|/?[a-zA-Z][^<>]*)>", re.DOTALL)
_LINKED = re.compile(r"<((?:https?|mailto|tel):[^<>\s]+)>")
_CODE = re.compile(r"`+([^`\n]+?)`+")
_PAIRED = [
    re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])(.+?)(?<=[^\s*])\1(?![\w*])", re.DOTALL),
    re.compile(r"(?<![\w_])(_{1,3})(?=[^\s_])(.+?)(?<=[^\s_])\1(?![\w_])", re.DOTALL),
    re.compile(r"(~~|==|\|\|)(?=\S)(.+?)(?<=\S)\1", re.DOTALL),
]
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!~>|])")
_URL = re.compile(r"\b(?:https?://|www\.)[^\s<>\"'|]*[^\s<>\"'|.,;:!?)\]}*_~`]", re.IGNORECASE)
_MAIL = re.compile(r"\b(?:mailto:)?([\w.+-]{1,64})@([\w-]{1,63}(?:\.[\w-]{1,63}){1,6})\b")
_DOMAIN = re.compile(
    r"(?<![\w.@])((?:[a-z0-9-]{1,63}\.){1,6}(?:com|org|net|io|ai|app|dev|edu|gov|info|co\.uk|uk|de|fr|eu|ca|au|us|me|tv))"
    r"(/[\w\-/]*)?(?![\w@])",
    re.IGNORECASE,
)
_SAID = {".": " dot ", "-": " dash ", "_": " underscore ", "+": " plus ", "/": " slash "}
_LONGEST_PATH = 24
_KEPT_SIGNS = frozenset("\u00b0")
"""Signs that mean a word: of degrees."""
_END = ".!?:;,"


def without_markup(text: str, *, in_english: bool = True) -> str:
    """What of `text` is words. Lines that are items or headings end like sentences. Links are said by their host."""
    text = _RULE.sub("", _TABLE_RULE.sub("", _FENCE.sub("", html.unescape(text))))
    text = _ROW.sub(lambda row: ", ".join(filter(None, map(str.strip, row[1].split("|")))) + ".", text)
    text = _LINKED.sub(r"\1", text)
    text = _PICTURE.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    text = _TAG.sub(" ", _FOOTNOTE.sub("", text))
    text = _in_sentences(text)
    text = _CODE.sub(r"\1", text)
    for pair in (*_PAIRED, *_PAIRED):  # twice: one inside the other
        text = pair.sub(r"\2", text)
    text = _ESCAPED.sub(r"\1", text)
    return without_pictures(_links(text) if in_english else _URL.sub(lambda url: _host(url[0]), text))


def without_pictures(text: str) -> str:
    """Without emoji and other signs that are drawn, and without what has no width."""
    return "".join(
        " " if unicodedata.category(mark) in ("So", "Sk", "Co", "Cs") and mark not in _KEPT_SIGNS else mark
        for mark in text
        if unicodedata.category(mark) not in ("Cf", "Mn", "Me", "Cc") or mark in "\n\t" or _combines(mark)
    )


def _combines(mark: str) -> bool:
    """Whether it is an accent of a letter, not a sign such as that which makes an emoji coloured."""
    return unicodedata.category(mark) == "Mn" and not 0xFE00 <= ord(mark) <= 0xFE0F


def _in_sentences(text: str) -> str:
    """Lines joined: where one is an item, a heading or a paragraph's last, it ends with a full stop."""
    said: list[str] = []
    open_line = False
    for line in text.splitlines():
        bare = _ITEM.sub("", line)
        item = bare != line or _NUMBERED.match(line) is not None
        bare = _NUMBERED.sub(r"\1, ", bare).strip()
        goes_on = bool(bare) and bare[0].islower() and not item
        if said and open_line and not goes_on:
            said[-1] = ended(said[-1])
        if bare:
            said.append(bare)
            open_line = True
    return " ".join(said)


def ended(line: str) -> str:
    """A line as a sentence."""
    tail = line.rstrip(" *_`~\"')\u201d")
    return line if not tail or tail[-1] in _END or not any(map(str.isalnum, line)) else f"{line}."


def _links(text: str) -> str:
    text = _URL.sub(lambda url: _said_url(url[0]), text)
    text = _MAIL.sub(lambda mail: f"{_said(mail[1])} at {_said(mail[2])}", text)
    return _DOMAIN.sub(lambda found: _said(found[1]) + _said_path(found[2] or ""), text)


def _host(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        return (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _said_url(url: str) -> str:
    try:
        path = urlsplit(url if "://" in url else f"http://{url}").path
    except ValueError:
        return "a link"
    return _said(_host(url)) + _said_path(path)


def _said_path(path: str) -> str:
    """A path that one can remember; a longer one is left out."""
    path = path.strip("/")
    if not path or len(path) > _LONGEST_PATH or not re.fullmatch(r"[a-zA-Z][a-zA-Z\-/]*", path):
        return ""
    return f" slash {_said(path)}"


def _said(name: str) -> str:
    return " ".join("".join(_SAID.get(mark, mark) for mark in name).split())
