"""Legal variants, by what they differ in. Importing this package defines all of them."""

from clasp_e2e.scripted.variant import VARIANTS as VARIANTS, Variant as Variant
from clasp_e2e.scripted.variants import channel_variants as channel_variants
from clasp_e2e.scripted.variants import (
    sdp_variants as sdp_variants,
    candidate_variants as candidate_variants,
    signal_variants as signal_variants,
)
