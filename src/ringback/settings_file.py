"""`ringback.toml` in the working directory."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringback.operator_error import OperatorError

FILE = Path("ringback.toml")


def read_file(path: Path) -> dict[str, Any]:
    """The settings in a file, tables joined to their keys by `_`; none when there is no file."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path.name} is not valid TOML: {error}") from None
    except OSError as error:
        raise OperatorError(f"{path.name} can't be read: {error.strerror}") from None
    return _flatten(content)


def _flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}_")
        else:
            flat[prefix + name] = value
    return flat
