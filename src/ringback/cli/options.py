"""What several commands share: the data folder's option, the settings, and safe printing."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ringback.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def data_option(command: F) -> F:
    """The option `--data`, as every command that needs the server or its store has it."""
    return click.option(
        "--data", metavar="DIR", help="Data folder of the server.  [default: ./ringback-data]"
    )(command)


def load_settings(**options: object) -> "Settings":
    """The settings in force with these options; None is an option not given."""
    from ringback.settings import Settings

    return Settings.load(**options)


def tell_strays() -> None:
    """Log a line for each variable of the environment that looks like a setting and is none."""
    import structlog

    from ringback.stray_settings import strays

    log = structlog.get_logger("ringback.settings")
    for name, meant in strays().items():
        told = {} if meant is None else {"did_you_mean": meant}
        log.warning("a variable is no setting; it is ignored", variable=name, **told)


def printable(text: object) -> str:
    """Text from outside without what could speak to the terminal; line breaks are shown as `\\n`."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in str(text)
    )


def print_table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    """Columns as wide as they must be, under their names."""
    lines = [head, *(tuple("-" if cell is None else printable(cell) for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
