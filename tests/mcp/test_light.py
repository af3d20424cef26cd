"""A start loads nothing of what the doors for agents need: that would take a second and memory for nobody."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

HEAVY = ("mcp", "mcp_types", "httpx2", "sse_starlette", "jsonschema", "jwt", "markdown_it")


def test_a_server_without_visitors_loads_no_protocol() -> None:
    asked = f"import sys; import ringback.app, ringback.cli.serve; print(sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
