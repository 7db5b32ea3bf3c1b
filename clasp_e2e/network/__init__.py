"""The network between peers, and its faults: signaling proxy, UDP link, STUN and TURN servers."""

from clasp_e2e.network.attempts import Attempt as Attempt
from clasp_e2e.network.conditions import Conditions as Conditions
from clasp_e2e.network.coturn import Coturn as Coturn, CoturnFailed as CoturnFailed
from clasp_e2e.network.impairments import Bandwidth as Bandwidth, Datagram as Datagram
from clasp_e2e.network.impairments import Impairment as Impairment, black as black, combined as combined
from clasp_e2e.network.impairments import delayed as delayed, described as described, duplicated as duplicated
from clasp_e2e.network.impairments import every_nth_lost as every_nth_lost, in_words as in_words, lost as lost
from clasp_e2e.network.impairments import lost_in_bursts as lost_in_bursts, parse_trace as parse_trace
from clasp_e2e.network.impairments import replayed as replayed
from clasp_e2e.network.impairments import reordered as reordered, where as where
from clasp_e2e.network.lab_switchboard import LabSwitchboard as LabSwitchboard
from clasp_e2e.network.link import UdpLink as UdpLink
from clasp_e2e.network.nat import Nat as Nat
from clasp_e2e.network.session_description import Candidate as Candidate
from clasp_e2e.network.session_description import SessionDescription as SessionDescription
from clasp_e2e.network.side import Side as Side
from clasp_e2e.network.signaling_proxy import Direction as Direction, Hooks as Hooks
from clasp_e2e.network.signaling_proxy import SignalingProxy as SignalingProxy
from clasp_e2e.network.stun_probe import ask_stun as ask_stun
from clasp_e2e.network.stun_server import StunServer as StunServer
from clasp_e2e.network.switchboard import Switchboard as Switchboard
from clasp_e2e.network.turn_allocations import Allocations as Allocations
from clasp_e2e.network.turn_server import EmbeddedTurnServer as EmbeddedTurnServer
from clasp_e2e.network.turn_server import ObservedTurnServer as ObservedTurnServer
