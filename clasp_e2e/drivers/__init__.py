"""How an implementation is plugged in: the interface; in `registry` and the other modules, the drivers.

A driver in Python subclasses `Driver` and `Peer`; an adapter in another language speaks the
driver protocol and is named as `cmd:COMMAND LINE`.
"""

from __future__ import annotations

from clasp_e2e.drivers.interface import (
    CAPABILITIES,
    Description,
    Driver,
    DriverFault,
    EventSink,
    FaultSink,
    Implementation,
    NotAvailable,
    NotOffered,
    Peer,
    Refused,
    Router,
)

__all__ = [
    "CAPABILITIES",
    "Description",
    "Driver",
    "DriverFault",
    "EventSink",
    "FaultSink",
    "Implementation",
    "NotAvailable",
    "NotOffered",
    "Peer",
    "Refused",
    "Router",
]
