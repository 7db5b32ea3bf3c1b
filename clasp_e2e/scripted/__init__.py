"""Peers and routers with deliberate faults, which show that the harness detects them."""

from clasp_e2e.scripted import concurrency_mutants as concurrency_mutants
from clasp_e2e.scripted import connecting as connecting, event_mutants as event_mutants
from clasp_e2e.scripted import description_mutants as description_mutants
from clasp_e2e.scripted import ending_mutants as ending_mutants
from clasp_e2e.scripted import forwarding as forwarding, ice as ice
from clasp_e2e.scripted import ice_input_mutants as ice_input_mutants
from clasp_e2e.scripted import ice_server_mutants as ice_server_mutants
from clasp_e2e.scripted import mode_mutants as mode_mutants, option_mutants as option_mutants
from clasp_e2e.scripted import reconnecting_mutants as reconnecting_mutants, steady_mutants as steady_mutants
from clasp_e2e.scripted import resilience as resilience, router_life_cycle as router_life_cycle
from clasp_e2e.scripted import router_loss_mutants as router_loss_mutants
from clasp_e2e.scripted import router_matching_mutants as router_matching_mutants
from clasp_e2e.scripted import router_publishing_mutants as router_publishing_mutants
from clasp_e2e.scripted import routers as routers, routing as routing
from clasp_e2e.scripted import (
    second_causes as second_causes,
    sending_mutants as sending_mutants,
    signaling as signaling,
)
from clasp_e2e.scripted import several_peers_mutants as several_peers_mutants
from clasp_e2e.scripted import timeouts as timeouts, trusting as trusting
from clasp_e2e.scripted import amount_mutants as amount_mutants, early_send_mutants as early_send_mutants
from clasp_e2e.scripted import payload_mutants as payload_mutants, unreliable_mutants as unreliable_mutants
from clasp_e2e.scripted.mutant import MUTANTS as MUTANTS, Mutant as Mutant, PeerScript as PeerScript
from clasp_e2e.scripted.mutant import RouterScript as RouterScript, mutant as mutant
