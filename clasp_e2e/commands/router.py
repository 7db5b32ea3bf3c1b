"""`clasp-e2e router`: the reference router, for as long as it is wanted."""

from __future__ import annotations

import asyncio
import signal

import click

from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.router import RouterError, RouterServer


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=int, default=7330, show_default=True, help="The port; 0 takes any free one.")
def router(host: str, port: int) -> None:
    """Run the reference router until Ctrl-C. Its URL is the one line on standard output."""
    try:
        asyncio.run(_serve(host, port))
    except RouterError as error:
        failure = click.ClickException(str(error))
        failure.exit_code = ExitStatus.USAGE
        raise failure from None


async def _serve(host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with RouterServer.open(host, port) as server:
        click.echo(server.url)
        click.echo("The reference router listens there. Ctrl-C ends it.", err=True)
        await stop.wait()
