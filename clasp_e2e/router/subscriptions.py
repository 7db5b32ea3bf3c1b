"""The subscriptions of all connections.

Source: the wire protocol page of the CLASP documentation, "Subscribe". The options that reduce what a
subscriber receives (rate, epsilon) are accepted and ignored, as in the reference router.
"""

from clasp_e2e import wire

MAX_PER_CONNECTION = 1000
"""Maximum number of subscriptions of a connection, as in the reference router."""


class Subscriptions:
    """The subscriptions of all connections."""

    def __init__(self) -> None:
        self._held: dict[int, dict[int, wire.Subscribe]] = {}

    def add(self, connection: int, subscription: wire.Subscribe) -> bool:
        """Add a subscription, replacing the one with the same id.

        Returns `False` if the connection already has `MAX_PER_CONNECTION` subscriptions.
        """
        held = self._held.setdefault(connection, {})
        if subscription.id not in held and len(held) >= MAX_PER_CONNECTION:
            return False
        held[subscription.id] = subscription
        return True

    def remove(self, connection: int, subscription_id: int) -> None:
        """Remove one subscription, if it exists."""
        self._held.get(connection, {}).pop(subscription_id, None)

    def drop(self, connection: int) -> None:
        """Remove all subscriptions of a connection."""
        self._held.pop(connection, None)

    def subscribers(self, address: str, signal: wire.SignalType | None = None) -> list[int]:
        """Return the connections that subscribe to `address`, each once; without `signal`, of any type."""
        return [
            connection
            for connection, held in self._held.items()
            if any(_is_match(subscription, address, signal) for subscription in held.values())
        ]


def _is_match(subscription: wire.Subscribe, address: str, signal: wire.SignalType | None) -> bool:
    typed = signal is None or not subscription.types or signal in subscription.types
    return typed and wire.matches(subscription.pattern, address)
