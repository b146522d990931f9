"""TLS: two contexts for the whole process, and what a failed handshake means."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import certifi
from urllib3.util.ssl_ import create_urllib3_context

from screening.applicants.codes import Failure

_OUT_OF_DATES = frozenset({9, 10})
_SELF_SIGNED = frozenset({18, 19})
_WRONG_HOST = frozenset({62, 64})
"""Verification results of OpenSSL (X509_V_ERR_*, openssl/x509_vfy.h)."""

_PROTOCOL_MARKS = (
    "VERSION",
    "HANDSHAKE_FAILURE",
    "NO_CIPHERS",
    "UNSUPPORTED_PROTOCOL",
    "NO_APPLICATION_PROTOCOL",
    "DH_KEY",
)
_CERTIFICATE_MARKS = ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "PEER_DID_NOT_RETURN")


@dataclass(frozen=True, slots=True)
class TlsContexts:
    """`verified` for every fetch; `unverified` for the one look at what visitors see behind a bad certificate.

    One context each for the process: loading the authorities takes four times as long as a fetch.
    """

    verified: ssl.SSLContext
    unverified: ssl.SSLContext


def tls_contexts() -> TlsContexts:
    """Build both contexts; the verified one trusts the authorities that Mozilla does."""
    verified = create_urllib3_context()
    verified.load_verify_locations(certifi.where())
    unverified = create_urllib3_context(ssl_minimum_version=ssl.TLSVersion.TLSv1_2)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    unverified.set_ciphers("DEFAULT:@SECLEVEL=0")
    return TlsContexts(verified, unverified)


def tls_failure(error: BaseException) -> Failure | None:
    """Say what a TLS error means, or None when the error is not one."""
    found = next((inner for inner in causes(error) if isinstance(inner, ssl.SSLError)), None)
    if found is None:
        return None
    if isinstance(found, ssl.SSLCertVerificationError):
        return _verification(found.verify_code)
    reason = (found.reason or str(found)).upper().replace(" ", "_")
    if any(mark in reason for mark in _CERTIFICATE_MARKS):
        return Failure.TLS_CLIENT_CERTIFICATE
    if any(mark in reason for mark in _PROTOCOL_MARKS):
        return Failure.TLS_PROTOCOL
    return Failure.TLS_FAILED


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and everything it wraps: its cause, its context, its arguments and urllib3's `reason`."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        waiting.extend(other for other in inner if isinstance(other, BaseException))


def _verification(code: int) -> Failure:
    if code in _OUT_OF_DATES:
        return Failure.TLS_EXPIRED
    if code in _SELF_SIGNED:
        return Failure.TLS_SELF_SIGNED
    if code in _WRONG_HOST:
        return Failure.TLS_WRONG_HOST
    return Failure.TLS_UNTRUSTED
