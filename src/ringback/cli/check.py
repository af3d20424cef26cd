"""`ringback check` says how each part is; `ringback migrate` brings the store to this version."""

from typing import TYPE_CHECKING, Any

import click

from ringback import running
from ringback.cli import client
from ringback.cli.options import data_option, load_settings, printable
from ringback.cli.terminal import paint, under_way
from ringback.operator_error import SERVICE_MISSING, OperatorError

if TYPE_CHECKING:
    from ringback.settings import Settings


@click.command()
@data_option
def check(data: str | None) -> int:
    """Say for each part whether it is fine, or what to do."""
    settings = load_settings(data=data)
    server = client.connect(settings.data)
    parts = [_settings_part(data)]
    if server:
        parts.append({"name": "server", "ok": True, "line": f"answers at {server.url}"})
        parts += server.call("GET", "/internal/v1/check", timeout_s=60)["parts"]
    else:
        from ringback import offline

        parts.append(_port_part(settings))
        with under_way("looking"):
            parts += offline.check(settings)
    width = max(len(str(part["name"])) for part in parts)
    for part in parts:
        mark = paint("fine ", "green") if part["ok"] else paint("TO DO", "red", bold=True)
        click.echo(f"{printable(part['name']):<{width}}  {mark}  {printable(part['line'])}".rstrip())
    return 0 if all(part["ok"] for part in parts) else SERVICE_MISSING


def _settings_part(data: str | None) -> dict[str, Any]:
    from ringback.settings import Settings, origin
    from ringback.settings_file import FILE, read_file

    options = {} if data is None else {"data": data}
    from_file = read_file(FILE)
    origins = [found for name in Settings.model_fields if (found := origin(name, options, from_file))]
    return {
        "name": "settings",
        "ok": True,
        "line": f"from {', '.join(origins)}" if origins else "all defaults",
    }


def _port_part(settings: "Settings") -> dict[str, Any]:
    from ringback.cli.serve import listen

    try:
        listen(settings.host, settings.port).close()
    except OperatorError as error:
        return {"name": "port", "ok": False, "line": error.line}
    return {"name": "port", "ok": True, "line": f"{settings.port} is free; no server runs on {settings.data}"}


@click.command()
@click.option(
    "--database", "database_url", metavar="URL", help="PostgreSQL in place of SQLite in the data folder."
)
@data_option
def migrate(data: str | None, database_url: str | None) -> None:
    """Bring the store to this version's tables. A server does that itself when it starts."""
    settings = load_settings(data=data, database_url=database_url)
    from ringback import offline

    running.make_data_folder(settings.data)
    if settings.on_postgres:
        with under_way("bringing the tables up to date"):
            told = offline.migrate(settings)
    else:
        with running.hold(settings.data), under_way("bringing the tables up to date"):
            told = offline.migrate(settings)
    click.echo(told)
