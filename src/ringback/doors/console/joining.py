"""The modules that every page has as one file: a request for each would be felt where the server is far away.

A module keeps a scope of its own and comes after those it names. What only some pages have stays a file of its own, and
finds the others in `modules`.
"""

import re
from collections.abc import Mapping

_IMPORT = re.compile(r'^import (?:(\{[^}]+\}) from )?"\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|const) (\w+)", re.MULTILINE)


def join(modules: Mapping[str, str], first: str) -> dict[str, str]:
    """The text of each module by name, that of `first` with all in it that it needs. Raises `KeyError` for a name that there is not."""
    inside: dict[str, str] = {}

    def take(name: str) -> None:
        for _, needed in _IMPORT.findall(modules[name]):
            if needed not in inside:
                take(needed)
        inside[name] = ""

    take(first)

    def named(found: re.Match[str]) -> str:
        if found[2] not in inside:
            return found[0]
        return f"const {found[1]} = modules.{found[2]};" if found[1] else ""

    for name in inside:
        given = ", ".join(found for _, found in _EXPORT.findall(modules[name]))
        text = _EXPORT.sub(r"\1 \2", _IMPORT.sub(named, modules[name]))
        inside[name] = f"modules.{name} = (() => {{\n{text}\nreturn {{ {given} }};\n}})();\n"
    apart = {name: _IMPORT.sub(named, text) for name, text in modules.items() if name not in inside}
    return apart | {first: "globalThis.modules = {};\n" + "".join(inside.values())}
