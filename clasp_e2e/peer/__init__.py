"""The reference peer: the P2P API of CLASP on aiortc, with a negotiation core free of I/O."""

from clasp_e2e.peer.client import Clasp as Clasp, ClaspBuilder as ClaspBuilder
from clasp_e2e.peer.effects import Script as Script
from clasp_e2e.peer.errors import NegotiationError as NegotiationError, NotConnected as NotConnected
from clasp_e2e.peer.errors import P2PNotConfigured as P2PNotConfigured, PayloadTooLarge as PayloadTooLarge
from clasp_e2e.peer.errors import PeerError as PeerError, PeerNotConnected as PeerNotConnected
from clasp_e2e.peer.errors import RouterUnreachable as RouterUnreachable
