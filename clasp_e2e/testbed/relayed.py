"""A pair of peers whose only path is through a TURN server."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from clasp_e2e.drivers.interface import Refused
from clasp_e2e.lab import is_entered
from clasp_e2e.network import LabSwitchboard, ObservedTurnServer, StunServer
from clasp_e2e.p2p_types import Connected, ConnectionFailed, P2PConfig, TurnServer
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import Absent, Unmet, Unobserved, random_payload
from clasp_e2e.testbed.fixtures import PeerPair, UnconnectedPair

SECRET = "on-loopback-alone"  # noqa: S105 - of servers that end with their scenario

NAMES = ("alice", "bob")

TurnTransport: TypeAlias = Literal["udp", "tcp", "tls"]
"""By what the subject reaches its TURN server."""


class RelayedPair(PeerPair):
    """A pair whose direct path is through the TURN server, where it is measured.

    Only relay candidates are delivered, and the server forwards only between relayed addresses: all
    data passes it twice.
    """

    def __init__(
        self, pair: PeerPair, subject: str, server: ObservedTurnServer, mark: str, over: TurnTransport
    ) -> None:
        super().__init__(pair.testbed, pair.offerer, pair.answerer, subject, pair.newcomers)
        self._server = server
        self._seen = server.allocations
        self._mark = mark
        self._over = over

    @property
    def is_connected_unseen(self) -> bool:
        """Whether the peers are connected, perhaps not by the TURN server, even if that carried checks.

        Candidates can be kept to relayed ones only in signals that are read.
        """
        is_unread = self.testbed.switchboard.unreadable(self.offerer.name, self.answerer.name) is not None
        return is_unread and all(client.events(Connected, self.other(client)) for client in self)

    def _describe(self) -> str:
        seen = self._seen.describe(self._mark + each.name for each in self)
        if self._over != "tls":
            return seen
        did = " and ".join(session.describe() for session in self._server.tls_sessions)
        return f"{seen}; at its port for TLS {self.subject.name} {did or 'opened no connection'}"

    @contextmanager
    def _excusing_a_refused_certificate(self) -> Generator[None]:
        """Make it unobserved if the subject failed because it does not trust the certificate for TLS."""
        try:
            yield
        except (Unmet, Refused) as error:
            if (excuse := self._excuse()) is not None:
                raise Unobserved(excuse) from error
            raise

    def _excuse(self) -> str | None:
        """Return why a failure of the subject with its `turns` URL is its own decision, or None."""
        sessions, name = self._server.tls_sessions, self.subject.name
        refusals = [session.refusal for session in sessions if session.refusal is not None]
        if refusals and not any(session.has_read for session in sessions):
            return (
                f"{name} refused the certificate of the TURN server ({refusals[0]}); to be judged, it must "
                "trust the authorities in the file that the environment variable SSL_CERT_FILE names"
            )
        if self._over == "tls" and not sessions and is_entered():
            return (
                f"{name} opened no connection for TLS; some clients do that only to a host name, which the "
                "lab cannot resolve; judge it on the link"
            )
        return None

    async def connect_through_the_relay(self) -> None:
        """Connect both peers; unmet, with what the TURN server saw, if one does not receive Connected."""
        with self._excusing_a_refused_certificate():
            await self._connect()

    async def _connect(self) -> None:
        async with self.connecting():
            for client, other in ((self.offerer, self.answerer), (self.answerer, self.offerer)):
                try:
                    await client.wait_for(
                        Connected, other, within=self.connect_limit, unless=ConnectionFailed
                    )
                except Unmet as unmet:
                    raise Absent(
                        f"{client.name} to receive Connected, the configured TURN server being the only path",
                        f"{unmet.seen}; {self._describe()}",
                    ) from None
        self.testbed.timeline.note("harness", f"saw {self._describe()}")

    async def exchange_through_the_relay(self) -> None:
        """Connect both peers, and require a reliable payload in each direction to pass the TURN server."""
        await self.connect_through_the_relay()
        for sender, receiver in ((self.subject, self.partner), (self.partner, self.subject)):
            async with self.path_of(sender, payload := random_payload()) as path:
                await sender.send_p2p(receiver, payload)
                await receiver.receives(payload, within=self.patience.retransmission)
            path.took_the_direct_path()

    def sent_directly(self, sender: Client, receiver: Client) -> int:  # noqa: ARG002 - seen at the receiver
        """Return the bytes that the TURN server has relayed to `receiver`."""
        return self._seen.received(self._mark + receiver.name)


async def attach_with_turn(
    unconnected: UnconnectedPair,
    *,
    mark: str = "",
    secret: str = SECRET,
    changes_nonce: bool = False,
    before: StunServer | None = None,
    is_redirected: bool = False,
    over: TurnTransport = "udp",
) -> RelayedPair:
    """Attach both peers, each with its own TURN credentials, and drop all candidates that are not relayed.

    `mark` precedes the user names. `before` is a server that is configured before the TURN server of the
    subject. If `is_redirected`, the subject is configured with a server that redirects to the TURN server.
    The subject reaches its server only `over` that transport. Not offered unless both declare `turn`.
    """
    testbed = unconnected.testbed
    server = await testbed.open_turn_server(
        {mark + name: secret for name in NAMES},
        embedded=bool(mark) or changes_nonce or over != "udp",
        changes_nonce=changes_nonce,
    )
    urls = [before.turn_url, server.url] if before is not None else [server.url]
    if is_redirected:
        urls = [(await testbed.open_stun_server(refusal=300, alternate=server.address)).turn_url]
    if over != "udp":
        urls = [server.tcp_url] if over == "tcp" else [*server.tls_urls]
    configs = [
        P2PConfig(
            turn_servers=tuple(
                TurnServer(url, mark + name, secret)
                for url in (urls if role == unconnected.subject else [server.url])
            )
        )
        for name, role in zip(NAMES, ("offerer", "answerer"), strict=True)
    ]
    pair = await unconnected.attach(*configs)
    for client in pair:
        client.needs("turn")
    pair.link.relay_only()
    if over != "udp" and isinstance(testbed.switchboard, LabSwitchboard):
        pair.host(pair.subject).blocks_udp = True
    return RelayedPair(pair, unconnected.subject, server, mark, over)
