"""Parameters: their values, revisions, locks and times to live.

Source: the wire protocol page of the CLASP documentation, "Set", "Snapshot" and "Error Codes".
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from clasp_e2e import wire
from clasp_e2e.router.codes import ErrorCode

MAX_PARAMS = 10_000
"""Maximum number of parameters, as in the reference router."""

SNAPSHOT_OVERHEAD = 3
"""Bytes of a SNAPSHOT in addition to its parameters: the type and the count."""


class SetRefusedError(Exception):
    """A SET that is refused, with an error `code` and a message."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class _Entry:
    param: wire.Param
    size: int
    holder: str | None
    ttl: wire.Ttl | None
    written: int
    used: int

    def expired(self, now: int) -> bool:
        if self.ttl is None or self.ttl.mode is wire.TtlMode.NEVER:
            return False
        since = self.used if self.ttl.mode is wire.TtlMode.SLIDING else self.written
        return now >= since + self.ttl.seconds * 1_000_000


class Params:
    """All parameters. `clock` returns microseconds since the epoch."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._kept: dict[str, _Entry] = {}

    def set(self, message: wire.Set, writer: str) -> int:
        """Execute a SET of the session `writer`.

        Returns the new revision, which is 1 for a new parameter. Raises `SetRefusedError` if the expected
        revision is not the current one, if another session holds the lock, or if the value cannot be stored.
        """
        now = self._clock()
        old = self._live(message.address, now)
        if old is not None:
            _check(old, message, writer)
        elif len(self._kept) >= MAX_PARAMS:
            self._expire(now)
            if len(self._kept) >= MAX_PARAMS:
                raise SetRefusedError(
                    ErrorCode.INTERNAL_ERROR,
                    f"the router already stores {MAX_PARAMS} parameters, which is the limit",
                )
        revision = 1 if old is None else old.param.revision + 1
        param = wire.Param(message.address, message.value, revision, writer, now)
        ttl = message.ttl if message.ttl is not None or old is None else old.ttl
        holder = None if old is None or message.unlock else old.holder
        if message.lock:
            holder = writer
        self._kept[message.address] = _Entry(param, _size(param), holder, ttl, now, now)
        return revision

    def get(self, address: str) -> wire.Param | None:
        """Return the parameter at `address`, or `None` if it is not set."""
        now = self._clock()
        kept = self._live(address, now)
        if kept is None:
            return None
        kept.used = now
        return kept.param

    def snapshots(self, pattern: str | None = None) -> list[wire.Snapshot]:
        """Return the parameters that match `pattern`, or all, in as few messages as possible."""
        now = self._clock()
        self._expire(now)
        found = [
            kept for address, kept in self._kept.items() if pattern is None or wire.matches(pattern, address)
        ]
        for kept in found:
            kept.used = now
        return list(_packed(found))

    def release(self, holder: str) -> None:
        """Release all locks of a session that has ended."""
        for kept in self._kept.values():
            if kept.holder == holder:
                kept.holder = None

    def _live(self, address: str, now: int) -> _Entry | None:
        kept = self._kept.get(address)
        if kept is not None and kept.expired(now):
            del self._kept[address]
            return None
        return kept

    def _expire(self, now: int) -> None:
        self._kept = {address: kept for address, kept in self._kept.items() if not kept.expired(now)}


def _check(old: _Entry, message: wire.Set, writer: str) -> None:
    if message.revision is not None and message.revision != old.param.revision:
        raise SetRefusedError(
            ErrorCode.REVISION_CONFLICT,
            f"revision conflict: the SET expects revision {message.revision}, the current one is "
            f"{old.param.revision}; get the value again and retry",
        )
    if old.holder is not None and old.holder != writer:
        raise SetRefusedError(
            ErrorCode.LOCK_HELD,
            f"the parameter is locked by session {old.holder}; wait until that session unlocks it or ends",
        )


def _size(param: wire.Param) -> int:
    """Return the bytes of a parameter in a SNAPSHOT, the largest message that must contain it."""
    try:
        size = len(wire.encode_message(wire.Snapshot((param,))))
    except wire.WireError as error:
        raise SetRefusedError(ErrorCode.INVALID_VALUE, f"the value cannot be stored: {error}") from None
    if size > wire.MAX_PAYLOAD:
        raise SetRefusedError(
            ErrorCode.INVALID_VALUE,
            f"the value is too large to be stored: it needs a SNAPSHOT of {size} bytes, and a frame "
            f"holds {wire.MAX_PAYLOAD}",
        )
    return size - SNAPSHOT_OVERHEAD


def _packed(found: Iterable[_Entry]) -> Iterable[wire.Snapshot]:
    params: list[wire.Param] = []
    size = SNAPSHOT_OVERHEAD
    for kept in found:
        if size + kept.size > wire.MAX_PAYLOAD:
            yield wire.Snapshot(tuple(params))
            params, size = [], SNAPSHOT_OVERHEAD
        params.append(kept.param)
        size += kept.size
    if params:
        yield wire.Snapshot(tuple(params))
