"""Peers that fail because of an option of the configuration, or mishandle announcements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clasp_e2e.drivers.reference import ReferencePeer
from clasp_e2e.p2p_types import P2PConfig, PeerAnnounced
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.scripted.mutant import EITHER, Outs, PeerScript, ScriptedDriver, drop, mutant, scripted_driver
from clasp_e2e.wire import Value


class _Reading(ScriptedDriver):
    """A driver whose peers have a script that depends on their configuration."""

    script: type[PeerScript]

    def applies(self, config: P2PConfig) -> bool:
        """Return whether peers with `config` have the script."""
        raise NotImplementedError

    async def open_peer(self, **arguments: Any) -> ReferencePeer:
        """Attach a client, with the script if its configuration calls for it."""
        config: P2PConfig | None = arguments["p2p"]
        if config is not None and self.applies(config):
            return await scripted_driver(self.script).open_peer(**arguments)
        return await super().open_peer(**arguments)


def relayed(script: PeerScript, send: fx.SendOnChannel) -> fx.PublishRelay:
    """Return the effect that relays a send instead."""
    requested = script.sends[send.call]
    value: dict[str, Value] = {"from": "", "data": requested.data, "reliable": requested.reliable}
    return fx.PublishRelay(send.call, RELAY_PREFIX + requested.peer, value)


@mutant("CON-15", "With `max_retries` 0 it makes no attempt at all.")
class TriesNotEvenOnce(_Reading):
    script = PeerScript.altering("NoOffer", fx.CreateOffer, drop)

    def applies(self, config: P2PConfig) -> bool:
        return config.max_retries == 0


@mutant("CON-15", "With `auto_fallback` on it relays although it is connected.", *EITHER)
class FallsBackAtOnce(_Reading):
    script = PeerScript.altering("Relaying", fx.SendOnChannel, relayed)

    def applies(self, config: P2PConfig) -> bool:
        return config.auto_fallback is True


@mutant("TMO-2", "Each of its retries has the whole time-out.")
class RetriesWithTheWholeTimeOut(_Reading):
    script = PeerScript.altering(
        "Longer", fx.StartTimer, lambda _, timer: replace(timer, seconds=timer.seconds * 4)
    )

    def applies(self, config: P2PConfig) -> bool:
        return bool(config.max_retries)


def _named_by(own: fx.PublishAnnouncement) -> PeerAnnounced:
    return PeerAnnounced(own.announcement.session_id, own.announcement.features)


ReportsNoAnnouncement = PeerScript.define(
    "ReportsNoAnnouncement", "EVT-11", "It does not emit PeerAnnounced.", *EITHER,
    on=PeerAnnounced, alter=drop,
)  # fmt: skip

AnnouncesItself = PeerScript.define(
    "AnnouncesItself", "EVT-11", "It emits PeerAnnounced for its own announcement, too.", *EITHER,
    on=fx.PublishAnnouncement, alter=lambda _, own: (own, fx.Emit(_named_by(own))),
)  # fmt: skip


@mutant("EVT-11", "Its PeerAnnounced names a session that does not exist.", *EITHER)
class AnnouncesSomebody(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=PeerAnnounced() as event):
                return (fx.Emit(replace(event, peer_session_id="somebody")),)
            case _:
                return (effect,)
