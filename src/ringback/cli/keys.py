"""`ringback keys`: API keys, by the running server or, when none runs, straight in the store."""

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ringback import running
from ringback.cli import client
from ringback.cli.options import data_option, load_settings, print_table
from ringback.operator_error import OperatorError

if TYPE_CHECKING:
    from ringback.settings import Settings


@click.group()
def keys() -> None:
    """Make, list, revoke and hide API keys."""


@keys.command()
@click.option("--name", metavar="N", help="What the key is for.")
@click.option(
    "--expires", "expires_days", type=click.IntRange(1, 36_500), metavar="DAYS", help="Days it lives."
)
@click.option("--account", "account_id", metavar="ID", help="A sub-account that it is to open, and no other.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON: id, key, accountId.")
@data_option
def create(
    name: str | None, expires_days: int | None, account_id: str | None, as_json: bool, data: str | None
) -> None:
    """Make a key. It is shown once."""
    settings = load_settings(data=data)
    server = client.connect(settings.data)
    if server:
        asked = {"name": name, "expiresDays": expires_days, "accountId": account_id}
        made = server.call("POST", "/internal/v1/keys", asked)
    else:
        from ringback import offline

        # A sub-account can't be in a store that isn't there yet.
        if account_id is None:
            running.make_data_folder(settings.data)
        with _store(settings):
            if not settings.on_postgres and not (settings.data / running.STORE).exists():
                click.echo(f"There was no store in {settings.data}: making one.", err=True)
            made = offline.create_key(settings, name, expires_days, account_id)
    if as_json:
        click.echo(json.dumps({field: made[field] for field in ("id", "key", "accountId")}))
        return
    click.echo(made["key"])
    click.echo(f"Keep it now: it isn't shown again. Its id is {made['id']}.", err=True)


@keys.command("list")
@data_option
def list_(data: str | None) -> None:
    """List the keys, without the keys themselves."""
    settings = load_settings(data=data)
    server = client.connect(settings.data)
    if server:
        found = server.call("GET", "/internal/v1/keys")
    else:
        from ringback import offline

        with _store(settings):
            found = offline.list_keys(settings)
    columns = ("ID", "NAME", "ACCOUNT", "CREATED", "EXPIRES", "REVOKED")
    print_table(columns, [_row(key) for key in _entries(found)])


@keys.command()
@click.argument("key_id", metavar="ID")
@data_option
def revoke(key_id: str, data: str | None) -> None:
    """End a key's life, at once and for good."""
    settings = load_settings(data=data)
    server = client.connect(settings.data)
    if server:
        from urllib.parse import quote

        server.call("DELETE", f"/internal/v1/keys/{quote(key_id, safe='')}")
    else:
        from ringback import offline

        with _store(settings):
            offline.revoke_key(settings, key_id)
    click.echo(f"Revoked {key_id}.")


@keys.command()
@data_option
def hide(data: str | None) -> None:
    """Remove the file that keeps the first key; the key itself goes on working."""
    settings = load_settings(data=data)
    server = client.connect(settings.data)
    if server:
        server.call("POST", "/internal/v1/keys/hide", {})
    else:
        from ringback import offline

        with _store(settings):
            offline.hide_first_key(settings)
    click.echo(
        "The first key is no longer kept in the data folder. It goes on working; `ringback keys list` has its id."
    )


def _entries(found: Any) -> list[dict[str, Any]]:
    return list(found["data"] if isinstance(found, dict) else found)


def _row(key: dict[str, Any]) -> tuple[object, ...]:
    return tuple(key.get(name) for name in ("id", "name", "accountId", "createdAt", "expiresAt", "revokedAt"))


@contextlib.contextmanager
def _store(settings: "Settings") -> Iterator[None]:
    """The store for this command alone, while no server runs."""
    if settings.on_postgres:
        yield
        return
    if not settings.data.is_dir():
        raise OperatorError(
            f"there is no store in {settings.data} yet: `ringback serve` makes it, or give --data"
        )
    with running.hold(settings.data):
        yield
