"""Laws that hold for any order of events."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, Disconnected, P2PEvent
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs

from .world import ALICE, BOB, World


@given(st.data())
def test_glare_is_one_attempt(data):
    """Two calls at once, in any interleaving: one connection, one Connected on each side."""
    world = World()
    first, second = data.draw(st.permutations([ALICE, BOB]))

    def pick(n: int) -> int:
        return data.draw(st.integers(0, n - 1))

    calls = [(first, world.connect(first))]
    for _ in range(data.draw(st.integers(0, 6))):
        if choices := world.choices():
            choices[pick(len(choices))]()
    calls.append((second, world.connect(second)))
    world.run(pick)

    assert world.events == {ALICE: [Connected(BOB)], BOB: [Connected(ALICE)]}
    ends = [(name, world.cores[name].connection(BOB if name == ALICE else ALICE)) for name in (ALICE, BOB)]
    assert world.partner[ends[0]] == ends[1]
    assert set(world.closed) == world.opened - set(ends)
    assert all(world.answer(name, call) == fx.Resolve(call) for name, call in calls)
    assert world.timers == {ALICE: {}, BOB: {}}


def check_story(events: list[P2PEvent]) -> None:
    """(ConnectionFailed | Connected Data* Disconnected)*, the last connection perhaps still standing."""
    connected = False
    for event in events:
        match event:
            case Connected():
                assert not connected
                connected = True
            case Disconnected():
                assert connected
                connected = False
            case ConnectionFailed():
                assert not connected
            case Data():
                assert connected
            case _:
                raise AssertionError(event)


STEPS = st.sampled_from(["go", "go", "go", "go", "connect", "send", "disconnect", "timer", "lose"])


@settings(max_examples=200)
@given(st.data())
def test_events_of_any_history_are_consistent(data):
    """Whatever happens: events in order, every call answered once, every transport closed once."""
    world = World()
    calls: list[tuple[str, int]] = []
    for step in data.draw(st.lists(STEPS, max_size=40)):
        name = data.draw(st.sampled_from([ALICE, BOB]))
        other = BOB if name == ALICE else ALICE
        if step == "go":
            if choices := world.choices():
                choices[data.draw(st.integers(0, len(choices) - 1))]()
        elif step == "connect":
            calls.append((name, world.connect(name)))
        elif step == "send":
            calls.append(
                (name, world.call(name, lambda call, to=other: inputs.SendP2P(call, to, b"x", True)))
            )
        elif step == "disconnect":
            calls.append((name, world.call(name, lambda call, to=other: inputs.DisconnectPeer(call, to))))
        elif step == "timer" and world.timers[name]:
            world.fire(name, data.draw(st.sampled_from(sorted(world.timers[name]))))
        elif step == "lose":
            mine = [end for end in sorted(world.opened) if end[0] == name and end not in world.closed]
            if mine:
                number = data.draw(st.sampled_from(mine))[1]
                world.feed(name, inputs.TransportLost(number, "lost"))
    world.run()
    for name in (ALICE, BOB):
        calls.append((name, world.call(name, inputs.CloseClient)))
        world.run()
        assert world.answer(*calls[-1]) is not None
        assert world.timers[name] == {}
        story = [e for e in world.events[name] if not isinstance(e, Data)]
        check_story(story)
    assert sorted(world.closed) == sorted(world.opened)
    assert all(world.answer(name, call) is not None for name, call in calls)


@given(st.data())
def test_direct_data_is_between_connected_and_disconnected(data):
    world = World()
    world.connect(ALICE)
    for _ in range(data.draw(st.integers(1, 30))):
        if choices := world.choices():
            choices[data.draw(st.integers(0, len(choices) - 1))]()
        if world.cores[ALICE].connection(BOB) is not None:
            world.call(ALICE, lambda call: inputs.SendP2P(call, BOB, b"x", True))
    world.run()
    world.call(ALICE, inputs.CloseClient)
    world.run()
    for name in (ALICE, BOB):
        check_story(world.events[name])
        assert any(isinstance(event, Connected) for event in world.events[name])
