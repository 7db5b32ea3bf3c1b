"""The protocol of a TURN server: it maps datagrams and the time to effects. Pure.

It is a subset of RFC 8656: UDP to clients and peers, over IPv4, with long-term credentials (RFC 8489
section 9.2, MD5 keys). Requests for more (a family, an even port, a reservation) are granted without it.
By default, peers must have loopback addresses: the harness must not relay to other machines.
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aioice import stun
from aioice.turn import make_integrity_key

from clasp_e2e.network.stun_messages import (
    CHANNELS,
    channel_data,
    peer_addresses,
    read_channel_data,
    read_stun,
)
from clasp_e2e.network.udp_socket import Address

REALM = "clasp-e2e"
DEFAULT_LIFETIME, LONGEST_LIFETIME = 600, 3600
"""Seconds, the lifetime of an allocation (RFC 8656 section 3.2)."""
PERMISSION_LIFETIME, CHANNEL_LIFETIME = 300, 600
"""Seconds (RFC 8656 sections 9 and 12)."""
MOST_ALLOCATIONS, MOST_PEERS = 64, 64
"""Maximum numbers of simultaneous allocations, and of peers per allocation."""
_UDP = 17


@dataclass(frozen=True, slots=True)
class ToClient:
    """Send `data` from the server's own address."""

    data: bytes
    client: Address


@dataclass(frozen=True, slots=True)
class ToPeer:
    """Send `data` from the relayed address of `client`."""

    data: bytes
    client: Address
    peer: Address


@dataclass(frozen=True, slots=True)
class OpenRelay:
    """Open a socket for the allocation of `client`; `relay_opened` or `relay_refused` follows."""

    client: Address


@dataclass(frozen=True, slots=True)
class CloseRelay:
    """Close the socket of `client`'s allocation."""

    client: Address


Effect: TypeAlias = ToClient | ToPeer | OpenRelay | CloseRelay


class _Refused(Exception):
    """An error response with its code and reason (RFC 8656 section 19)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.error = (code, reason)


@dataclass(slots=True)
class _Allocation:
    """The state of one client. Times are those of the caller's clock, in seconds."""

    user: str
    transaction: bytes
    response: bytes = b""
    """The answer to the Allocate request, for its retransmissions."""
    expires: float = 0.0
    permissions: dict[str, float] = field(default_factory=dict[str, float])
    """When the permission of each IP address expires."""
    peers: dict[int, Address] = field(default_factory=dict[int, Address])
    channels: dict[Address, int] = field(default_factory=dict[Address, int])
    bound_until: dict[int, float] = field(default_factory=dict[int, float])

    def permits(self, peer: Address, now: float) -> bool:
        return self.permissions.get(peer[0], 0.0) > now

    def channel_of(self, peer: Address, now: float) -> int | None:
        channel = self.channels.get(peer)
        return channel if channel is not None and self.bound_until[channel] > now else None


class TurnCore:
    """The logic of a TURN server. `users` maps names to passwords; `now` is any monotonic clock.

    `changes_nonce`: the nonce of a client becomes stale with its allocation.
    """

    def __init__(
        self, users: Mapping[str, str], *, changes_nonce: bool = False, only_loopback: bool = True
    ) -> None:
        self._only_loopback = only_loopback
        self._changes_nonce = changes_nonce
        self._nonces: dict[Address, bytes] = {}
        self._keys = {name: make_integrity_key(name, REALM, word) for name, word in users.items()}
        self._nonce = os.urandom(8).hex().encode()
        self._allocations: dict[Address, _Allocation] = {}
        self._pending: dict[Address, tuple[stun.Message, bytes]] = {}

    def from_client(self, data: bytes, client: Address, now: float) -> list[Effect]:
        """Handle a datagram that arrived at the server's own address."""
        ended: list[Effect] = [CloseRelay(each) for each in self._expire(now)]
        if (channel_message := read_channel_data(data)) is not None:
            return ended + self._send_on_channel(channel_message, client, now)
        message = read_stun(data)
        if message is None:
            return ended
        if message.message_class is stun.Class.INDICATION:
            return ended + self._send(message, client, now)
        if message.message_class is not stun.Class.REQUEST:
            return ended
        if message.message_method is stun.Method.BINDING:
            return [*ended, ToClient(_response(message, None, {"XOR-MAPPED-ADDRESS": client}), client)]
        return ended + self._answer(message, data, client, now)

    def from_peer(self, data: bytes, client: Address, peer: Address, now: float) -> list[Effect]:
        """Handle a datagram of `peer` that arrived at the relayed address of `client`."""
        allocation = self._allocations.get(client)
        if allocation is None or not allocation.permits(peer, now):
            return []
        channel = allocation.channel_of(peer, now)
        if channel is not None:
            return [ToClient(channel_data(channel, data), client)]
        indication = stun.Message(stun.Method.DATA, stun.Class.INDICATION)
        indication.attributes = {"XOR-PEER-ADDRESS": peer, "DATA": data}
        return [ToClient(bytes(indication), client)]

    def client_left(self, client: Address) -> list[Effect]:
        """End the allocation of a client whose TCP connection has ended."""
        self._pending.pop(client, None)
        return [] if self._allocations.pop(client, None) is None else [CloseRelay(client)]

    def relay_opened(self, client: Address, relayed: Address, now: float) -> list[Effect]:
        """Complete an allocation, whose socket has the address `relayed`."""
        request, key = self._pending.pop(client)
        lifetime = _lifetime(request)
        response = _response(
            request,
            key,
            {"XOR-RELAYED-ADDRESS": relayed, "LIFETIME": lifetime, "XOR-MAPPED-ADDRESS": client},
        )
        user = request.attributes["USERNAME"]
        self._allocations[client] = _Allocation(user, request.transaction_id, response, now + lifetime)
        if self._changes_nonce:
            self._nonces[client] = os.urandom(8).hex().encode()
        return [ToClient(response, client)]

    def relay_refused(self, client: Address) -> list[Effect]:
        """Refuse an allocation, because no socket is available."""
        request, key = self._pending.pop(client)
        return [ToClient(_error(request, key, (508, "Insufficient Capacity")), client)]

    def _expire(self, now: float) -> list[Address]:
        ended = [client for client, one in self._allocations.items() if one.expires <= now]
        for client in ended:
            del self._allocations[client]
        return ended

    # Requests

    def _answer(self, request: stun.Message, data: bytes, client: Address, now: float) -> list[Effect]:
        nonce = self._nonces.get(client, self._nonce)
        try:
            key = self._key_of(request, nonce)
        except _Refused as refused:
            asked = {"REALM": REALM, "NONCE": nonce} if refused.error[0] in (401, 438) else {}
            return [ToClient(_error(request, None, refused.error, asked), client)]
        allocation = self._allocations.get(client)
        try:
            if request.message_method is stun.Method.ALLOCATE:
                return self._allocate(request, key, client)
            if allocation is None:
                raise _Refused(437, "Allocation Mismatch")
            if allocation.user != request.attributes["USERNAME"]:
                raise _Refused(441, "Wrong Credentials")
            match request.message_method:
                case stun.Method.REFRESH:
                    return self._refresh(request, key, client, allocation, now)
                case stun.Method.CREATE_PERMISSION:
                    self._permit(allocation, peer_addresses(data), now)
                case stun.Method.CHANNEL_BIND:
                    self._bind(allocation, request, peer_addresses(data), now)
                case _:
                    raise _Refused(400, "Bad Request")
        except _Refused as refused:
            return [ToClient(_error(request, key, refused.error), client)]
        return [ToClient(_response(request, key, {}), client)]

    def _key_of(self, request: stun.Message, nonce: bytes) -> bytes:
        """Return the key of the user that sent `request` (RFC 8489 section 9.2.4)."""
        given = request.attributes
        if "MESSAGE-INTEGRITY" not in given:
            raise _Refused(401, "Unauthenticated")
        if not {"USERNAME", "REALM", "NONCE"} <= given.keys():
            raise _Refused(400, "Bad Request")
        if given["NONCE"] != nonce:
            raise _Refused(438, "Stale Nonce")
        key = self._keys.get(given["USERNAME"])
        if key is None or not request.check_message_integrity(key):
            raise _Refused(401, "Unauthenticated")
        return key

    def _allocate(self, request: stun.Message, key: bytes, client: Address) -> list[Effect]:
        allocation = self._allocations.get(client)
        if allocation is not None:
            if allocation.transaction != request.transaction_id:
                raise _Refused(437, "Allocation Mismatch")
            return [ToClient(allocation.response, client)]
        if "REQUESTED-TRANSPORT" not in request.attributes:
            raise _Refused(400, "Bad Request")
        if request.attributes["REQUESTED-TRANSPORT"] >> 24 != _UDP:
            raise _Refused(442, "Unsupported Transport Protocol")
        if len(self._allocations) >= MOST_ALLOCATIONS:
            raise _Refused(486, "Allocation Quota Reached")
        self._pending[client] = (request, key)
        return [OpenRelay(client)]

    def _refresh(
        self, request: stun.Message, key: bytes, client: Address, allocation: _Allocation, now: float
    ) -> list[Effect]:
        lifetime = 0 if request.attributes.get("LIFETIME") == 0 else _lifetime(request)
        response = ToClient(_response(request, key, {"LIFETIME": lifetime}), client)
        if lifetime:
            allocation.expires = now + lifetime
            return [response]
        del self._allocations[client]
        return [CloseRelay(client), response]

    def _permit(self, allocation: _Allocation, peers: list[Address], now: float) -> None:
        if not peers:
            raise _Refused(400, "Bad Request")
        if not all(ipaddress.ip_address(host).version == 4 for host, _ in peers):
            raise _Refused(443, "Peer Address Family Mismatch")
        if self._only_loopback and not all(ipaddress.ip_address(host).is_loopback for host, _ in peers):
            raise _Refused(403, "Forbidden")
        hosts = {host for host, _ in peers}
        if len(allocation.permissions.keys() | hosts) > MOST_PEERS:
            raise _Refused(508, "Insufficient Capacity")
        allocation.permissions.update(dict.fromkeys(hosts, now + PERMISSION_LIFETIME))

    def _bind(self, allocation: _Allocation, request: stun.Message, peers: list[Address], now: float) -> None:
        channel: int = request.attributes.get("CHANNEL-NUMBER", 0)
        if channel not in CHANNELS or len(peers) != 1:
            raise _Refused(400, "Bad Request")
        (peer,) = peers
        if allocation.peers.get(channel, peer) != peer or allocation.channels.get(peer, channel) != channel:
            raise _Refused(400, "Bad Request")
        if peer not in allocation.channels and len(allocation.channels) >= MOST_PEERS:
            raise _Refused(508, "Insufficient Capacity")
        self._permit(allocation, peers, now)
        allocation.peers[channel], allocation.channels[peer] = peer, channel
        allocation.bound_until[channel] = now + CHANNEL_LIFETIME

    # Data

    def _send(self, indication: stun.Message, client: Address, now: float) -> list[Effect]:
        peer: Address | None = indication.attributes.get("XOR-PEER-ADDRESS")
        data: bytes | None = indication.attributes.get("DATA")
        allocation = self._allocations.get(client)
        if indication.message_method is not stun.Method.SEND or peer is None or data is None:
            return []
        if allocation is None or not allocation.permits(peer, now):
            return []
        return [ToPeer(data, client, peer)]

    def _send_on_channel(
        self, channel_message: tuple[int, bytes], client: Address, now: float
    ) -> list[Effect]:
        channel, data = channel_message
        allocation = self._allocations.get(client)
        peer = None if allocation is None else allocation.peers.get(channel)
        if allocation is None or peer is None or not allocation.permits(peer, now):
            return []
        return [] if allocation.channel_of(peer, now) is None else [ToPeer(data, client, peer)]


def _lifetime(request: stun.Message) -> int:
    asked: int = request.attributes.get("LIFETIME", DEFAULT_LIFETIME)
    return min(max(asked, DEFAULT_LIFETIME), LONGEST_LIFETIME)


def _response(request: stun.Message, key: bytes | None, attributes: dict[str, Any]) -> bytes:
    return _signed(request, stun.Class.RESPONSE, key, attributes)


def _error(
    request: stun.Message,
    key: bytes | None,
    error: tuple[int, str],
    attributes: dict[str, Any] | None = None,
) -> bytes:
    return _signed(request, stun.Class.ERROR, key, {"ERROR-CODE": error, **(attributes or {})})


def _signed(request: stun.Message, kind: stun.Class, key: bytes | None, attributes: dict[str, Any]) -> bytes:
    message = stun.Message(request.message_method, kind, request.transaction_id, attributes)
    if key is None:
        message.add_fingerprint()
    else:
        message.add_message_integrity(key)
    return bytes(message)
