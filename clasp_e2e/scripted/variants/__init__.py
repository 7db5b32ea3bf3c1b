"""Legal variants, by what they differ in. Importing this package defines all of them."""

from clasp_e2e.scripted.variant import VARIANTS as VARIANTS, Variant as Variant
from clasp_e2e.scripted.variants import call_variants as call_variants
from clasp_e2e.scripted.variants import candidate_variants as candidate_variants
from clasp_e2e.scripted.variants import channel_variants as channel_variants
from clasp_e2e.scripted.variants import libwebrtc_variants as libwebrtc_variants
from clasp_e2e.scripted.variants import payload_variants as payload_variants, relay_variants as relay_variants
from clasp_e2e.scripted.variants import router_delivery as router_delivery
from clasp_e2e.scripted.variants import router_messages as router_messages, router_rules as router_rules
from clasp_e2e.scripted.variants import router_transport as router_transport, sdp_variants as sdp_variants
from clasp_e2e.scripted.variants import signal_variants as signal_variants
