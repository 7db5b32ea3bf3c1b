"""The second WebRTC stack in Python, as a driver: the reference adapter on libwebrtc."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from clasp_e2e.drivers import Driver, NotAvailable, Peer, Router
from clasp_e2e.drivers import libwebrtc as driver_module
from clasp_e2e.drivers.libwebrtc import LibwebrtcDriver
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.registry import UnknownDriver, resolve_driver
from clasp_e2e.p2p_types import Connected, Data, Disconnected, P2PConfig, SendResult
from clasp_e2e.peer.libwebrtc_transport import lacking

from .test_stdio import Told

installed = pytest.mark.skipif(lacking() is not None, reason=str(lacking()))


def test_without_the_extra_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "lacking", lambda: "pip install 'clasp-e2e[libwebrtc]'")
    with pytest.raises(NotAvailable, match=r"pip install 'clasp-e2e\[libwebrtc\]'"):
        LibwebrtcDriver()
    with pytest.raises(UnknownDriver, match="pip install") as caught:
        resolve_driver("libwebrtc")
    assert isinstance(caught.value.__cause__, NotAvailable)


class World:
    """A router, and a driver of each stack."""

    def __init__(self, router: Router) -> None:
        self.url = router.url
        self.drivers: dict[str, Driver] = {"libwebrtc": LibwebrtcDriver(), "reference": ReferenceDriver()}

    async def open(self, driver: str) -> tuple[Peer, Told]:
        told = Told()
        peer = await self.drivers[driver].open_peer(url=self.url, name=driver, p2p=P2PConfig(), on_event=told)
        return peer, told


@pytest.fixture
async def world() -> AsyncIterator[World]:
    router = await ReferenceDriver().open_router(host="127.0.0.1", port=0)
    world = World(router)
    description = await world.drivers["libwebrtc"].initialize()
    assert description.implementation.name == "clasp-e2e reference on libwebrtc"
    assert description.roles == {"peer"}
    yield world
    await world.drivers["libwebrtc"].aclose()
    await router.close()


@installed
@pytest.mark.parametrize(
    ("one", "other"), [("libwebrtc", "libwebrtc"), ("libwebrtc", "reference"), ("reference", "libwebrtc")]
)
async def test_it_connects_sends_and_closes(world: World, one: str, other: str) -> None:
    (alice, alice_told), (bob, bob_told) = await world.open(one), await world.open(other)
    await alice.connect_to_peer(bob.session_id)
    await alice_told.until(Connected)
    await bob_told.until(Connected)
    assert await alice.send_p2p(bob.session_id, b"to bob", True) is SendResult.P2P
    await alice.close()
    await bob_told.until(Disconnected)
    assert [type(event) for event in bob_told if not hasattr(event, "features")] == [
        Connected,
        Data,
        Disconnected,
    ]
    await bob.close()
    await alice.end()
    await bob.end()
    assert (alice.fault, bob.fault) == (None, None)


@installed
async def test_a_killed_peer_says_nothing(world: World) -> None:
    (alice, alice_told), (bob, bob_told) = await world.open("libwebrtc"), await world.open("reference")
    carol, _ = await world.open("reference")
    await alice.connect_to_peer(bob.session_id)
    await alice_told.until(Connected)
    await bob_told.until(Connected)
    await alice.kill()
    # By the time this has come round through the router, a farewell would have come as well.
    assert await carol.send_p2p(bob.session_id, b"barrier", True) is SendResult.RELAY
    await bob_told.until(Data)
    assert bob_told.of(Disconnected) == []
    assert await bob.is_peer_connected(alice.session_id)
    await bob.kill()
    await carol.kill()
