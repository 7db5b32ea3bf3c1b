"""STUN and TURN servers that refuse, redirect or are absent, and what credentials may contain."""

from __future__ import annotations

from clasp_e2e.p2p_types import P2PConfig
from clasp_e2e.testbed import StunServer, UnconnectedPair, attach_with_turn, both_connect, expect, requirement

NOBODY = ("127.0.0.1", 9)

USER_MARK = "1999999999:50% o'/$&é ü@host?x=1#"
"""The beginning of user names: with a time, as in those that a web service makes for a short period."""
PASSWORD = 'p@ss:w/o%rd "$1" +=&?#\\ äß'  # noqa: S105 - of servers that end with their scenario


async def expect_connection_with(unconnected: UnconnectedPair, server: StunServer) -> None:
    """Require a direct connection if `server` is the subject's only STUN server."""
    pair = await unconnected.attach(**{unconnected.subject: P2PConfig(ice_servers=(server.url,))})
    await both_connect(pair.offerer, pair.answerer, within=max(pair.connect_limit, pair.offerer.timeout))
    await pair.wait_until_established()


@requirement("ICE-2", waits=True)
async def test_a_stun_server_that_refuses_does_not_prevent_a_connection(unconnected: UnconnectedPair) -> None:
    """With a STUN server that answers 500, two peers with a direct path connect in time."""
    server = await unconnected.testbed.open_stun_server(refusal=500)
    await expect_connection_with(unconnected, server)


@requirement("ICE-2", waits=True)
async def test_a_stun_server_without_understanding_prevents_no_connection(
    unconnected: UnconnectedPair,
) -> None:
    """With a STUN server that answers 400, two peers with a direct path connect in time."""
    server = await unconnected.testbed.open_stun_server(refusal=400)
    await expect_connection_with(unconnected, server)


@requirement("ICE-2", waits=True)
async def test_a_stun_server_that_redirects_does_not_prevent_a_connection(
    unconnected: UnconnectedPair,
) -> None:
    """With a STUN server that redirects to an absent one, two peers with a direct path connect in time."""
    server = await unconnected.testbed.open_stun_server(refusal=300, alternate=NOBODY)
    await expect_connection_with(unconnected, server)


@requirement("ICE-8", waits=True)
async def test_turn_credentials_may_contain_any_character(unconnected: UnconnectedPair) -> None:
    """A TURN server with special characters in user names and passwords carries the connection."""
    pair = await attach_with_turn(unconnected, mark=USER_MARK, secret=PASSWORD)
    await pair.exchange_through_the_relay()


@requirement("ICE-8", waits=True)
async def test_a_stale_nonce_is_replaced(unconnected: UnconnectedPair) -> None:
    """A TURN server whose nonce becomes stale with the allocation carries the connection."""
    pair = await attach_with_turn(unconnected, changes_nonce=True)
    await pair.exchange_through_the_relay()


@requirement("ICE-9", waits=True)
async def test_a_turn_server_after_a_silent_one_is_used(unconnected: UnconnectedPair) -> None:
    """A TURN server that follows one that never answers carries the connection."""
    silent = await unconnected.testbed.open_stun_server(answers=False)
    pair = await attach_with_turn(unconnected, before=silent)
    await pair.exchange_through_the_relay()


@requirement("ICE-9", waits=True)
async def test_a_turn_server_after_one_that_fails_is_used(unconnected: UnconnectedPair) -> None:
    """A TURN server that follows one that answers 500 carries the connection."""
    failing = await unconnected.testbed.open_stun_server(refusal=500)
    pair = await attach_with_turn(unconnected, before=failing)
    await pair.exchange_through_the_relay()


@requirement("ICE-9", waits=True)
async def test_a_turn_server_after_one_that_is_none_is_used(unconnected: UnconnectedPair) -> None:
    """A TURN server that follows one that answers 400, as if it knew no TURN, carries the connection."""
    failing = await unconnected.testbed.open_stun_server(refusal=400)
    pair = await attach_with_turn(unconnected, before=failing)
    await pair.exchange_through_the_relay()


@requirement("ICE-9", waits=True)
async def test_a_turn_server_after_one_that_refuses_the_credentials_is_used(
    unconnected: UnconnectedPair,
) -> None:
    """A TURN server that follows one that answers 401 to any credentials carries the connection."""
    refusing = await unconnected.testbed.open_stun_server(refusal=401)
    pair = await attach_with_turn(unconnected, before=refusing)
    await pair.exchange_through_the_relay()


@requirement("ICE-9", waits=True)
async def test_a_turn_server_after_one_that_redirects_is_used(unconnected: UnconnectedPair) -> None:
    """A TURN server that follows one that redirects to an absent one carries the connection."""
    redirecting = await unconnected.testbed.open_stun_server(refusal=300, alternate=NOBODY)
    pair = await attach_with_turn(unconnected, before=redirecting)
    await pair.exchange_through_the_relay()


@requirement("ICE-10", waits=True)
async def test_a_redirection_to_a_turn_server_is_followed(unconnected: UnconnectedPair) -> None:
    """A TURN server to which the configured one redirects carries the connection."""
    pair = await attach_with_turn(unconnected, is_redirected=True)
    await pair.exchange_through_the_relay()


@requirement("ICE-12", waits=True)
async def test_a_turn_server_over_tcp_carries_the_connection(unconnected: UnconnectedPair) -> None:
    """A TURN server that the subject reaches by TCP carries the connection, with data both ways."""
    pair = await attach_with_turn(unconnected, over="tcp")
    await pair.exchange_through_the_relay()


@requirement("ICE-13", waits=True)
async def test_a_turn_server_over_tls_carries_the_connection(unconnected: UnconnectedPair) -> None:
    """A TURN server that the subject reaches by TLS carries the connection, with data both ways."""
    pair = await attach_with_turn(unconnected, over="tls")
    await pair.exchange_through_the_relay()


async def expect_query_after(unconnected: UnconnectedPair, first: StunServer) -> None:
    """Require the second STUN server of the subject to be queried during the attempt."""
    second = await unconnected.testbed.open_stun_server()
    config = P2PConfig(ice_servers=(first.url, second.url))
    pair = await unconnected.attach(**{unconnected.subject: config})
    async with pair.connecting():
        asked = await second.asked(pair.connect_limit)
    expect(asked, "a Binding request to reach the second STUN server").is_true(second.describe())


@requirement("ICE-11", waits=True)
async def test_a_stun_server_after_a_silent_one_is_asked(unconnected: UnconnectedPair) -> None:
    """A STUN server that follows one that never answers receives a Binding request."""
    await expect_query_after(unconnected, await unconnected.testbed.open_stun_server(answers=False))


@requirement("ICE-11", waits=True)
async def test_a_stun_server_after_one_that_refuses_is_asked(unconnected: UnconnectedPair) -> None:
    """A STUN server that follows one that answers 500 receives a Binding request."""
    await expect_query_after(unconnected, await unconnected.testbed.open_stun_server(refusal=500))
