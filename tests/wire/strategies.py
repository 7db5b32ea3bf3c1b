"""Hypothesis strategies for everything that the wire can carry, which the tests of other packages use, too.

What they draw survives a round trip, so it is compared with `==`; NaN is left out for that reason.
"""

from __future__ import annotations

from hypothesis import strategies as st

from clasp_e2e import wire

U8, U16, U32, U64 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FLOATS = st.floats(allow_nan=False)
FEATURES = st.frozensets(
    st.sampled_from(["param", "event", "stream", "gesture", "timeline", "federation"]), max_size=6
)
TYPES = st.frozensets(st.sampled_from(wire.SignalType))


def maybe(strategy):
    return st.none() | strategy


SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | FLOATS | TEXT | st.binary(max_size=12)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=6,
)
SEGMENTS = st.text("abz059-_", min_size=1, max_size=4)
ADDRESSES = st.lists(SEGMENTS, min_size=1, max_size=4).map(lambda segments: "/" + "/".join(segments))
PATTERNS = st.lists(SEGMENTS | st.sampled_from(["*", "**", "a*", "*z"]), min_size=1, max_size=5).map(
    lambda segments: "/" + "/".join(segments)
)

TTLS = (
    st.just(wire.Ttl(wire.TtlMode.NEVER))
    | st.builds(wire.Ttl, st.just(wire.TtlMode.SLIDING), st.integers(1, 2**31 - 1))
    | st.builds(wire.Ttl, st.just(wire.TtlMode.ABSOLUTE), st.integers(0, 2**31 - 1))
)
META = st.builds(wire.SignalMeta, maybe(TEXT), maybe(st.tuples(FLOATS, FLOATS)), VALUES, maybe(TEXT))


def definitions(meta):
    built = st.builds(
        wire.SignalDefinition, ADDRESSES, st.sampled_from(wire.SignalType), maybe(TEXT), maybe(TEXT), meta
    )
    return st.lists(built, max_size=3).map(tuple)


PARAMS = st.builds(wire.Param, ADDRESSES, VALUES, U64, maybe(TEXT), maybe(U64))


@st.composite
def publishes(draw):
    """A PUBLISH with a value, samples, a null or nothing."""
    content = draw(
        st.just({})
        | st.just({"null_value": True})
        | VALUES.filter(lambda value: value is not None).map(lambda value: {"value": value})
        | st.lists(FLOATS, max_size=5).map(lambda samples: {"samples": tuple(samples)})
    )
    return wire.Publish(
        draw(ADDRESSES),
        signal=draw(st.sampled_from(wire.SignalType)),
        timestamp=draw(maybe(U64)),
        id=draw(maybe(U32)),
        phase=draw(st.sampled_from(wire.GesturePhase)),
        rate=draw(maybe(U32)),
        **content,
    )


TOKENS = maybe(TEXT.filter(bool))
BY_TYPE = {
    wire.Hello: st.builds(wire.Hello, TEXT, FEATURES, TOKENS, U8),
    wire.Welcome: st.builds(wire.Welcome, TEXT, TEXT, U64, FEATURES, TOKENS, U8),
    wire.Announce: st.builds(wire.Announce, TEXT, definitions(maybe(META))),
    wire.FederationSync: st.builds(
        wire.FederationSync,
        st.sampled_from(wire.FederationOp),
        st.lists(PATTERNS, max_size=3).map(tuple),
        st.dictionaries(TEXT, U64, max_size=3),
        maybe(U64),
        maybe(TEXT),
    ),
    wire.Subscribe: st.builds(
        wire.Subscribe,
        U32,
        PATTERNS,
        TYPES,
        st.builds(wire.SubscribeOptions, maybe(U32), maybe(FLOATS), maybe(U32), maybe(U32)),
    ),
    wire.Unsubscribe: st.builds(wire.Unsubscribe, U32),
    wire.Publish: publishes(),
    wire.Set: st.builds(wire.Set, ADDRESSES, VALUES, maybe(U64), st.booleans(), st.booleans(), maybe(TTLS)),
    wire.Get: st.builds(wire.Get, ADDRESSES),
    wire.Snapshot: st.builds(wire.Snapshot, st.lists(PARAMS, max_size=3).map(tuple)),
    wire.Replay: st.builds(wire.Replay, PATTERNS, maybe(U64), maybe(U64), maybe(U32), TYPES),
    wire.Sync: st.builds(wire.Sync, U64, maybe(U64), maybe(U64)),
    wire.Ping: st.just(wire.Ping()),
    wire.Pong: st.just(wire.Pong()),
    wire.Ack: st.builds(wire.Ack, maybe(TEXT), maybe(U64), maybe(st.booleans()), maybe(TEXT), maybe(U32)),
    wire.Error: st.builds(wire.Error, U16, TEXT, maybe(TEXT), maybe(U32)),
    wire.Query: st.builds(wire.Query, PATTERNS),
    wire.Result: st.builds(wire.Result, definitions(st.none())),
}
BY_TYPE[wire.Bundle] = st.builds(
    wire.Bundle,
    st.recursive(
        st.one_of(*BY_TYPE.values()),
        lambda inner: st.builds(wire.Bundle, st.lists(inner, max_size=2).map(tuple), maybe(U64)),
        max_leaves=4,
    ).map(lambda message: (message,)),
    maybe(U64),
)
MESSAGES = st.one_of(*BY_TYPE.values())

FRAMES = st.builds(
    wire.Frame,
    st.binary(max_size=40),
    st.sampled_from(wire.QoS),
    maybe(U64),
    st.booleans(),
    st.booleans(),
    st.integers(0, 7),
)

SIGNALS = st.one_of(
    st.builds(wire.Offer, TEXT, TEXT, TEXT),
    st.builds(wire.Answer, TEXT, TEXT, TEXT),
    st.builds(wire.IceCandidate, TEXT, TEXT, TEXT),
    st.builds(wire.ConnectedSignal, TEXT, TEXT),
    st.builds(wire.DisconnectedSignal, TEXT, TEXT, maybe(TEXT)),
)
ANNOUNCEMENTS = st.builds(wire.Announcement, TEXT, st.booleans(), st.lists(TEXT, max_size=3).map(tuple))
