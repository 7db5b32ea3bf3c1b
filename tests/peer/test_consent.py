"""ICE consent, which late answers keep and silence ends."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aioice import stun

from clasp_e2e.peer import consent

MANY = 30
"""Checks after which a connection would be closed if unanswered ones were counted."""


class Partner:
    """A connection whose checks are answered if their number is a multiple of `answers_each`."""

    remote_password = "password"

    def __init__(self, answers_each: int) -> None:
        self.checks = 0
        self.has_checked = asyncio.Event()
        self.is_closed = asyncio.Event()
        self._answers_each = answers_each
        self._query_consent_task: object = "running"
        pair = SimpleNamespace(protocol=self, remote_addr=("127.0.0.1", 9))
        self._nominated = {1: pair}

    def build_request(self, pair: object, *, nominate: bool) -> object:
        assert not nominate
        return pair

    async def request(self, *_: object, retransmissions: int, **__: Any) -> None:
        assert retransmissions, "aioice takes no answer after half a second without any"
        self.checks += 1
        if self.checks == MANY:
            self.has_checked.set()
        if self.checks % self._answers_each:
            raise stun.TransactionTimeout

    async def close(self) -> None:
        assert self._query_consent_task is None, "closing would cancel the task that closes"
        self.is_closed.set()


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "INTERVAL_S", 0.001)


async def test_consent_expires_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "CONSENT_S", 0.05)
    partner = Partner(answers_each=1_000_000)
    await consent.keep_consent(partner)
    assert partner.is_closed.is_set()
    assert partner.checks > 1


async def test_consent_lasts_while_some_checks_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "CONSENT_S", 30.0)
    partner = Partner(answers_each=10)
    checking = asyncio.create_task(consent.keep_consent(partner))
    await partner.has_checked.wait()
    assert not partner.is_closed.is_set()
    checking.cancel()
    await asyncio.gather(checking, return_exceptions=True)
