from __future__ import annotations

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.network import datagrams
from clasp_e2e.network.datagrams import StunClass


def record(content_type: int, length: int) -> bytes:
    return bytes([content_type, 254, 253]) + bytes(8) + length.to_bytes(2, "big") + bytes(length)


@pytest.mark.parametrize("kind", list(StunClass))
@pytest.mark.parametrize("nominating", [True, False])
def test_stun_messages_are_read(kind: StunClass, nominating: bool) -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class(kind))
    message.attributes = {"USERNAME": "abc:de"} | ({"USE-CANDIDATE": None} if nominating else {})
    message.add_message_integrity(b"key")
    data = bytes(message)
    assert datagrams.stun_class(data) is kind
    assert datagrams.transaction_id(data) == message.transaction_id
    assert datagrams.nominates(data) is nominating
    assert not datagrams.is_dtls(data)


def test_records_of_application_data_are_counted() -> None:
    assert datagrams.application_records(record(23, 5)) == 1
    assert datagrams.application_records(record(22, 90) + record(23, 0) + record(23, 1400)) == 2
    assert datagrams.application_records(record(20, 1) + record(22, 40)) == 0


def test_encrypted_record_of_dtls_13_counts() -> None:
    assert datagrams.application_records(b"\x2f" + bytes(60)) == 1


@given(st.binary(max_size=80))
def test_any_datagram_can_be_looked_at(data: bytes) -> None:
    datagrams.stun_class(data)
    datagrams.nominates(data)
    datagrams.is_dtls(data)
    assert datagrams.application_records(data) >= 0
