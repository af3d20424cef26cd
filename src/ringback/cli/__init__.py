"""The `ringback` command. What is heavy is imported inside the commands, so that help answers at once."""

import errno
import os
import sys

import click

from ringback import __version__
from ringback.cli.backup import backup, restore
from ringback.cli.check import check, migrate
from ringback.cli.feedback import feedback
from ringback.cli.handset import handset
from ringback.cli.keys import keys
from ringback.cli.link import link
from ringback.cli.mcp import mcp
from ringback.cli.scenario import scenario
from ringback.cli.serve import serve
from ringback.cli.sim import sim
from ringback.cli.tail import tail
from ringback.operator_error import WRONG_SETTING, OperatorError

_MACHINE_FAULTS = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EMFILE,
    errno.ENOTDIR,
    errno.EISDIR,
}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ringback", message="%(prog)s %(version)s")
def root() -> None:
    """A self-hosted phone system for AI agents."""


for _command in (
    serve, link, keys, check, handset, feedback, sim, scenario, migrate, backup, restore, tail, mcp
):  # fmt: skip
    root.add_command(_command)


def main(args: list[str] | None = None) -> int:
    """Run the command and return its exit code; an operator's mistake is one line on standard error."""
    try:
        code = root.main(args=args, prog_name="ringback", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return WRONG_SETTING
    except click.ClickException as error:
        return _complain(_one_line(error), WRONG_SETTING)
    except OperatorError as error:
        return _complain(error.line, error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return 0
    except BrokenPipeError:
        # Whoever read our output went away; keep the interpreter from failing on its last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in _MACHINE_FAULTS:
            raise
        return _complain(f"{error.filename or 'the data folder'}: {error.strerror}", WRONG_SETTING)
    return code if isinstance(code, int) else 0


def _one_line(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message}; see `{context.command_path} --help`" if context else message


def _complain(line: str, code: int) -> int:
    click.echo(f"ringback: {' '.join(line.split())}", err=True)
    return code
