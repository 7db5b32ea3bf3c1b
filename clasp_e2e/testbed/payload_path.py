"""The path that a payload took, decided by the volume of traffic on each."""

from dataclasses import dataclass

from clasp_e2e.p2p_types import SendResult
from clasp_e2e.testbed.expectations import Unmet, Unobserved

NOT_TAKEN = 4 * 1024
"""Bytes; a path that carried less than this between a send and its barrier was not taken (design)."""

_HIDDEN = "the peers are connected, but not through the link: no candidate was read"

_DIRECT, _ROUTED = "the direct path", "the path through the router"


@dataclass
class Path:
    """The bytes that left a sender between a send and the barrier that follows it, by path."""

    size: int
    direct: int = 0
    routed: int = 0
    is_hidden: bool = False
    """Whether the peers are connected by a path that the harness does not see."""

    def took_the_direct_path(self) -> None:
        """Require the payload to have crossed the network between the peers."""
        self._expect(_DIRECT, self.direct, taken=True)

    def took_the_router(self) -> None:
        """Require the payload to have gone to the router."""
        self._expect(_ROUTED, self.routed, taken=True)

    def avoided_the_direct_path(self) -> None:
        """Require the payload not to have left through the network between the peers."""
        self._expect(_DIRECT, self.direct, taken=False)

    def avoided_the_router(self) -> None:
        """Require the payload not to have gone to the router."""
        self._expect(_ROUTED, self.routed, taken=False)

    def took(self, result: SendResult) -> None:
        """Require the payload to have taken the path that `result` names, and not the other."""
        if result is SendResult.P2P:
            self.took_the_direct_path()
            self.avoided_the_router()
        else:
            self.took_the_router()
            self.avoided_the_direct_path()

    def carried(self, *, direct: int, routed: int) -> None:
        """Require at least `direct` and `routed` bytes to have taken each path, as results of sends claim."""
        if direct and self.is_hidden:
            raise Unobserved(_HIDDEN)
        for size, path, crossed, result in (
            (direct, _DIRECT, self.direct, SendResult.P2P),
            (routed, _ROUTED, self.routed, SendResult.RELAY),
        ):
            if crossed < size:
                expected = f"the {size} bytes of payloads whose sends returned {result} to take {path}"
                raise Unmet(expected, self._seen_on(path))

    def _expect(self, path: str, crossed: int, *, taken: bool) -> None:
        if path == _DIRECT and self.is_hidden:
            raise Unobserved(_HIDDEN)
        if taken and crossed < self.size:
            raise Unmet(f"the payload of {self.size} bytes to take {path}", self._seen_on(path))
        if not taken and crossed >= self.size:
            raise Unmet(f"the payload of {self.size} bytes not to take {path}", self._seen_on(path))
        if not taken and crossed >= NOT_TAKEN:
            raise Unobserved(
                f"{crossed} bytes took {path}: too few for the payload of {self.size} bytes, too many without"
            )

    def _seen_on(self, path: str) -> str:
        """Return the bytes that took `path`, and those that took the other one, in words."""
        if path == _DIRECT:
            return f"{self.direct} bytes went directly to the peer, and {self.routed} to the router"
        return f"{self.routed} bytes went to the router" + (
            "" if self.is_hidden else f", and {self.direct} directly to the peer"
        )
