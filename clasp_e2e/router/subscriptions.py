"""Who wants to hear of which addresses.

Source: the wire protocol page of the CLASP documentation, "Subscribe". The options that thin out
what a subscriber gets (rate, epsilon) are taken and not acted on, as in the reference router.
"""

from clasp_e2e import wire

MAX_PER_CONNECTION = 1000
"""Subscriptions that one connection may hold, as in the reference router."""


class Subscriptions:
    """The subscriptions of all connections."""

    def __init__(self) -> None:
        self._held: dict[int, dict[int, wire.Subscribe]] = {}

    def add(self, connection: int, subscription: wire.Subscribe) -> bool:
        """Hold a subscription, in place of the one with the same id.

        Returns whether it is held: `False` means that the connection has `MAX_PER_CONNECTION`.
        """
        held = self._held.setdefault(connection, {})
        if subscription.id not in held and len(held) >= MAX_PER_CONNECTION:
            return False
        held[subscription.id] = subscription
        return True

    def remove(self, connection: int, subscription_id: int) -> None:
        """Let go of one subscription, if it is held."""
        self._held.get(connection, {}).pop(subscription_id, None)

    def drop(self, connection: int) -> None:
        """Let go of all that a connection holds."""
        self._held.pop(connection, None)

    def subscribers(self, address: str, signal: wire.SignalType | None = None) -> list[int]:
        """The connections that want `address`, each once. Without `signal` any type will do."""
        return [
            connection
            for connection, held in self._held.items()
            if any(_wants(subscription, address, signal) for subscription in held.values())
        ]


def _wants(subscription: wire.Subscribe, address: str, signal: wire.SignalType | None) -> bool:
    typed = signal is None or not subscription.types or signal in subscription.types
    return typed and wire.matches(subscription.pattern, address)
