"""`clasp-e2e dissector`: the Wireshark dissector for the packets of a case."""

from importlib.resources import files

import click


@click.command()
def dissector() -> None:
    """Print the path of a Lua dissector for CLASP frames, and for SCTP in DTLS.

    \b
    tshark -X lua_script:"$(clasp-e2e dissector)" -r FILE.pcapng
    wireshark -X lua_script:"$(clasp-e2e dissector)" FILE.pcapng
    """  # noqa: D301 (\b keeps click from wrapping the lines)
    click.echo(str(files("clasp_e2e.network") / "clasp.lua"))
