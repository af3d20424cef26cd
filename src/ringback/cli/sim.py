"""`ringback sim`: the simulated network in a process of its own."""

import click

from ringback.cli.options import data_option, load_settings, tell_strays
from ringback.cli.serve import listen, url_of
from ringback.running import make_data_folder


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8643, show_default=True, type=click.IntRange(0, 65_535), help="Port to listen on."
)
@click.option("--log-level", metavar="L", help="debug, info, warning or error.  [default: info]")
@data_option
def sim(host: str, port: int, log_level: str | None, data: str | None) -> int:
    """Run the simulated network apart from the server, which finds it by RINGBACK_SIM_URL."""
    settings = load_settings(data=data, log_level=log_level)
    with listen(host, port) as listener:  # a port in use is known before anything heavy is loaded
        url, port = url_of(listener), listener.getsockname()[1]
    make_data_folder(settings.data)
    import asyncio

    from ringback import logs
    from ringback.cli import open_files
    from ringback.doors.sim import standalone
    from ringback.phone_network import exchange_command
    from ringback.speech.client import dismiss

    logs.set_up(settings.log_level)
    tell_strays()
    click.echo(f"The simulated network answers at {url}; a server finds it by RINGBACK_SIM_URL.")
    code = standalone.run(
        host,
        port,
        settings.data,
        settings.log_level,
        names=settings.allowed_hosts,
        limits=open_files.limits_of(settings),
        exchange=exchange_command(settings),
    )
    asyncio.run(dismiss(settings.data))
    return code
