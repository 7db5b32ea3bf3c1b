"""What is required of a pair whose partner misbehaves, and of the subject beside it."""

from contextlib import suppress

from clasp_e2e.drivers.interface import Refused
from clasp_e2e.p2p_types import Connected, P2PConfig
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import Unmet, Unobserved, precondition, random_payload
from clasp_e2e.testbed.fixtures import PeerPair


async def connects(pair: PeerPair) -> None:
    """Require the two to connect: both are told, and a message arrives each way.

    Unobserved if they do not, and the subject's description came without a way to reach it: whatever
    the scenario is about, it is not to blame.
    """
    await pair.offerer.connect_to_peer(pair.answerer)
    try:
        await _both_connect(pair, pair.offerer, pair.answerer)
    except Unmet as unmet:
        described = any(attempt.description_of(pair.subject.name) for attempt in pair.attempts)
        if described and pair.subject.name in pair.without_candidates():
            raise Unobserved(f"{pair.subject.name} has offered no candidate, and so: {unmet}") from unmet
        raise


async def carries_data_directly(pair: PeerPair) -> None:
    """Require a reliable message each way to arrive, and to take the direct path."""
    for sender, receiver in ((pair.partner, pair.subject), (pair.subject, pair.partner)):
        payload = random_payload()
        async with pair.path_of(sender, payload) as path:
            await sender.send_p2p(receiver, payload)
            await receiver.receives(payload, within=pair.patience.retransmission)
        path.took_the_direct_path()


async def prompt_partner(pair: PeerPair) -> None:
    """Send the partner a message: a partner with a script has then done its deed."""
    prompt = random_payload(64)
    with precondition("CON-6"):
        await pair.subject.send_p2p(pair.partner, prompt)
        await pair.partner.receives(prompt)


async def all_has_come_or_is_lost(pair: PeerPair) -> None:
    """Wait until the subject has all that the partner sent it reliably, or could have had it.

    A message behind it shows that, on the channel or, where that has broken, through the router.
    """
    await pair.testbed.last_signal_delivered(pair.partner, pair.subject)
    await pair.subject.all_is_written()
    behind = random_payload(64)
    with suppress(Refused, Unmet):
        await pair.partner.send_p2p(pair.subject, behind)
        await pair.subject.receives(behind, within=pair.patience.retransmission)


async def subject_lives_on(pair: PeerPair) -> None:
    """Require the subject to be of use to others: a newcomer connects to it, and messages pass.

    The newcomer is the reference.
    """
    if pair.newcomers is None:
        raise RuntimeError("there is no reference among the participants to come anew")
    newcomer = await pair.testbed.open_client("newcomer", pair.newcomers, P2PConfig())
    await newcomer.connect_to_peer(pair.subject)
    await _both_connect(pair, newcomer, pair.subject)


async def _both_connect(pair: PeerPair, one: Client, other: Client) -> None:
    for client, opposite in ((one, other), (other, one)):
        await client.wait_for(Connected, opposite, within=pair.patience.connect)
    for sender, receiver in ((one, other), (other, one)):
        payload = random_payload(64)
        await sender.send_p2p(receiver, payload)
        await receiver.receives(payload, within=pair.patience.retransmission)
