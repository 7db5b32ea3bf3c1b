"""Requirements on a pair whose partner misbehaves, and on its subject."""

from collections.abc import Mapping
from contextlib import suppress

from clasp_e2e.drivers.interface import Refused
from clasp_e2e.p2p_types import Connected, ConnectionFailed, P2PConfig
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.expectations import Unmet, Unobserved, precondition, random_payload
from clasp_e2e.testbed.fixtures import PeerPair


async def connects(pair: PeerPair) -> None:
    """Require both peers to connect: each receives Connected, and a message arrives in each direction.

    Unobserved if they do not connect and the subject offered no candidate: the cause is then unrelated
    to the scenario.
    """
    try:
        await _both_connect(pair, pair.offerer, pair.answerer)
    except Unmet as unmet:
        described = any(attempt.description_of(pair.subject.name) for attempt in pair.attempts)
        if described and pair.subject.name in pair.without_candidates():
            raise Unobserved(f"{pair.subject.name} offered no candidate, therefore: {unmet}") from unmet
        raise


async def both_connect(
    one: Client, other: Client, *, within: float | None = None, since: Mapping[Client, int] | None = None
) -> None:
    """Have `one` connect to `other`, and require both to receive Connected in the time of the attempt.

    `since` has the mark of each from which a Connected counts, by default that of now.
    """
    limit = one.attempt_limit if within is None else within
    marks = {one: one.mark(), other: other.mark()} if since is None else since
    async with one.connecting_to(other):
        for client, opposite in ((one, other), (other, one)):
            await client.wait_for(
                Connected, opposite, within=limit, since=marks[client], unless=ConnectionFailed
            )


async def carries_data_directly(pair: PeerPair) -> None:
    """Require a reliable message in each direction to arrive on the direct path."""
    for sender, receiver in ((pair.partner, pair.subject), (pair.subject, pair.partner)):
        payload = random_payload()
        async with pair.path_of(sender, payload) as path:
            await sender.send_p2p(receiver, payload)
            await receiver.receives(payload, within=pair.patience.retransmission)
        path.took_the_direct_path()


async def prompt_partner(pair: PeerPair) -> None:
    """Send the partner a message: when it arrives, a scripted partner has run its script."""
    prompt = random_payload(64)
    with precondition("CON-6"):
        await pair.subject.send_p2p(pair.partner, prompt)
        await pair.partner.receives(prompt)


async def all_has_come_or_is_lost(pair: PeerPair) -> None:
    """Wait until the partner's reliable messages have arrived at the subject, or cannot arrive any more.

    A further message, on the channel or (if that is broken) through the router, proves it.
    """
    await pair.testbed.last_signal_delivered(pair.partner, pair.subject)
    await pair.subject.all_is_written()
    behind = random_payload(64)
    with suppress(Refused, Unmet):
        await pair.partner.send_p2p(pair.subject, behind)
        await pair.subject.receives(behind, within=pair.patience.retransmission)


async def subject_still_works(pair: PeerPair) -> None:
    """Require the subject to keep working: a new client (the reference) connects to it, and messages pass."""
    if pair.newcomers is None:
        raise RuntimeError("the reference does not take part, so no new client can be opened")
    newcomer = await pair.testbed.open_client("newcomer", pair.newcomers, P2PConfig())
    await _both_connect(pair, newcomer, pair.subject)


async def _both_connect(pair: PeerPair, one: Client, other: Client) -> None:
    await both_connect(one, other)
    for sender, receiver in ((one, other), (other, one)):
        payload = random_payload(64)
        await sender.send_p2p(receiver, payload)
        await receiver.receives(payload, within=pair.patience.retransmission)
