"""`make vendor`: fetches what others wrote for the console and its tests, from npm, and writes vendor.lock beside it.

For maintainers; tests/console/test_files.py holds the files against the locks.
"""

import hashlib
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from ringback.doors.console.view import ICONS, STATIC

HTMX = ("htmx.org", "4.0.1", "0BSD")
LUCIDE = ("lucide-static", "1.62.0", "ISC")
INTER = ("@fontsource-variable/inter", "5.3.0", "OFL-1.1")
AXE = ("axe-core", "4.14.1", "MPL-2.0")
JUDGES = Path(__file__).parents[1] / "browser" / "vendor"
"""What only tests load; nobody gets it with Ringback."""
_MAP = re.compile(rb"^//# sourceMappingURL=.*$\n?", re.MULTILINE)


def fetch(name: str, version: str, into: Path) -> Path:
    """The folder of a package."""
    told = subprocess.run(
        ["npm", "pack", "--silent", f"{name}@{version}"],
        cwd=into, check=True, capture_output=True, text=True,
    )  # fmt: skip
    folder = into / name.replace("/", "-")
    with tarfile.open(into / told.stdout.split()[-1]) as packed:
        packed.extractall(folder, filter="data")
    return folder / "package"


def vendor(into: Path) -> list[str]:
    """Write the files that pages load; answers the lines of their lock."""
    htmx, lucide, inter = (fetch(name, version, into) for name, version, _ in (HTMX, LUCIDE, INTER))
    # The core and its extension as two files race for the first connection (htmx #3693).
    joined = b"\n".join(
        _MAP.sub(b"", (htmx / "dist" / name).read_bytes()).rstrip()
        for name in ("htmx.min.js", "ext/hx-ws.min.js")
    )
    (STATIC / "vendor" / "htmx.js").write_bytes(joined + b"\n")
    (STATIC / "vendor" / "htmx.LICENSE").write_bytes((htmx / "LICENSE").read_bytes())
    (STATIC / "fonts" / "inter.woff2").write_bytes(
        (inter / "files/inter-latin-wght-normal.woff2").read_bytes()
    )
    (STATIC / "fonts" / "LICENSE").write_bytes((inter / "LICENSE").read_bytes())
    (ICONS / "LICENSE").write_bytes((lucide / "LICENSE").read_bytes())
    icons = sorted(ICONS.glob("*.svg"))
    for icon in icons:
        icon.write_bytes((lucide / "icons" / icon.name).read_bytes())
    whose = {STATIC / "vendor" / "htmx.js": HTMX, STATIC / "fonts" / "inter.woff2": INTER} | dict.fromkeys(
        icons, LUCIDE
    )
    return _lock(STATIC, whose)


def vendor_judge(into: Path) -> list[str]:
    """The same for what judges pages in a browser, with its licence and those of what it holds."""
    axe = fetch(*AXE[:2], into)
    for name in ("axe.min.js", "LICENSE", "LICENSE-3RD-PARTY.txt"):
        kept = JUDGES / (name if name.startswith("axe") else f"axe.{name.removesuffix('.txt')}")
        kept.write_bytes((axe / name).read_bytes())
    return _lock(JUDGES, {JUDGES / "axe.min.js": AXE})


def _lock(root: Path, whose: dict[Path, tuple[str, str, str]]) -> list[str]:
    return [
        "  ".join(
            (
                path.relative_to(root).as_posix(),
                f"{name}@{version}",
                licence,
                hashlib.sha256(path.read_bytes()).hexdigest(),
            )
        )
        for path, (name, version, licence) in whose.items()
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for root, lines in ((STATIC, vendor(Path(folder))), (JUDGES, vendor_judge(Path(folder)))):
            (root / "vendor.lock").write_text("\n".join(lines) + "\n", encoding="utf-8")
