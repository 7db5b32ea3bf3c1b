"""Learn the conventions of an implementation, so that a scripted partner can use them.

Two of the kind connect, relay and disconnect: this shows signals and relayed payloads. Then one connects to
a partner that signals like it: this shows channels and payloads. A partner that uses all of them has to
connect and to exchange payloads before any scripted one takes part: what was not understood
condemns nobody.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from clasp_e2e.drivers.interface import DriverFault, NotOffered, Refused
from clasp_e2e.p2p_types import Connected, P2PConfig, RoutingMode
from clasp_e2e.peer.dtls_tap import tapped
from clasp_e2e.peer.effects import RELIABLE, UNRELIABLE
from clasp_e2e.results.pairing import SCRIPTED
from clasp_e2e.scripted.adopted_conventions import (
    AdoptedConventions,
    ChannelForm,
    ChannelPair,
    PayloadForm,
)
from clasp_e2e.scripted.adopting_partner import adopting
from clasp_e2e.scripted.mutant import PeerScript, scripted_driver
from clasp_e2e.testbed.attached_client import Client, SubjectInfo
from clasp_e2e.testbed.channel_messages import ChannelMessages
from clasp_e2e.testbed.convention_forms import LARGE, Carrier
from clasp_e2e.testbed.expectations import JUDGMENT, Judgment, NoVerdict, Unmet, random_payload
from clasp_e2e.testbed.message_learning import (
    SeenAttempt,
    SeenRelay,
    Unlearned,
    learn_payloads,
    learn_relay,
    learn_signals,
)
from clasp_e2e.testbed.partner_checks import both_connect
from clasp_e2e.testbed.testbed import Participant, Testbed
from clasp_e2e.testbed.waiting import together

SMALL = 64
"""Bytes of a payload that one chunk contains, whatever is added to it."""

ROLES: tuple[str, ...] = ("offerer", "answerer")

FUTILE = "a partner with the conventions that were seen does not work"


@dataclass(frozen=True, slots=True)
class LearnedConventions:
    """What a partner in the role opposite the implementation adopts, or why there is none; by its role."""

    adopted: Mapping[str, AdoptedConventions]
    reasons: Mapping[str, str]
    are_own: bool = True
    """Whether some were seen that differ from those of the reference."""


def partner_with(
    kind: type[PeerScript], conventions: AdoptedConventions, reference: Participant
) -> Participant:
    """Return a partner with the script `kind` that uses `conventions`."""
    side = SubjectInfo(SCRIPTED, reference.side.description)
    return Participant(scripted_driver(adopting(kind, conventions)), side)


async def learn_conventions(
    subject: Participant, reference: Participant, testbed: Testbed
) -> LearnedConventions:
    """Return the conventions of `subject` that differ from those of the reference, by its role.

    Faults of the implementation do not raise an exception: other cases judge them.
    """
    token = JUDGMENT.set(Judgment(("CON-5",), random.Random(0)))
    try:
        await testbed.open()
        learner = _Learner(subject, reference, testbed)
        conventions = await learner.learn()
        if not conventions.names:
            return LearnedConventions({}, {}, are_own=False)
        checked = await together(*(learner.check(conventions, role) for role in ROLES))
        failed = {role: reason for role, reason in zip(ROLES, checked, strict=True) if reason is not None}
        return LearnedConventions({role: conventions for role in ROLES if role not in failed}, failed)
    except Unlearned as unlearned:
        return LearnedConventions({}, dict.fromkeys(ROLES, str(unlearned)))
    except (NoVerdict, Unmet, Refused, DriverFault, NotOffered) as error:
        reasons = dict.fromkeys(ROLES, f"its conventions were not seen: {error}")
        return LearnedConventions({}, reasons, are_own=False)
    finally:
        JUDGMENT.reset(token)
        await testbed.close()


class _Learner:
    def __init__(self, subject: Participant, reference: Participant, testbed: Testbed) -> None:
        self._subject = subject
        self._reference = reference
        self._testbed = testbed
        self._relays: list[SeenRelay] = []

    async def learn(self) -> AdoptedConventions:
        """Return the conventions. Raises `Unlearned` if one is not known."""
        attempts = await together(self._attempt("alice", "bob"), self._attempt("carol", "dave"))
        found = AdoptedConventions(signals=learn_signals(attempts), relay=learn_relay(self._relays))
        channels, payloads = await self._channels(found)
        return replace(found, channels=channels, payloads=payloads)

    async def _open(self, name: str, participant: Participant) -> Client:
        return await self._testbed.open_client(name, participant, P2PConfig())

    def _sent_by(self, *clients: Client, since: int = 0) -> list[tuple[str, Carrier]]:
        sessions = {client.name: client.session_id for client in clients}
        return [(sessions[who], what) for who, what in self._testbed.carriers[since:] if who in sessions]

    async def _attempt(self, one: str, other: str) -> SeenAttempt:
        """Have two of the kind connect, relay and disconnect; return their signals."""
        offerer, answerer = await together(self._open(one, self._subject), self._open(other, self._subject))
        seen = SeenAttempt(offerer.session_id, answerer.session_id)
        await both_connect(offerer, answerer)
        await together(offerer.all_is_written(), answerer.all_is_written())
        seen.connecting = self._sent_by(offerer, answerer)
        with suppress(Unmet, Refused, NotOffered):
            await self._relay(offerer, answerer)
        before = len(self._testbed.carriers)
        with suppress(Refused, NotOffered):
            await offerer.disconnect_peer(answerer)
            await together(offerer.all_is_written(), answerer.all_is_written())
            seen.ending = self._sent_by(offerer, answerer, since=before)
        return seen

    async def _relay(self, sender: Client, receiver: Client) -> None:
        await sender.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
        for reliable, size in ((True, 2 * LARGE), (False, SMALL)):
            payload, before = random_payload(size), len(self._testbed.carriers)
            await sender.send_p2p(receiver, payload, reliable=reliable)
            await sender.all_is_written()
            messages = tuple(what for _, what in self._sent_by(sender, since=before))
            self._relays.append(
                SeenRelay(sender.session_id, receiver.session_id, payload, reliable, messages)
            )

    async def _channels(self, known: AdoptedConventions) -> tuple[ChannelPair | None, PayloadForm | None]:
        """Have one of the kind connect to a partner that signals like it, and send."""
        tap = ChannelMessages()
        with tapped(tap):
            partner = await self._open("listener", partner_with(PeerScript, known, self._reference))
        sender = await self._open("erin", self._subject)
        async with sender.connecting_to(partner):
            await sender.wait_for(Connected, partner, within=sender.attempt_limit)
        streams: dict[bool, int] = {}
        samples: list[tuple[bytes, bytes]] = []
        for reliable in (True, False, True, False):
            payload = random_payload(SMALL)
            # A send may wait for an acknowledgement in a form that the partner does not know.
            sending = asyncio.create_task(sender.send_p2p(partner, payload, reliable=reliable))
            try:
                stream, message = await tap.message_with(payload, self._testbed.patience.event)
            except TimeoutError:
                break
            finally:
                await asyncio.wait({sending}, timeout=self._testbed.patience.event / 5)
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            streams[reliable] = stream
            samples.append((payload, message))
        return _channel_pair(tap, streams), learn_payloads(samples)

    async def check(self, conventions: AdoptedConventions, role: str) -> str | None:
        """Return why a partner with `conventions` does not work opposite the kind in `role`, or None."""
        partner, subject = await together(
            self._open(f"partner of {role}", partner_with(PeerScript, conventions, self._reference)),
            self._open(role, self._subject),
        )
        offerer, answerer = (subject, partner) if role == "offerer" else (partner, subject)
        try:
            await both_connect(offerer, answerer)
            for sender, receiver in ((offerer, answerer), (answerer, offerer)):
                payload = random_payload()
                await sender.send_p2p(receiver, payload)
                if not await receiver.receives_all([payload], within=self._testbed.patience.event):
                    return f"{FUTILE}: a payload of the {sender.name} did not arrive"
        except (NoVerdict, Unmet, Refused) as error:
            return f"{FUTILE}: {error}"
        return None


def _channel_pair(tap: ChannelMessages, streams: Mapping[bool, int]) -> ChannelPair | None:
    """Return the channels that the partner of `tap` uses; None if they are those of the reference."""
    forms: dict[bool, ChannelForm] = {}
    for is_reliable, spec in ((True, RELIABLE), (False, UNRELIABLE)):
        opened = [each for each in tap.opened if each.is_reliable == is_reliable]
        used = [each for each in opened if each.stream == streams.get(is_reliable)]
        if used or opened:
            channel = (used or opened)[0]
            forms[is_reliable] = ChannelForm(channel.label, channel.protocol)
        elif is_reliable in streams and not tap.opened:
            forms[is_reliable] = ChannelForm(spec.label, stream=streams[is_reliable])
        else:
            forms[is_reliable] = ChannelForm(spec.label)
    pair = ChannelPair(forms[True], forms[False])
    if (pair.reliable.stream is None) != (pair.unreliable.stream is None):
        raise Unlearned("the streams of its channels are not known")
    is_of_the_reference = pair == ChannelPair(ChannelForm(RELIABLE.label), ChannelForm(UNRELIABLE.label))
    return None if is_of_the_reference else pair
