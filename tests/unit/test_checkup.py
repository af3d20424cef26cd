"""What `ringback check` says of the settings: of nothing but what is there."""

from pathlib import Path

import pytest

from ringback.checkup import check_settings
from ringback.testing.server import OwnSettings

pytestmark = pytest.mark.unit


def test_only_what_is_built_is_called_fine(tmp_path: Path) -> None:
    assert check_settings(OwnSettings(data=tmp_path)) == [
        {"name": "carrier", "ok": True, "line": "simulated, in the server's process"},
        {"name": "public URL", "ok": True, "line": "none: only this machine can call back"},
    ]


def test_a_carrier_in_trouble(tmp_path: Path) -> None:
    settings = OwnSettings(data=tmp_path, sim_url="http://localhost:1", public_url="https://phone.example")
    assert check_settings(settings, trouble="start `ringback sim`") == [
        {"name": "carrier", "ok": False, "line": "start `ringback sim`"},
        {"name": "public URL", "ok": True, "line": "https://phone.example"},
    ]
