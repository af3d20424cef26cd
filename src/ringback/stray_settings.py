"""Variables that look like settings, and are none."""

import difflib
import os

from ringback.settings import PREFIX, Settings

_OTHERS = ("RINGBACK_URL", "RINGBACK_API_KEY", "RINGBACK_TEST_", "RINGBACK_BENCH_")
"""What variables begin with that clients of a server read, or its tests."""


def strays() -> dict[str, str | None]:
    """Variables that look like settings and are none, each with the one that was probably meant."""
    known = [f"{PREFIX}{name}".upper() for name in Settings.model_fields]
    found = sorted(
        name
        for name in os.environ
        if name.upper().startswith(PREFIX)
        and name.upper() not in known
        and not name.upper().startswith(_OTHERS)
    )
    return {
        name: next(iter(difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)), None)
        for name in found
    }
