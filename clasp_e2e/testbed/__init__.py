"""The API for scenarios: fixtures, clients, and the functions that state requirements.

Scenarios import only from here and from `clasp_e2e.p2p_types`.
"""

from clasp_e2e.drivers.interface import NotOffered as NotOffered, Refused as Refused
from clasp_e2e.network import Bandwidth as Bandwidth, Candidate as Candidate, Datagram as Datagram
from clasp_e2e.network import Impairment as Impairment
from clasp_e2e.network import Nat as Nat, SessionDescription as SessionDescription, StunServer as StunServer
from clasp_e2e.network import combined as combined, delayed as delayed, duplicated as duplicated
from clasp_e2e.network import every_nth_lost as every_nth_lost, lost as lost, reordered as reordered
from clasp_e2e.network import (
    lost_in_bursts as lost_in_bursts,
    parse_trace as parse_trace,
    replayed as replayed,
)
from clasp_e2e.lab import LabHost as LabHost, only_ipv6 as only_ipv6, prepared as prepared
from clasp_e2e.network import where as where
from clasp_e2e.scripted import description_partners as description_partners, partners as partners
from clasp_e2e.testbed.altering import altering_texts as altering_texts
from clasp_e2e.testbed.attached_client import Client as Client, Failure as Failure
from clasp_e2e.testbed.attacked_router import AttackedRouter as AttackedRouter
from clasp_e2e.testbed.early_sends import EarlySends as EarlySends
from clasp_e2e.testbed.expectations import Absent as Absent, Blocked as Blocked, Unmet as Unmet
from clasp_e2e.testbed.expectations import Undelivered as Undelivered, Unobserved as Unobserved
from clasp_e2e.testbed.expectations import expect as expect, expect_refusal as expect_refusal
from clasp_e2e.testbed.expectations import judging as judging, precondition as precondition
from clasp_e2e.testbed.expectations import random_payload as random_payload, remark as remark, show as show
from clasp_e2e.testbed.fixtures import Path as Path, PeerPair as PeerPair, RouterClients as RouterClients
from clasp_e2e.testbed.fixtures import SinglePeer as SinglePeer, UnconnectedPair as UnconnectedPair
from clasp_e2e.testbed.lifecycle import both_ends as both_ends, closers as closers, lasts as lasts
from clasp_e2e.testbed.lifecycle import connect_again as connect_again, end_connection as end_connection
from clasp_e2e.testbed.lifecycle import events_are_in_order as events_are_in_order, in_use as in_use
from clasp_e2e.testbed.lifecycle import marks as marks
from clasp_e2e.testbed.lifecycle import works_like_the_first as works_like_the_first
from clasp_e2e.testbed.lossy_transfer import Flow as Flow, SelectiveLoss as SelectiveLoss
from clasp_e2e.testbed.lossy_transfer import exchange_under as exchange_under, expect_no_end as expect_no_end
from clasp_e2e.testbed.message_learning import holds_sdp as holds_sdp, mentions as mentions
from clasp_e2e.testbed.outcomes import expect_consistent_events as expect_consistent_events
from clasp_e2e.testbed.partner_checks import all_has_come_or_is_lost as all_has_come_or_is_lost
from clasp_e2e.testbed.partner_checks import both_connect as both_connect
from clasp_e2e.testbed.partner_checks import carries_data_directly as carries_data_directly
from clasp_e2e.testbed.partner_checks import connects as connects, prompt_partner as prompt_partner
from clasp_e2e.testbed.partner_checks import subject_still_works as subject_still_works
from clasp_e2e.testbed.payload_samples import each_byte_at_both_ends as each_byte_at_both_ends
from clasp_e2e.testbed.payload_samples import samples as samples
from clasp_e2e.testbed.reattaching import lose_router_and_return as lose_router_and_return
from clasp_e2e.testbed.relayed import attach_with_turn as attach_with_turn
from clasp_e2e.testbed.scenario import requirement as requirement
from clasp_e2e.testbed.send_series import meanwhile as meanwhile, send_in_turn as send_in_turn
from clasp_e2e.testbed.signaling_client import SignalingClient as SignalingClient
from clasp_e2e.testbed.stalled_client import StalledClient as StalledClient
from clasp_e2e.testbed.stages import AttemptStage as AttemptStage, StagedAttempt as StagedAttempt
from clasp_e2e.testbed.stages import call_behind_an_offer as call_behind_an_offer, glare as glare
from clasp_e2e.testbed.stages import until_described as until_described
from clasp_e2e.testbed.transfers import altered as altered, arrivals as arrivals
from clasp_e2e.testbed.transfers import expect_unchanged as expect_unchanged
from clasp_e2e.testbed.transfers import send_unreliably as send_unreliably, transfer_burst as transfer_burst
from clasp_e2e.testbed.trickling import DescribedCandidates as DescribedCandidates, Trickle as Trickle
from clasp_e2e.testbed.trickling import as_json as as_json
from clasp_e2e.testbed.waiting import together as together
