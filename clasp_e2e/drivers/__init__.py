"""How an implementation is plugged in: the interface; in `registry` and the other modules, the drivers.

A driver in Python subclasses `Driver` and `Peer`; an adapter in another language speaks the
driver protocol and is named as `cmd:COMMAND LINE`.
"""

from __future__ import annotations

from clasp_e2e.drivers.interface import (
    CAPABILITIES as CAPABILITIES,
    Description as Description,
    Driver as Driver,
    DriverFault as DriverFault,
    EventSink as EventSink,
    FaultSink as FaultSink,
    Implementation as Implementation,
    NotAvailable as NotAvailable,
    NotOffered as NotOffered,
    Peer as Peer,
    Refused as Refused,
    Router as Router,
)
