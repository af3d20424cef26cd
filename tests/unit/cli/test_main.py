"""The command as a whole: exit codes, one line for a mistake, and a quick answer."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from ringback import cli
from ringback.operator_error import OperatorError

from .conftest import Ran

pytestmark = pytest.mark.unit

Command = Callable[..., Ran]


def test_help_names_every_command(ringback: Command) -> None:
    ran = ringback("--help")
    assert ran.code == 0
    for name in ("serve", "keys", "check", "handset", "sim", "migrate"):
        assert f"\n  {name} " in ran.out


def test_version(ringback: Command) -> None:
    assert ringback("--version").out == "ringback 0.1.0\n"


def test_no_command_is_wrong_usage(ringback: Command) -> None:
    assert ringback().code == 2
    assert ringback("keys").code == 2


@pytest.mark.parametrize(
    "args", [("serve", "--prot", "1"), ("nothing",), ("keys", "revoke"), ("keys", "create", "--expires", "0")]
)
def test_wrong_usage_is_one_line(ringback: Command, args: tuple[str, ...]) -> None:
    ran = ringback(*args)
    assert ran.code == 2
    assert ran.err.startswith("ringback: ")
    assert ran.err.count("\n") == 1
    assert " --help`" in ran.err


def test_wrong_setting_is_one_line(ringback: Command) -> None:
    ran = ringback("serve", "--port", "eighty")
    assert ran == (2, "", "ringback: --port: 'eighty' is not accepted; it takes a number from 0 to 65535\n")


@pytest.mark.parametrize(
    "error", [OperatorError("the database\n  is down", 3), KeyboardInterrupt(), ValueError("bug")]
)
def test_only_bugs_have_a_traceback(
    ringback: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    @click.command()
    def broken() -> None:
        raise error

    monkeypatch.setitem(cli.root.commands, "broken", broken)
    if isinstance(error, ValueError):
        with pytest.raises(ValueError, match="bug"):
            ringback("broken")
    elif isinstance(error, OperatorError):
        assert ringback("broken") == (3, "", "ringback: the database is down\n")
    else:
        assert ringback("broken").code == 0


def test_full_disk_is_one_line(ringback: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def broken() -> None:
        raise OSError(28, "No space left on device", "ringback-data/x")

    monkeypatch.setitem(cli.root.commands, "broken", broken)
    assert ringback("broken") == (2, "", "ringback: ringback-data/x: No space left on device\n")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from ringback.cli import main; main(['--help']);"
        "heavy = {'asyncio', 'fastapi', 'pydantic', 'sqlalchemy', 'uvicorn', 'aiohttp', 'structlog', 'uvloop', 'ssl'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_reader_that_goes_away_is_no_mistake(tmp_path: Path) -> None:
    ran = subprocess.run(
        [
            "sh",
            "-c",
            f"{sys.executable} -c 'import sys; from ringback.cli import main; sys.exit(main([\"--help\"]))' | :",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
