"""The CLASP wire format: frames, values, messages, addresses and signals. No I/O."""

from clasp_e2e.wire.addresses import check_address as check_address, check_pattern as check_pattern
from clasp_e2e.wire.addresses import matches as matches
from clasp_e2e.wire.codec import decode as decode, decode_message as decode_message
from clasp_e2e.wire.codec import default_qos as default_qos, encode as encode
from clasp_e2e.wire.codec import encode_message as encode_message
from clasp_e2e.wire.errors import WireError as WireError
from clasp_e2e.wire.frame import Frame as Frame, MAX_PAYLOAD as MAX_PAYLOAD, QoS as QoS
from clasp_e2e.wire.frame import decode_frame as decode_frame, encode_frame as encode_frame
from clasp_e2e.wire.frame import split_frames as split_frames
from clasp_e2e.wire.messages import Ack as Ack, Announce as Announce, Bundle as Bundle, Error as Error
from clasp_e2e.wire.messages import FederationOp as FederationOp, FederationSync as FederationSync
from clasp_e2e.wire.messages import GesturePhase as GesturePhase, Get as Get, Hello as Hello
from clasp_e2e.wire.messages import Message as Message, Param as Param, Ping as Ping, Pong as Pong
from clasp_e2e.wire.messages import Publish as Publish, Query as Query, Replay as Replay, Result as Result
from clasp_e2e.wire.messages import Set as Set, SignalDefinition as SignalDefinition, SignalMeta as SignalMeta
from clasp_e2e.wire.messages import SignalType as SignalType, Snapshot as Snapshot, Subscribe as Subscribe
from clasp_e2e.wire.messages import SubscribeOptions as SubscribeOptions, Sync as Sync, Ttl as Ttl
from clasp_e2e.wire.messages import TtlMode as TtlMode, Unsubscribe as Unsubscribe, Value as Value
from clasp_e2e.wire.messages import Welcome as Welcome, unbundled as unbundled
from clasp_e2e.wire.signals import ANNOUNCE_ADDRESS as ANNOUNCE_ADDRESS, Announcement as Announcement
from clasp_e2e.wire.signals import Answer as Answer, ConnectedSignal as ConnectedSignal
from clasp_e2e.wire.signals import DisconnectedSignal as DisconnectedSignal, IceCandidate as IceCandidate
from clasp_e2e.wire.signals import Offer as Offer, SIGNAL_PREFIX as SIGNAL_PREFIX, Signal as Signal
from clasp_e2e.wire.signals import decode_announcement as decode_announcement, decode_signal as decode_signal
from clasp_e2e.wire.signals import encode_announcement as encode_announcement, encode_signal as encode_signal
from clasp_e2e.wire.signals import signal_address as signal_address, signal_target as signal_target
