"""Legal variants, by what they differ in. Importing this package defines all of them."""

from clasp_e2e.scripted.variant import VARIANTS as VARIANTS, Variant as Variant
from clasp_e2e.scripted.variants import call_variants as call_variants
from clasp_e2e.scripted.variants import candidate_kind_variants as candidate_kind_variants
from clasp_e2e.scripted.variants import candidate_variants as candidate_variants
from clasp_e2e.scripted.variants import channel_variants as channel_variants
from clasp_e2e.scripted.variants import combined_variants as combined_variants
from clasp_e2e.scripted.variants import delivery_variants as delivery_variants
from clasp_e2e.scripted.variants import event_variants as event_variants
from clasp_e2e.scripted.variants import guarded_signal_variants as guarded_signal_variants
from clasp_e2e.scripted.variants import libwebrtc_variants as libwebrtc_variants
from clasp_e2e.scripted.variants import own_channel_variants as own_channel_variants
from clasp_e2e.scripted.variants import payload_form_variants as payload_form_variants
from clasp_e2e.scripted.variants import payload_variants as payload_variants
from clasp_e2e.scripted.variants import relay_form_variants as relay_form_variants
from clasp_e2e.scripted.variants import relay_variants as relay_variants
from clasp_e2e.scripted.variants import router_delivery as router_delivery
from clasp_e2e.scripted.variants import router_messages as router_messages
from clasp_e2e.scripted.variants import router_rules as router_rules
from clasp_e2e.scripted.variants import router_sessions as router_sessions
from clasp_e2e.scripted.variants import router_timing as router_timing
from clasp_e2e.scripted.variants import router_transport as router_transport
from clasp_e2e.scripted.variants import sdp_variants as sdp_variants
from clasp_e2e.scripted.variants import session_variants as session_variants
from clasp_e2e.scripted.variants import signal_encoding_variants as signal_encoding_variants
from clasp_e2e.scripted.variants import signal_variants as signal_variants
