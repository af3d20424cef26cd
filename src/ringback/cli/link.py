"""`ringback link`: a link that opens the console once."""

import click

from ringback.cli import client
from ringback.cli.options import data_option, load_settings
from ringback.operator_error import SERVICE_MISSING, OperatorError


@click.command()
@click.option(
    "--account", "account_id", metavar="ID", help="Whose console; the first account's unless named."
)
@data_option
def link(account_id: str | None, data: str | None) -> int:
    """Print a link that opens the console of the running server, once and within a day."""
    settings = load_settings(data=data)
    server = client.connect(settings.data)
    if server is None:
        raise OperatorError(
            "no server runs on this data folder: start it with `ringback serve`", SERVICE_MISSING
        )
    made = server.call("POST", "/internal/v1/links", {"accountId": account_id})
    click.echo(f"{settings.public_url or server.url}{made['path']}")
    return 0
