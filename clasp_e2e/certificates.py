"""The certificate authority of this process: the harness's TLS servers have its certificates.

An adapter trusts it by the environment variable SSL_CERT_FILE, which OpenSSL, Go and Python read.
"""

from __future__ import annotations

import atexit
import datetime
import ipaddress
import os
import ssl
import tempfile
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_AUTHORITY = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "clasp-e2e, of one run")])
_SERVER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "clasp-e2e server")])

_VALIDITY = datetime.timedelta(days=365)
"""Before and after now: the clock of an adapter may be wrong."""


@cache
def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_AUTHORITY, key.public_key(), key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    return key, builder.sign(key, hashes.SHA256())


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(_AUTHORITY, subject, key, x509.random_serial_number())
    builder = builder.not_valid_before(now - _VALIDITY).not_valid_after(now + _VALIDITY)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    return builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@cache
def server_context(host: str) -> ssl.SSLContext:
    """Return the TLS context of a server at the IP address `host`, which may be that of localhost."""
    issuer, authority = _authority()
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(host)), x509.DNSName("localhost")]
    )
    builder = _builder(_SERVER, key.public_key(), issuer.public_key()).add_extension(names, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    certificate = builder.sign(issuer, hashes.SHA256())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(prefix="clasp-e2e-server-") as file:  # Only this user may read it.
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.write(certificate.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
    return context


def client_context() -> ssl.SSLContext:
    """Return a TLS context of a client that trusts the system's authorities and that of this process."""
    context = ssl.create_default_context()
    if _authority.cache_info().currsize:
        context.load_verify_locations(cadata=_authority()[1].public_bytes(Encoding.PEM).decode())
    return context


@cache
def trust_store() -> Path:
    """Return a file with the system's authorities and that of this process, which exists until its end."""
    descriptor, name = tempfile.mkstemp(prefix="clasp-e2e-trusted-", suffix=".pem")
    system = ssl.get_default_verify_paths().cafile
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
        file.write(Path(system).read_bytes() + b"\n" if system else b"")
        file.write(_authority()[1].public_bytes(Encoding.PEM))
    atexit.register(_remove, Path(name), os.getpid())
    return Path(name)


def _remove(store: Path, owner: int) -> None:
    if os.getpid() == owner:  # A forked process uses the file of its parent.
        store.unlink(missing_ok=True)
