"""Drivers, which connect implementations to the harness: the interface, a registry and built-in drivers.

A driver in Python subclasses `Driver` and `Peer`. An adapter in another language implements the driver
protocol and is named as `cmd:COMMAND LINE`.
"""

from clasp_e2e.drivers.interface import CAPABILITIES as CAPABILITIES, Description as Description
from clasp_e2e.drivers.interface import Driver as Driver, DriverFault as DriverFault, EventSink as EventSink
from clasp_e2e.drivers.interface import FaultSink as FaultSink, Implementation as Implementation
from clasp_e2e.drivers.interface import NotAvailable as NotAvailable, NotOffered as NotOffered, Peer as Peer
from clasp_e2e.drivers.interface import Refused as Refused, Router as Router
