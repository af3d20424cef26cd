"""Draws a terminal's transcript as SVG: `python docs/pictures/draw.py docs/pictures/first-run.txt`.

The transcript is what was typed (`$ ...`), what came, and remarks (`# ...`), as captured from a real run.
"""

import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

CHAR, LINE, PAD, BAR = 8.4, 22, 24, 40
LABEL = re.compile(r"(Ringback|Console|Key|Try|Handset|Next)( {2,}.*)")
STYLE = """
    .window { fill: #11151c; stroke: #2b3340 }
    text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d5dbe5;
           white-space: pre }
    .typed { fill: #ffffff; font-weight: 600 } .prompt { fill: #58c98b; font-weight: 600 }
    .label { fill: #7cb7ff; font-weight: 600 } .remark { fill: #8391a5 } .answer { fill: #f2cc60 }
"""


def spans(line: str) -> list[tuple[str, str]]:
    """The line's parts, each with its class."""
    if line.startswith("$ "):
        return [("prompt", "$ "), ("typed", line[2:])]
    if line.startswith("# "):
        return [("remark", line)]
    if match := LABEL.fullmatch(line):
        return [("label", match[1]), ("", match[2])]
    return [("answer" if "You said" in line else "", line)]


def text(line: str, y: float) -> str:
    drawn, column = [], 0
    for kind, part in spans(line):
        # The length is told, so that any fixed-width font lines up.
        x, width = PAD + column * CHAR, len(part) * CHAR
        drawn.append(
            f'<text x="{x:.1f}" y="{y}" textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"'
            f' class="{kind}" xml:space="preserve">{escape(part)}</text>'
        )
        column += len(part)
    return "".join(drawn)


def draw(lines: list[str]) -> str:
    width = 2 * PAD + max(map(len, lines)) * CHAR
    height = BAR + PAD + len(lines) * LINE
    dots = "".join(
        f'<circle cx="{PAD + 6 + i * 20}" cy="22" r="6" fill="{colour}"/>'
        for i, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    body = "\n".join(text(line, BAR + 24 + n * LINE) for n, line in enumerate(lines) if line)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img">\n'
        f"<title>A terminal with Ringback's first run and an answered text</title>\n<style>{STYLE}</style>\n"
        f'<rect class="window" x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1}" rx="10"/>\n'
        f"{dots}\n{body}\n</svg>\n"
    )


if __name__ == "__main__":
    for name in sys.argv[1:]:
        source = Path(name)
        source.with_suffix(".svg").write_text(
            draw(source.read_text(encoding="utf-8").rstrip("\n").split("\n")), encoding="utf-8"
        )
