"""Peers whose session descriptions differ from those of the reference."""

from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import vary

EndsLinesWithLf = vary(
    "EndsLinesWithLf", OpenPoint.SDP, "The lines of its SDP end with LF alone.",
    "CON-3", "CON-4", "CON-5", "SEC-1", "ICE-4",
    on=(wire.Offer, wire.Answer),
    alter=lambda _, signal: replace(signal, sdp=signal.sdp.replace("\r\n", "\n")),
)  # fmt: skip
