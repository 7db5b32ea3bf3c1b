"""`clasp-e2e router`: run the reference router until it is stopped."""

import asyncio
import signal

import click

from clasp_e2e.commands.errors import reported
from clasp_e2e.router import RouterError, RouterServer


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=int, default=7330, show_default=True, help="Port to listen on; 0 for any free port."
)
def router(host: str, port: int) -> None:
    """Run the reference router until Ctrl-C, and print its URL on standard output."""
    with reported(RouterError):
        asyncio.run(_serve(host, port))


async def _serve(host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with RouterServer.open(host, port) as server:
        click.echo(server.url)
        click.echo("The reference router listens at this URL; press Ctrl-C to stop it.", err=True)
        await stop.wait()
