"""Peers whose channels or direct messages differ from those of the reference."""

from dataclasses import replace

from clasp_e2e.peer import effects as fx
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import vary

OpensTheReliableFirst = vary(
    "OpensTheReliableFirst", OpenPoint.CHANNELS, "It opens its reliable channel first.",
    "SIG-4", "SIG-7", "EVT-1", "SND-1", "SND-2",
    on=fx.CreateOffer, alter=lambda _, offer: replace(offer, channels=offer.channels[::-1]),
)  # fmt: skip
