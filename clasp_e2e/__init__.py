"""Conformance harness for the peer-to-peer connections of CLASP.

Scenarios import from `clasp_e2e.testbed` (what a scenario is made of) and `clasp_e2e.p2p_types`
(the specification's words as types); a driver in Python from `clasp_e2e.drivers`.
"""

__version__ = "0.1.0"
