"""The order of events about one peer: whether they contradict each other, or the error of a call."""

from __future__ import annotations

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected
from clasp_e2e.testbed.attached_client import Client, Failure
from clasp_e2e.testbed.expectations import expect
from clasp_e2e.testbed.testbed import Testbed

STATES = (Connected, ConnectionFailed, Disconnected)

ERROR = "an error of the call"

MARGIN = 0.2
"""Seconds by which the offer of a new attempt may precede the event that ended the last one."""


def expect_consistent_events(
    testbed: Testbed, client: Client, other: Client, failure: Failure | None = None
) -> None:
    """Require one outcome of each attempt of `client` and `other`; `failure` is that of the first, if any.

    An attempt ends with Connected, or with ConnectionFailed, an error of the call, or both. Disconnected
    ends a connection. An offer begins a new attempt: after a loss, an implementation may reconnect.
    """
    about = [
        (each.at, type(each.event).__name__)
        for each in client.received
        if isinstance(each.event, STATES) and each.event.peer_session_id == other.session_id
    ]
    if failure is not None and failure.by_call:
        about.append((failure.failed, ERROR))
    elif failure is not None and failure.peer != other.session_id:
        about.append((failure.failed, ConnectionFailed.__name__))
    about.sort()
    names = [name for _, name in about]
    told = f"events of {client.name} about {other.name} without a contradiction"
    expect(bool(about) and not _contradict(testbed, client, other, about), told).is_true(
        ", ".join(names) or "none"
    )


def _contradict(testbed: Testbed, client: Client, other: Client, about: list[tuple[float, str]]) -> bool:
    """Return whether an event of `about` has no attempt or connection that it could end."""
    offers = [
        each.sent_at
        for each in testbed.switchboard.descriptions
        if each.facts.is_offer and each.leg in (client.name, other.name)
    ]
    before, ended = "", float("-inf")
    for at, name in about:
        is_new = not before or any(ended - MARGIN <= offered <= at for offered in offers)
        match name:
            case Disconnected.__name__:
                follows = before in (Connected.__name__, name)  # EVT-9 judges a second one.
            case Connected.__name__:
                follows = is_new and before != Connected.__name__
            case _:
                reported_twice = {before, name} == {ERROR, ConnectionFailed.__name__}
                follows = reported_twice or (is_new and before != Connected.__name__)
        if not follows:
            return True
        before, ended = name, at
    return False
