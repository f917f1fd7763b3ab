"""Certificates for the tests of TLS: an authority of their own, and what it says of a server's name."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Served:
    """The files of one server: what it shows, its key, and both in one."""

    certificate: Path
    key: Path
    both: Path

    def sealed(self, password: bytes) -> Self:
        """The same with a key that only who knows the password can open."""
        key = load_pem_private_key(self.key.read_bytes(), None)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
        return replace(self, key=_written(self.key.with_suffix(".sealed"), secret))


@dataclass(frozen=True, slots=True)
class Authority:
    """Whom a client may be told to believe. `file` is what it is told."""

    folder: Path
    file: Path
    _key: ec.EllipticCurvePrivateKey
    _certificate: x509.Certificate

    @classmethod
    def make(cls, folder: Path, name: str) -> Self:
        key, own = ec.generate_private_key(ec.SECP256R1()), _named(name)
        certificate = (
            _valid(own, own, key.public_key(), key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_signs_certificates(), critical=True)
            .sign(key, SHA256())
        )
        file = folder / f"{name}.pem"
        file.write_bytes(certificate.public_bytes(Encoding.PEM))
        return cls(folder, file, key, certificate)

    def vouches_for(self, host: str) -> Served:
        """A certificate for this one name."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _valid(_named(host), self._certificate.subject, key.public_key(), self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .sign(self._key, SHA256())
        )
        shown = certificate.public_bytes(Encoding.PEM)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Served(
            _written(self.folder / f"{host}.crt", shown, 0o644),
            _written(self.folder / f"{host}.key", secret),
            _written(self.folder / f"{host}.both.pem", secret + shown),
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _valid(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, issuers_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFE)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers_key), critical=False)
    )


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _written(path: Path, text: bytes, mode: int = 0o600) -> Path:
    path.touch(0o600)
    path.write_bytes(text)
    path.chmod(mode)  # whatever the umask is: another user's server reads the certificate
    return path
