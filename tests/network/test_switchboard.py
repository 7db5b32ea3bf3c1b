from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from clasp_e2e import wire
from clasp_e2e.network import SessionDescription, Side, Switchboard

from . import samples
from .sockets import PATIENCE, Peer

HOST = "candidate:1 1 udp 2122260223 127.0.0.1 {} typ host"


def sdp(ufrag: str, setup: str, port: int | None = None, candidates: int = 1) -> str:
    lines = [
        "v=0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        f"a=ice-ufrag:{ufrag}",
        f"a=setup:{setup}",
    ]
    if port is not None:
        lines += [f"a={HOST.format(port + number)}" for number in range(candidates)]
    return "\r\n".join(lines) + "\r\n"


class World:
    """A switchboard between legs whose router hands everything on at once."""

    def __init__(self) -> None:
        self.conditions: list[str] = []
        self.board = Switchboard(self.conditions.append)

    def up(self, sender: str, **value: wire.Value) -> wire.Message:
        message = wire.Publish("/clasp/p2p/signal/x", dict(value))
        self.board.observe(sender, "up", message)
        return message

    def down(self, receiver: str, message: wire.Message) -> dict[str, wire.Value] | None:
        data = wire.encode(message, qos=wire.QoS.COMMIT, timestamp=5)
        self.board.observe(receiver, "down", message)
        got = self.board.rewrite_down(receiver, message, data)
        if got is None:
            return None
        decoded, frame = wire.decode(got)
        assert (frame.qos, frame.timestamp) == (wire.QoS.COMMIT, 5)
        assert isinstance(decoded, wire.Publish)
        assert isinstance(decoded.value, dict)
        return decoded.value

    def send(self, sender: str, receiver: str, **value: wire.Value) -> dict[str, wire.Value] | None:
        return self.down(receiver, self.up(sender, **value))


def address_in(value: dict[str, wire.Value] | None) -> tuple[str, int]:
    found = re.findall(r"candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", str(value))
    assert len(found) == 1
    return found[0][0], int(found[0][1])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    world.board.close()
    world.board.close()


async def test_offer_and_answer_share_a_link(world: World) -> None:
    offer = sdp("aaaa", "actpass", 1111, candidates=3)
    to_bob = world.send("alice", "bob", type="offer", correlation_id="c-1", sdp=offer)
    answer = sdp("bbbb", "active", 2222)
    to_alice = world.send("bob", "alice", type="answer", correlation_id="c-1", sdp=answer)
    (attempt,) = world.board.attempts_between("bob", "alice")
    assert (attempt.offerer, attempt.answerer) == ("alice", "bob")
    assert attempt.offer is not None
    assert attempt.answer is not None
    assert (attempt.offer.sdp, attempt.answer.sdp) == (offer, answer)
    assert address_in(to_bob) == attempt.link.address_for(world.board.pair("alice", "bob").side("bob"))
    assert address_in(to_alice) == attempt.link.address_for(world.board.pair("alice", "bob").side("alice"))
    assert attempt.link.peer_address(world.board.pair("alice", "bob").side("alice")) == ("127.0.0.1", 1111)
    assert attempt.offer.delivered_at is not None
    assert attempt.offer.sent_at <= attempt.offer.delivered_at
    assert len(attempt.candidates["alice"]) == 3
    assert world.board.unreadable("alice", "bob") is None


async def test_offer_that_chooses_a_dtls_role_is_known_by_its_signal(world: World) -> None:
    world.send("alice", "bob", type="offer", correlation_id="c-1", sdp=sdp("aaaa", "active", 1111))
    world.send("bob", "alice", type="answer", correlation_id="c-1", sdp=sdp("bbbb", "passive", 2222))
    [attempt] = world.board.attempts_between("alice", "bob")
    assert (attempt.offerer, attempt.answerer) == ("alice", "bob")
    assert attempt.answer is not None


async def test_candidates_count_once_whether_delivered_or_not(world: World) -> None:
    assert world.board.candidates_from("alice") == []
    world.up("alice", sdp=sdp("aaaa", "actpass", 1111))
    world.up("alice", candidate=HOST.format(1111))
    world.up("alice", candidate=HOST.format(1112))
    world.up("bob", sdp=sdp("bbbb", "active"))
    assert [each.port for each in world.board.candidates_from("alice")] == [1111, 1112]
    assert world.board.candidates_from("bob") == []
    world.board.forget("alice")
    assert world.board.candidates_from("alice") == []


async def test_message_without_ice_passes_unchanged(world: World) -> None:
    message = world.up("alice", payload="v=0 is not enough")
    data = b"\x53 anything: it is not read"
    assert world.board.rewrite_down("bob", message, data) is data


async def test_sender_without_a_leg_passes_untouched(world: World) -> None:
    message = wire.Publish("/s", {"sdp": samples.AIORTC, "more": samples.HOST})
    data = wire.encode(message)
    assert world.board.rewrite_down("bob", message, data) is data
    candidate = wire.Publish("/s", {"candidate": samples.HOST})
    data = wire.encode(candidate)
    assert world.board.rewrite_down("bob", candidate, data) is data


async def test_signal_to_its_sender_passes_unchanged(world: World) -> None:
    offer = sdp("aaaa", "actpass", 1111)
    assert world.send("alice", "alice", sdp=offer) == {"sdp": offer}


async def test_trickled_candidates_name_the_link_once(world: World) -> None:
    world.send("alice", "bob", id="c-1", sdp=sdp("aaaa", "actpass"))
    first = world.send("alice", "bob", id="c-1", candidate=HOST.format(1111))
    assert world.send("alice", "bob", id="c-1", candidate=HOST.format(1112)) is None
    assert world.send("alice", "bob", id="c-1", candidate=samples.TCP) is None
    assert world.send("alice", "bob", id="c-1", candidate=HOST.format(1111)) == first
    assert world.send("alice", "bob", id="c-1", candidate="") == {"id": "c-1", "candidate": ""}
    (attempt,) = world.board.attempts_between("alice", "bob")
    assert address_in(first) == attempt.link.address_for(Side.B)
    assert attempt.link.peer_address(Side.A) == ("127.0.0.1", 1111)


async def test_candidates_that_overtake_their_offer_belong_to_it(world: World) -> None:
    early = world.send("alice", "bob", id="c-1", candidate=HOST.format(1111))
    assert world.board.unreadable("alice", "bob") is not None
    world.send("alice", "bob", id="c-1", sdp=sdp("aaaa", "actpass"))
    late = world.send("alice", "bob", id="c-1", candidate=HOST.format(1111))
    (attempt,) = world.board.attempts_between("alice", "bob")
    assert attempt.offer is not None
    assert early == late


async def test_crossing_offers_have_separate_links(world: World) -> None:
    one = world.up("alice", id="c-1", sdp=sdp("aaaa", "actpass", 1111))
    two = world.up("bob", id="c-2", sdp=sdp("bbbb", "actpass", 2222))
    world.down("bob", one)
    world.down("alice", two)
    world.send("alice", "bob", id="c-2", sdp=sdp("a2a2", "active", 1112))
    world.send("bob", "alice", id="c-1", sdp=sdp("b2b2", "active", 2223))
    first, second = world.board.attempts_between("alice", "bob")
    assert (first.offerer, second.offerer) == ("alice", "bob")
    assert first.answer is not None
    assert second.answer is not None
    assert first.answer.facts.ufrag == "b2b2"
    assert second.answer.facts.ufrag == "a2a2"
    assert first.link.peer_address(Side.A) == ("127.0.0.1", 1111)
    assert second.link.peer_address(Side.A) == ("127.0.0.1", 1112)


async def test_peer_that_takes_its_offer_back_may_keep_its_ufrag(world: World) -> None:
    one = world.up("alice", sdp=sdp("aaaa", "actpass", 1111))
    two = world.up("bob", sdp=sdp("bbbb", "actpass", 2222))
    world.down("bob", one)
    world.down("alice", two)
    world.send("alice", "bob", sdp=sdp("aaaa", "active", 1111))
    _, second = world.board.attempts_between("alice", "bob")
    assert second.answer is not None
    assert second.answer.leg == "alice"


async def test_retry_has_a_new_link_and_late_answers_match_their_offer(world: World) -> None:
    world.send("alice", "bob", id="c-1", sdp=sdp("a1", "actpass", 1111))
    world.send("alice", "bob", id="c-2", sdp=sdp("a2", "actpass", 1112))
    world.send("bob", "alice", id="c-1", sdp=sdp("b1", "active", 2222))
    world.send("bob", "alice", id="c-2", sdp=sdp("b2", "active", 2223))
    first, second = world.board.attempts_between("alice", "bob")
    assert first.answer is not None
    assert second.answer is not None
    assert (first.answer.facts.ufrag, second.answer.facts.ufrag) == ("b1", "b2")


async def test_answer_to_no_offer_does_not_change_the_link_of_a_connection(world: World) -> None:
    offer, answer = sdp("aaaa", "actpass", 1111), sdp("bbbb", "active", 2222)
    world.send("alice", "bob", type="offer", correlation_id="c-1", sdp=offer)
    before = address_in(world.send("bob", "alice", type="answer", correlation_id="c-1", sdp=answer))
    forged = sdp("cccc", "active", 3333)
    after = address_in(world.send("bob", "alice", type="answer", correlation_id="forged", sdp=forged))
    assert after != before
    first, second = world.board.attempts_between("alice", "bob")
    assert first.answer is not None
    assert (first.answer.facts.ufrag, second.answer) == ("bbbb", None)
    again = world.send("bob", "alice", type="answer", correlation_id="c-1", sdp=sdp("dddd", "active", 4444))
    assert address_in(again) == before  # Another answer to the same offer still finds it.


async def test_early_candidates_of_a_retry_wait_for_its_offer(world: World) -> None:
    world.send("alice", "bob", id="c-1", sdp=sdp("a1", "actpass", 1111))
    world.send("bob", "alice", id="c-1", sdp=sdp("b1", "active"))
    world.send("bob", "alice", id="c-1", candidate=HOST.format(2222))
    early = world.send("alice", "bob", id="c-2", candidate=HOST.format(1112))
    world.send("alice", "bob", id="c-2", sdp=sdp("a2", "actpass"))
    first, second = world.board.attempts_between("alice", "bob")
    assert address_in(early) == second.link.address_for(Side.B)
    assert second.offer is not None
    assert first.link is not second.link


async def test_without_a_correlation_id_the_latest_open_offer_is_answered(world: World) -> None:
    world.send("alice", "bob", sdp=sdp("a1", "actpass", 1111))
    world.send("bob", "alice", sdp=sdp("b1", "active", 2222))
    world.send("alice", "bob", sdp=sdp("a2", "actpass"))
    world.send("alice", "bob", sdpMid="0", candidate=HOST.format(1112))
    world.send("bob", "alice", sdp=sdp("b2", "active", 2223))
    first, second = world.board.attempts_between("alice", "bob")
    assert second.answer is not None
    assert second.answer.facts.ufrag == "b2"
    assert second.link.peer_address(Side.A) == ("127.0.0.1", 1112)
    assert first.link.peer_address(Side.A) == ("127.0.0.1", 1111)


async def test_candidates_that_tell_nothing_belong_to_the_attempt_under_way(world: World) -> None:
    world.send("alice", "bob", id="c-1", sdp=sdp("a1", "actpass"))
    world.send("bob", "alice", id="c-1", sdp=sdp("b1", "active"))
    for sender, receiver, port in (("alice", "bob", 1111), ("bob", "alice", 2222)):
        world.send(sender, receiver, message_id=f"unique-{port}", candidate=HOST.format(port))
    (attempt,) = world.board.attempts_between("alice", "bob")
    assert attempt.link.peer_address(Side.A) == ("127.0.0.1", 1111)
    assert attempt.link.peer_address(Side.B) == ("127.0.0.1", 2222)


async def test_session_ids_tie_nothing_together(world: World) -> None:
    for leg, session in (("alice", "sess-a"), ("bob", "sess-b")):
        world.board.observe(leg, "down", wire.Welcome(session, "router", 0))
    common: dict[str, wire.Value] = {"from": "sess-a", "to": "sess-b"}
    world.send("alice", "bob", **common, id="c-1", sdp=sdp("a1", "actpass", 1111))
    (attempt,) = world.board.attempts_between("alice", "bob")
    assert attempt.strings == {"c-1", "a1"}


async def test_repeated_offer_begins_nothing_new(world: World) -> None:
    offer = sdp("aaaa", "actpass", 1111)
    assert world.send("alice", "bob", sdp=offer) == world.send("alice", "bob", sdp=offer)
    assert len(world.board.attempts_between("alice", "bob")) == 1


async def test_three_peers_have_a_link_a_pair(world: World) -> None:
    world.send("alice", "bob", sdp=sdp("a1", "actpass", 1111))
    world.send("alice", "carol", sdp=sdp("a2", "actpass", 1112))
    assert len(world.board.attempts_between("alice", "bob")) == 1
    assert len(world.board.attempts_between("alice", "carol")) == 1
    assert world.board.attempts_between("bob", "carol") == []
    assert world.board.conditions("alice", "bob") is not world.board.conditions("alice", "carol")


async def test_mdns_candidate_leaves_the_address_unknown(world: World) -> None:
    got = world.send("alice", "bob", sdp=samples.CHROMIUM)
    (attempt,) = world.board.attempts_between("alice", "bob")
    assert address_in(got) == attempt.link.address_for(Side.B)
    assert attempt.link.peer_address(Side.A) is None


async def test_only_relay_candidates_pass_in_a_turn_scenario(world: World) -> None:
    world.board.conditions("alice", "bob").relay_only()
    offer = sdp("aaaa", "actpass", 1111) + f"a={samples.RELAY}\r\n"
    got = world.send("alice", "bob", sdp=offer)
    assert got is not None
    facts = SessionDescription.read(str(got["sdp"]))
    assert facts is not None
    assert [each.type for each in facts.candidates] == ["relay"]
    assert world.send("alice", "bob", candidate=samples.RELAY) == {"candidate": samples.RELAY}
    assert world.send("alice", "bob", candidate=samples.HOST) is None
    assert [each for each in world.conditions if "candidates of" in each] == [
        "lets 1 of 2 candidates of alice pass to bob: the relayed ones",
        "lets 1 of 1 candidates of alice pass to bob: the relayed ones",
        "lets 0 of 1 candidates of alice pass to bob: the relayed ones",
    ]


async def test_traffic_is_summed_by_direction_over_all_attempts(
    world: World, peers: tuple[Peer, Peer]
) -> None:
    board = world.board
    board.conditions("alice", "bob").cut(board.pair("alice", "bob").side("bob"))
    for ufrag in ("a1", "a2"):
        world.send("alice", "bob", sdp=sdp(ufrag, "actpass", 1111))
        world.send("bob", "alice", sdp=sdp(f"b{ufrag}", "active", peers[1].address[1]))
    for attempt in board.attempts_between("alice", "bob"):
        peers[0].send(b"\x80" * 10, attempt.link.address_for(Side.A))
        peers[1].send(b"\x80" * 7, attempt.link.address_for(Side.B))
    async with asyncio.timeout(PATIENCE):
        await board.wait_until(lambda: board.traffic("bob", "alice")[0].dropped_datagrams == 2)
        await board.wait_until(lambda: board.traffic("alice", "bob")[0].bytes == 20)
    there, back = board.traffic("bob", "alice")
    assert (there.bytes, there.dropped_bytes) == (0, 14)
    assert (back.datagrams, back.dropped_datagrams) == (2, 0)


async def test_waiting_ends_with_the_signal_awaited(world: World) -> None:
    board = world.board
    waiting = asyncio.ensure_future(board.wait_until(lambda: bool(board.descriptions)))
    await asyncio.sleep(0)
    world.up("alice", other="thing")
    assert not waiting.done()
    world.up("alice", sdp=sdp("aaaa", "actpass"))
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert board.descriptions[0].leg == "alice"


async def test_pair_of_one_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="needs two legs"):
        world.board.pair("alice", "alice")
