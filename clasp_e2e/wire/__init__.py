"""CLASP on the wire: frames, values, messages, addresses and signals. Bytes in, bytes out, no I/O."""

from __future__ import annotations

from clasp_e2e.wire.addresses import (
    check_address as check_address,
    check_pattern as check_pattern,
    matches as matches,
)
from clasp_e2e.wire.codec import (
    decode as decode,
    decode_message as decode_message,
    default_qos as default_qos,
    encode as encode,
    encode_message as encode_message,
)
from clasp_e2e.wire.errors import WireError as WireError
from clasp_e2e.wire.frame import (
    MAX_PAYLOAD as MAX_PAYLOAD,
    Frame as Frame,
    QoS as QoS,
    decode_frame as decode_frame,
    encode_frame as encode_frame,
)
from clasp_e2e.wire.messages import (
    Ack as Ack,
    Announce as Announce,
    Bundle as Bundle,
    Error as Error,
    FederationOp as FederationOp,
    FederationSync as FederationSync,
    GesturePhase as GesturePhase,
    Get as Get,
    Hello as Hello,
    Message as Message,
    Param as Param,
    Ping as Ping,
    Pong as Pong,
    Publish as Publish,
    Query as Query,
    Replay as Replay,
    Result as Result,
    Set as Set,
    SignalDefinition as SignalDefinition,
    SignalMeta as SignalMeta,
    SignalType as SignalType,
    Snapshot as Snapshot,
    Subscribe as Subscribe,
    SubscribeOptions as SubscribeOptions,
    Sync as Sync,
    Ttl as Ttl,
    TtlMode as TtlMode,
    Unsubscribe as Unsubscribe,
    Value as Value,
    Welcome as Welcome,
)
from clasp_e2e.wire.signals import (
    ANNOUNCE_ADDRESS as ANNOUNCE_ADDRESS,
    SIGNAL_PREFIX as SIGNAL_PREFIX,
    Announcement as Announcement,
    Answer as Answer,
    ConnectedSignal as ConnectedSignal,
    DisconnectedSignal as DisconnectedSignal,
    IceCandidate as IceCandidate,
    Offer as Offer,
    Signal as Signal,
    decode_announcement as decode_announcement,
    decode_signal as decode_signal,
    encode_announcement as encode_announcement,
    encode_signal as encode_signal,
    signal_address as signal_address,
    signal_target as signal_target,
)
