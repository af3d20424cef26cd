"""The modules of ringback, loaded."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import ringback


def modules() -> Iterator[ModuleType]:
    """Every module but migrations, and but those that need a package which isn't installed (an engine of an extra)."""
    for found in pkgutil.walk_packages(ringback.__path__, "ringback."):
        if ".migrations" in found.name:
            continue
        try:
            yield importlib.import_module(found.name)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("ringback"):
                raise
