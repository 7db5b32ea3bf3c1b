"""What the specification leaves open: the points on which legal variants differ from the reference.

The P2P page is short. Where it is silent, an implementation decides, and no check may fail it. Each point
has at least one variant.
"""

from enum import Enum


class OpenPoint(Enum):
    """A decision that the specification leaves to the implementation; the value describes it."""

    # Signaling
    SIGNAL_ROUTE = "Signals go to any address, by PUBLISH or SET, alone or in a BUNDLE, in any encoding."
    SIGNAL_LAYOUT = (
        "A signal is a map, a list or a JSON string, with any field names and additional fields; the "
        "application may compress or encrypt it."
    )
    CORRELATION = "A correlation id is present or absent, a string or an integer, of any length."
    SIGNAL_REPETITION = "A signal, or an attempt's offer, may be sent more than once."
    OTHER_SIGNALS = "`connected`, `disconnected` and announcements are sent once, repeatedly or never."
    CANDIDATE_DELIVERY = (
        "Candidates are in the SDP or in signals of their own, at once or slowly, before or after the SDP, "
        "with or without an end-of-candidates."
    )
    CANDIDATE_FORM = "A trickled candidate is a line, a JSON string or a map."
    CANDIDATE_KIND = (
        "Candidates are hosts on any local address, `.local` names, IPv6, TCP, server-reflexive or relayed "
        "ones in any mix; a side that reaches the other needs none."
    )
    SDP = (
        "An SDP has line ends LF or CRLF, attributes at session or media level, several fingerprints of any "
        "hash function, unknown attributes and unused sections, and any `setup` that RFC 8842 allows."
    )
    GLARE = "Of two crossing offers, any rule decides which is used."
    RENEGOTIATION = "An attempt may consist of several offers, and a connection may restart ICE."

    # Channels and payloads
    CHANNELS = (
        "Channels have any labels and protocols, are opened in any order, by either side or pre-negotiated, "
        "and may be more than two; reliability may be limited by life time instead of retransmits."
    )
    PAYLOAD_FORM = (
        "A payload is sent raw, as a CLASP frame, in chunks or as text, with marks, acknowledgements and "
        "keep-alive messages of the implementation's own."
    )
    MESSAGE_SIZE = "Messages above 16 KiB (reliable) or 1,000 bytes (unreliable) may be refused."
    BACK_PRESSURE = "A send may be refused, or wait, while the channel's buffer is full."

    # Calls and events
    CONNECT_CALL = "`connect_to_peer` returns at once, when the offer is sent, or when connected."
    FAILURE_REPORT = (
        "A time-out is reported by ConnectionFailed, whether or not the call raises too; any other failure "
        "may be reported by the call alone."
    )
    SECOND_CALL = "A second `connect_to_peer` is refused, ignored or a renegotiation."
    SEND_CALL = (
        "`send_p2p` returns when the payload is handed over or acknowledged, or waits for a connection; "
        "without one, PreferP2P connects first or relays first."
    )
    WITHOUT_P2P = "Without a P2P configuration, a client may still relay."
    CONNECTED_EVENT = "Connected is emitted when the first channel is open, when all are, or a little later."
    PACE = "An attempt may take any part of its time-out."

    # Relay and ends
    RELAY = (
        "A relayed payload goes to any address, in any form, with receipts or without; its event may name "
        "neither sender nor reliability."
    )
    ENDING = "A connection ends by a signal, by closed channels, by DTLS, by SCTP, or by several of them."
    RECONNECTION = "After a loss, an implementation may reconnect by itself."

    PEER_TRANSPORT = (
        "A client may fragment, compress or combine its CLASP frames, send PING, timestamps and any HELLO, "
        "and subscribe to more than it needs."
    )

    # Routers
    ROUTER_DELIVERY = (
        "A router may deliver a signal to its target only if the target subscribed to the address, and may "
        "wrap deliveries in a BUNDLE, delay them, or keep what an absent client missed."
    )
    ROUTER_RULES = (
        "A router may check `from`, refuse what is not a signal, and limit rates and lengths above what one "
        "attempt needs, if the sender gets an ERROR or is cut off."
    )
    ROUTER_SESSION_IDS = "Session ids are any strings of any length."
    ROUTER_MESSAGES = (
        "A router may acknowledge each PUBLISH, send PING and other messages at any time, omit SNAPSHOT, "
        "order keys as it likes, and use MessagePack."
    )
    ROUTER_TRANSPORT = "A WebSocket may fragment, compress or combine CLASP frames."
