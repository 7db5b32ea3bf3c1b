"""The lab: Linux network namespaces for the peers of a run, without privileges and without an uplink.

A process that has entered the lab (`enter`) can open hosts. Each is a network namespace of its own, whose
interface is a TUN device: every packet that leaves or reaches it passes the `Internet` in this process.
"""

from clasp_e2e.lab.host import LabHost, adopt_calls, prepared
from clasp_e2e.lab.internet import (
    RELAY_HOST,
    Internet,
    current_internet,
    enter,
    is_entered,
    only_ipv6,
    reachable_host,
)
from clasp_e2e.lab.packet_headers import Endpoint, UdpPacket
from clasp_e2e.lab.syscalls import LabUnavailable

__all__ = [
    "RELAY_HOST",
    "Endpoint",
    "Internet",
    "LabHost",
    "LabUnavailable",
    "UdpPacket",
    "adopt_calls",
    "current_internet",
    "enter",
    "is_entered",
    "only_ipv6",
    "prepared",
    "reachable_host",
]
