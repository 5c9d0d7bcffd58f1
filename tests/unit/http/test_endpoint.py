"""Without tokens the HTTP server is for this machine alone, whatever stands before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from mcp_memory.config import settings
from mcp_memory.errors import SettingsInvalid
from mcp_memory.http.endpoint import Endpoint


def enter(home: Path, http: str = "127.0.0.1:0", **given: str) -> Endpoint:
    """The entrance of a server that is set up so."""
    environ = {f"MCP_MEMORY_HTTP_{name}": value for name, value in given.items()}
    return Endpoint.of(settings.load({"MCP_MEMORY_HOME": str(home), **environ}), http)


@pytest.mark.parametrize(
    ("http", "given"),
    [
        ("0.0.0.0:0", {"URL": "https://memory.example.com"}),
        ("127.0.0.1:0", {"URL": "https://memory.example.com"}),
        ("127.0.0.1:0", {"HOSTS": "memory.example.com"}),
        ("localhost:0", {"URL": "http://localhost:1", "HOSTS": "localhost:1,memory.example.com"}),
    ],
)
def test_who_could_come_through_a_proxy_needs_a_token(
    tmp_path: Path, http: str, given: dict[str, str]
) -> None:
    with pytest.raises(SettingsInvalid, match="without authentication only this machine"):
        enter(tmp_path, http, **given)
    endpoint = enter(tmp_path, http, TOKENS=str(tmp_path / "tokens"), **given)
    with endpoint.socket:
        assert not endpoint.verify.is_open()


def pem(folder: Path, password: bytes = b"") -> tuple[str, str]:
    """The files of a new key and of a certificate for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "memory.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(private)
    return str(files[0]), str(files[1])


def test_a_certificate_is_looked_at_before_anything_is_begun(tmp_path: Path) -> None:
    cert, key = pem(tmp_path)
    enter(tmp_path, TLS_CERT=cert, TLS_KEY=key).socket.close()
    for wrong in ({"TLS_CERT": key, "TLS_KEY": key}, {"TLS_CERT": cert, "TLS_KEY": cert}):
        with pytest.raises(SettingsInvalid, match=r"tls_cert, http_tls_key: got '.*\.pem' and"):
            enter(tmp_path, **wrong)


def test_nobody_is_asked_for_the_password_of_a_key(tmp_path: Path) -> None:
    cert, key = pem(tmp_path, b"secret")
    with pytest.raises(SettingsInvalid, match=r"got '.*key\.pem'; it is encrypted"):
        enter(tmp_path, TLS_CERT=cert, TLS_KEY=key)


@pytest.mark.parametrize("given", [{}, {"URL": "http://localhost:9000"}, {"HOSTS": "127.0.0.1:1"}])
def test_by_names_of_this_machine_alone_nobody_needs_one(
    tmp_path: Path, given: dict[str, str]
) -> None:
    endpoint = enter(tmp_path, **given)
    with endpoint.socket:
        assert endpoint.verify.is_open()


def test_from_the_first_token_on_everybody_needs_one_whatever_becomes_of_it(
    tmp_path: Path,
) -> None:
    endpoint = enter(tmp_path)
    with endpoint.socket:
        assert endpoint.verify.is_open()
        (tmp_path / "tokens.json").write_text("[]", "utf-8")
        assert not endpoint.verify.is_open()
        (tmp_path / "tokens.json").unlink()
        assert not endpoint.verify.is_open()
