"""The driver of the reference on libwebrtc; `test_adapters.py` has what it shares with others."""

from __future__ import annotations

import pytest

from clasp_e2e.drivers import NotAvailable
from clasp_e2e.drivers import libwebrtc as driver_module
from clasp_e2e.drivers.libwebrtc import LibwebrtcDriver
from clasp_e2e.drivers.registry import UnknownDriver, resolve_driver
from clasp_e2e.peer.libwebrtc_transport import install_advice


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "install_advice", lambda: "pip install 'clasp-e2e[libwebrtc]'")
    with pytest.raises(NotAvailable, match=r"pip install 'clasp-e2e\[libwebrtc\]'"):
        LibwebrtcDriver()
    with pytest.raises(UnknownDriver, match="pip install") as caught:
        resolve_driver("libwebrtc")
    assert isinstance(caught.value.__cause__, NotAvailable)


@pytest.mark.skipif(install_advice() is not None, reason=str(install_advice()))
async def test_description_names_the_stack() -> None:
    driver = LibwebrtcDriver()
    description = await driver.initialize()
    assert description.implementation.name == "clasp-e2e reference on libwebrtc"
    assert description.roles == {"peer"}
    await driver.aclose()
