"""Variants on a second WebRTC stack: what is legal on aiortc is legal on libwebrtc, too.

They require the extra `libwebrtc`. Its candidates trickle, and it sets up connections otherwise than aiortc.
"""

from clasp_e2e.peer.libwebrtc_transport import LibwebrtcTransport
from clasp_e2e.scripted.mutant import PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import Variant, variant
from clasp_e2e.scripted.variants import (
    call_variants,
    channel_variants,
    payload_variants,
    relay_variants,
    sdp_variants,
    signal_variants,
)


@variant(
    OpenPoint.CANDIDATE_DELIVERY, "On libwebrtc, its candidates trickle as in browsers.",
    "CON-5", "CON-6", "EVT-1", "EVT-3", "EVT-7", "SND-1", "SND-2", "SND-6", "SND-15", "SEC-1", "RTE-3",
)  # fmt: skip
class UsesLibwebrtc(PeerScript):
    webrtc = LibwebrtcTransport


def on_libwebrtc(other: Variant) -> Variant:
    """Define the variant `other` on libwebrtc."""
    assert issubclass(other.script, PeerScript)
    name = f"{other.name}OnLibwebrtc"
    script = type(name, (other.script,), {"webrtc": LibwebrtcTransport, "__module__": __name__})
    difference = f"On libwebrtc: {other.difference[0].lower()}{other.difference[1:]}"
    make = variant(
        other.open_point,
        difference,
        *other.touches,
        deviations=other.deviations,
        not_judged=other.not_judged,
    )
    return make(script)


EndsLinesWithLfOnLibwebrtc = on_libwebrtc(sdp_variants.EndsLinesWithLf)
DescribesAtSessionLevelOnLibwebrtc = on_libwebrtc(sdp_variants.DescribesAtSessionLevel)
SignalsAsJsonOnLibwebrtc = on_libwebrtc(signal_variants.SignalsAsJson)
UsesItsOwnFieldNamesOnLibwebrtc = on_libwebrtc(signal_variants.UsesItsOwnFieldNames)
CorrelatesNothingOnLibwebrtc = on_libwebrtc(signal_variants.CorrelatesNothing)
NeverSaysConnectedOnLibwebrtc = on_libwebrtc(signal_variants.NeverSaysConnected)
OpensTheReliableFirstOnLibwebrtc = on_libwebrtc(channel_variants.OpensTheReliableFirst)
NamesItsChannelsOtherwiseOnLibwebrtc = on_libwebrtc(channel_variants.NamesItsChannelsOtherwise)
SendsClaspFramesOnLibwebrtc = on_libwebrtc(payload_variants.SendsClaspFrames)
ConnectsBeforeItReturnsOnLibwebrtc = on_libwebrtc(call_variants.ConnectsBeforeItReturns)
RelaysAsJsonOnLibwebrtc = on_libwebrtc(relay_variants.RelaysAsJson)
EndsByItsChannelsOnLibwebrtc = on_libwebrtc(relay_variants.EndsByItsChannels)
PrefersTheGreaterIdOnLibwebrtc = on_libwebrtc(relay_variants.PrefersTheGreaterId)
