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


def stun_message(kind: StunClass, **attributes: object) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class(kind))
    message.attributes = {name.replace("_", "-"): value for name, value in attributes.items()}
    return bytes(message)


def handshake(message: int, epoch: int = 0) -> bytes:
    return bytes([22, 254, 253]) + epoch.to_bytes(2, "big") + bytes(6) + b"\0\4" + bytes([message, 0, 0, 0])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (stun_message(StunClass.REQUEST), "STUN request"),
        (stun_message(StunClass.REQUEST, USE_CANDIDATE=None), "STUN request (nominates)"),
        (stun_message(StunClass.SUCCESS), "STUN success"),
        (stun_message(StunClass.ERROR, ERROR_CODE=(487, "Role Conflict")), "STUN error 487"),
        (handshake(1), "DTLS ClientHello"),
        (handshake(14), "DTLS ServerHelloDone"),
        (handshake(1, epoch=1), "DTLS handshake"),
        (record(23, 5), "DTLS application data"),
        (record(21, 2), "DTLS alert"),
        (b"\x2f" + bytes(60), "DTLS encrypted record"),
        (b"", "not known"),
        (b"\x80 media", "not known"),
    ],
    ids=range(12),
)
def test_kind_is_named_in_the_words_of_its_protocol(data: bytes, kind: str) -> None:
    assert datagrams.kind(data) == kind


@given(st.binary(max_size=80))
def test_any_datagram_can_be_looked_at(data: bytes) -> None:
    datagrams.stun_class(data)
    datagrams.nominates(data)
    datagrams.is_dtls(data)
    assert datagrams.kind(data)
    assert datagrams.application_records(data) >= 0
