from __future__ import annotations

import socket

import pytest

from clasp_e2e.router import RouterError, RouterServer

from .conftest import Dial


async def test_port_in_use_is_reported() -> None:
    async with RouterServer.open() as first:
        port = int(first.url.rsplit(":", 1)[1])
        with pytest.raises(RouterError) as caught:
            await RouterServer.open(port=port)
    assert str(caught.value) == (
        f"port {port} on 127.0.0.1 is in use: stop the process that listens there, or choose another "
        "(0 selects a free one)"
    )


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("127.0.0.1", 65536, "port 65536 does not exist"),
        ("127.0.0.1", -1, "port -1 does not exist"),
        ("203.0.113.1", 0, "not an address of this machine"),
        ("a..b", 0, "not a host name"),
        ("999.1.1.1.", 0, "is unknown"),
    ],
)
async def test_address_that_cannot_be_bound_is_reported_with_advice(host: str, port: int, text: str) -> None:
    with pytest.raises(RouterError, match=text):
        await RouterServer.open(host, port)


async def test_released_port_can_be_bound_again(dial: Dial) -> None:
    async with RouterServer.open() as first:
        port = int(first.url.rsplit(":", 1)[1])
        await (await dial(first.url)).hello()
    async with RouterServer.open(port=port) as second:
        assert second.url == first.url
        await (await dial(second.url)).hello()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
async def test_router_listens_on_ipv6(dial: Dial) -> None:
    try:
        router = await RouterServer.open("::1")
    except RouterError:
        pytest.skip("no IPv6 loopback here")
    async with router:
        assert router.url.startswith("ws://[::1]:")
        await (await dial(router.url)).hello()
