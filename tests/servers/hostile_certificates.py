"""Certificates, good and bad, made on the spot by an authority that only the tests trust."""

from __future__ import annotations

import datetime as dt
import ssl
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NOW = dt.datetime.now(dt.UTC)
_DAY = dt.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Authority:
    """Signs certificates."""

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._build("test authority", self.key, (), _NOW - _DAY, _NOW + 30 * _DAY, root=True)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)

    def context(
        self,
        *hosts: str,
        expired: bool = False,
        self_signed: bool = False,
        chain: int = 0,
        client_certificate: bool = False,
        newest: ssl.TLSVersion | None = None,
    ) -> ssl.SSLContext:
        """Return the context of a server with a certificate for these hosts."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = _NOW - _DAY if expired else _NOW + 30 * _DAY
        certificate = self._build(hosts[0][:60], key, hosts, _NOW - 10 * _DAY, end, own=self_signed)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if newest is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # old protocols are the point
                context.minimum_version = context.maximum_version = newest
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        if client_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.pem.decode())
        pem = certificate.public_bytes(serialization.Encoding.PEM) + self.pem * chain
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "server.pem"
            path.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
                + pem
            )
            context.load_cert_chain(path)
        return context

    def _build(self, name, key, hosts, start, end, *, root: bool = False, own: bool = False) -> x509.Certificate:
        issuer, signer = (_name(name), key) if root or own else (self.certificate.subject, self.key)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        )
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False
            )
        return builder.sign(signer, hashes.SHA256())
