"""Drivers, which connect implementations to the harness: the interface, a registry and built-in drivers.

A driver in Python subclasses `Driver` and `Peer`. An adapter in another language implements the driver
protocol and is named as `cmd:COMMAND LINE`.
"""

from clasp_e2e.drivers.interface import CAPABILITIES as CAPABILITIES
from clasp_e2e.drivers.interface import Description as Description
from clasp_e2e.drivers.interface import Driver as Driver
from clasp_e2e.drivers.interface import DriverFault as DriverFault
from clasp_e2e.drivers.interface import EventSink as EventSink
from clasp_e2e.drivers.interface import FaultSink as FaultSink
from clasp_e2e.drivers.interface import Implementation as Implementation
from clasp_e2e.drivers.interface import NotAvailable as NotAvailable
from clasp_e2e.drivers.interface import NotOffered as NotOffered
from clasp_e2e.drivers.interface import Peer as Peer
from clasp_e2e.drivers.interface import Refused as Refused
from clasp_e2e.drivers.interface import Router as Router
