"""The keys of an authorization server: in a file, at an address, and when they cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_memory.auth.jwks import KeysOfUrl, Unavailable
from mcp_memory.auth.jwt_verifier import JwtVerifier, Refused
from mcp_memory.errors import SettingsInvalid
from tests.support.http_server import Issuer, http_settings
from tests.support.key_server import published


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    """Who issues the tokens."""
    return Issuer(tmp_path)


def verifier(issuer: Issuer, keys: str = "") -> JwtVerifier:
    given = {"jwt_issuer": issuer.name, "jwt_keys": keys or str(issuer.file)}
    return JwtVerifier(http_settings(given), "https://memory.example/mcp")


def test_keys_of_a_file_are_exchanged_without_a_restart(issuer: Issuer) -> None:
    verify = verifier(issuer).verify
    old = issuer.token("acme", "ana")
    assert verify(old).user == "ana"
    issuer.rotate("k2")
    assert verify(issuer.token("acme", "ana")).user == "ana"
    with pytest.raises(Refused, match="unknown key"):
        verify(old)
    issuer.rotate("k2")
    with pytest.raises(Refused):
        verify(old)
    for broken in ("{", "[]", '{"keys":[]}', '{"keys":[{"kty":"oct"}]}', "[" * 100_000):
        issuer.file.write_text(broken, "utf-8")
        with pytest.raises(Unavailable):
            verify(issuer.token("acme", "ana"))
    issuer.file.unlink()
    with pytest.raises(Unavailable):
        verify(issuer.token("acme", "ana"))
    issuer.rotate("k3")
    assert verify(issuer.token("acme", "ana")).user == "ana"


@pytest.mark.parametrize("content", [None, "", "{}", '{"keys":[]}', '{"keys":[{"kty":"oct"}]}'])
def test_keys_that_cannot_be_used_are_said_at_the_start(
    issuer: Issuer, content: str | None
) -> None:
    issuer.file.unlink()
    if content is not None:
        issuer.file.write_text(content, "utf-8")
    with pytest.raises(SettingsInvalid, match="http_jwt_keys"):
        verifier(issuer)


def test_keys_of_an_address_are_fetched_once_and_again_for_an_unknown_id(issuer: Issuer) -> None:
    with published(issuer) as endpoint:
        keys = KeysOfUrl(endpoint.url, cooldown_s=0)
        assert keys.get("k1") and keys.get("k1") and keys.get("")
        assert endpoint.fetched == 1
        issuer.rotate("k2")
        endpoint.body = issuer.file.read_bytes()
        assert keys.get("k2")
        assert keys.get("k1") == []
        assert endpoint.fetched == 3


def test_unknown_ids_do_not_make_keys_be_fetched_again_and_again(issuer: Issuer) -> None:
    with published(issuer) as endpoint:
        keys = KeysOfUrl(endpoint.url)
        assert [keys.get(f"made up {n}") for n in range(20)] == [[]] * 20
        assert keys.get("k1")
        assert endpoint.fetched == 1


def test_keys_do_not_stay_valid_for_ever(issuer: Issuer) -> None:
    with published(issuer) as endpoint:
        keys = KeysOfUrl(endpoint.url, kept_s=0, cooldown_s=0)
        assert keys.get("k1")
        issuer.rotate("k2")
        endpoint.body = issuer.file.read_bytes()
        assert keys.get("k1") == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"oops"),
        (404, b'{"keys":[]}'),
        (302, b""),
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"null"),
        (200, b"{}"),
        (200, b'{"keys":[]}'),
        (200, b'{"keys":5}'),
        (200, b"\xff\xff"),
        (200, b"[" * 100_000),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_key_is_a_failure_to_verify_and_no_refusal(
    issuer: Issuer, status: int, body: bytes
) -> None:
    good, token = issuer.file.read_bytes(), issuer.token("acme", "ana")
    with published(issuer) as endpoint:
        endpoint.status, endpoint.body = status, body
        verify = verifier(issuer, endpoint.url).verify
        for _ in range(5):
            with pytest.raises(Unavailable, match="127"):
                verify(token)
        assert endpoint.fetched == 1, "while it fails, nobody else waits for it"
        endpoint.status, endpoint.body = 200, good
        healed = KeysOfUrl(endpoint.url, cooldown_s=0)
        assert healed.get("k1")
        endpoint.status, endpoint.body = status, body
        assert healed.get("k1"), "what is known goes on"
        with pytest.raises(Unavailable):
            healed.get("k2")
        endpoint.status, endpoint.body = 200, good
        assert healed.get("k2") == []


def test_an_address_where_nobody_is_is_a_failure_to_verify(issuer: Issuer) -> None:
    with published(issuer) as endpoint:
        pass
    with pytest.raises(Unavailable):
        verifier(issuer, endpoint.url).verify(issuer.token("acme", "ana"))


@pytest.mark.parametrize("url", ["http://keys.example/", "http://127.0.0.1.evil.example/keys"])
def test_keys_from_elsewhere_must_come_by_https(issuer: Issuer, url: str) -> None:
    with pytest.raises(SettingsInvalid, match="https"):
        verifier(issuer, url)
