"""`ringback backup` writes a whole server into one file, `ringback restore` makes one of it."""

from pathlib import Path

import click

from ringback.cli.options import data_option, load_settings
from ringback.cli.terminal import under_way

_database_option = click.option(
    "--database", "database_url", metavar="URL", help="PostgreSQL in place of SQLite in the data folder."
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--no-recordings", is_flag=True, help="Leave out the recordings of calls, 2 MB a minute.")
@_database_option
@data_option
def backup(file: Path, no_recordings: bool, data: str | None, database_url: str | None) -> None:
    """Write the store as it is now, its keys, recordings and the simulated network to FILE. The server may run.

    FILE opens every secret of the store: keep it as you keep those.
    """
    from ringback import backup as whole

    settings = load_settings(data=data, database_url=database_url)
    with under_way(f"writing {file}"):
        counts = whole.back_up(settings, file, recordings=not no_recordings)
    click.echo(f"{file}: {_told(counts, file)}")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_database_option
@data_option
def restore(file: Path, data: str | None, database_url: str | None) -> None:
    """Make the server of a backup anew, in an empty data folder or an empty database, whichever it came from."""
    from ringback import backup as whole

    settings = load_settings(data=data, database_url=database_url)
    with under_way(f"reading {file}"):
        counts = whole.restore(settings, file)
    where = "the database" if settings.on_postgres else settings.data
    click.echo(f"{where}: {_told(counts, file)}")
    if whole.lacks_key(settings, file):
        click.echo(
            "The backup holds no secret.key: serve with the RINGBACK_SECRET_KEY of the server that it is of.",
            err=True,
        )


def _told(counts: dict[str, int], file: Path) -> str:
    """What went into a backup, or came out of it."""
    from ringback.backup import recordings_in

    told = f"{sum(counts.values()):,} rows, of them {counts.get('messages', 0):,} messages"
    calls, recordings = counts.get("calls", 0), recordings_in(file)
    return f"{told} and {calls:,} calls; {recordings:,} recordings."
