"""Keys that come slowly, never, without end or in another form: whom that keeps waiting."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from mcp_memory.auth.jwks import BYTES_MAX, KeysOfUrl, Unavailable
from mcp_memory.auth.jwt_verifier import JwtVerifier, Refused
from mcp_memory.auth.token_file import TokenFile
from mcp_memory.http.authentication import THREADS, Verification
from tests.support.http_server import KEY_ID, Issuer, http_settings
from tests.support.key_server import Endpoint, published
from tests.support.waiting import until

AUDIENCE = "https://memory.example/mcp"
Answering = Callable[[BaseHTTPRequestHandler], None]
Speaking = Callable[[Endpoint], Answering]


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    """Who issues the tokens."""
    return Issuer(tmp_path)


def test_who_names_a_known_key_does_not_wait_while_unknown_ones_are_looked_for(
    issuer: Issuer,
) -> None:
    with published(issuer) as endpoint, ThreadPoolExecutor(16) as threads:
        keys = KeysOfUrl(endpoint.url, cooldown_s=0, deadline_s=600)
        assert keys.get(KEY_ID)
        endpoint.speak, _ = endpoint.hold, endpoint.came.clear()
        strangers = [threads.submit(keys.get, f"made up {n}") for n in range(16)]
        endpoint.came.wait()
        assert keys.knows(KEY_ID)
        assert keys.get(KEY_ID), "and this while none of the others has its answer"
        assert not any(stranger.done() for stranger in strangers)
        assert endpoint.fetched == 2, "they wait for one fetch together"
        endpoint.released.set()
        assert [stranger.result() for stranger in strangers] == [[]] * 16


@pytest.mark.anyio
async def test_good_callers_are_let_in_while_many_strangers_wait(
    issuer: Issuer, tmp_path: Path
) -> None:
    given = {"jwt_issuer": issuer.name, "jwt_keys": str(issuer.file), "jwt_audience": AUDIENCE}
    known = issuer.signing_key
    with published(issuer) as endpoint:
        keys = KeysOfUrl(endpoint.url, cooldown_s=0, deadline_s=600)
        jwts = JwtVerifier(http_settings(given), "", keys)
        verify = Verification(TokenFile(tmp_path / "tokens.json"), jwts)
        assert (await verify(issuer.token("acme", "ana"))).user == "ana"
        endpoint.speak, _ = endpoint.hold, endpoint.came.clear()
        refused: list[Refused] = []

        async def strange(number: int) -> None:
            try:
                await verify(token(issuer, known, "ES256", kid=f"made up {number}"))
            except Refused as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks:
            for number in range(3 * THREADS):
                tasks.start_soon(strange, number)
            await anyio.to_thread.run_sync(endpoint.came.wait)
            for _ in range(THREADS):
                assert (await verify(issuer.token("acme", "ana"))).user == "ana"
            assert refused == []
            endpoint.released.set()
        assert len(refused) == 3 * THREADS


def test_a_new_key_is_found_by_all_who_waited_for_it(issuer: Issuer) -> None:
    with published(issuer) as endpoint, ThreadPoolExecutor(8) as threads:
        keys = KeysOfUrl(endpoint.url, deadline_s=600)
        endpoint.speak = endpoint.hold
        waiting = [threads.submit(keys.get, KEY_ID) for _ in range(8)]
        endpoint.came.wait()
        endpoint.released.set()
        assert all(one.result() for one in waiting)
        assert endpoint.fetched == 1


def test_keys_are_fetched_again_beside_before_they_are_too_old(issuer: Issuer) -> None:
    with published(issuer) as endpoint:
        keys = KeysOfUrl(endpoint.url, kept_s=6, cooldown_s=0, deadline_s=600)
        assert keys.get(KEY_ID)
        endpoint.speak = endpoint.hold

        def is_fetched_again() -> bool:
            assert keys.get(KEY_ID), "nobody waits for that"
            return endpoint.fetched > 1

        until(is_fetched_again)


def silent(endpoint: Endpoint) -> Answering:
    return endpoint.hold


def dripping_its_head(endpoint: Endpoint) -> Answering:
    return partial(endpoint.drip, is_head=True)


def dripping_its_body(endpoint: Endpoint) -> Answering:
    return partial(endpoint.drip, is_head=False)


@pytest.mark.parametrize(
    "speaking", [silent, dripping_its_head, dripping_its_body], ids=lambda f: f.__name__
)
def test_a_fetch_has_an_end_however_slowly_the_answer_comes(
    issuer: Issuer, speaking: Speaking
) -> None:
    with published(issuer) as endpoint, ThreadPoolExecutor(8) as threads:
        endpoint.speak = speaking(endpoint)
        keys = KeysOfUrl(endpoint.url, deadline_s=0.5)
        for waiting in [threads.submit(keys.get, KEY_ID) for _ in range(8)]:
            with pytest.raises(Unavailable, match=r"within 0\.5 s"):
                waiting.result()
        with pytest.raises(Unavailable):
            keys.get(KEY_ID)
        assert endpoint.fetched <= 1, "for a while nobody waits again"
        endpoint.speak = None
        healed = KeysOfUrl(endpoint.url, deadline_s=600)
        assert healed.get(KEY_ID)


def test_an_answer_without_end_is_not_read_to_its_end(issuer: Issuer) -> None:
    with published(issuer) as endpoint:
        endpoint.speak = endpoint.flood
        with pytest.raises(Unavailable, match=f"longer than {BYTES_MAX} bytes"):
            KeysOfUrl(endpoint.url, deadline_s=600).get(KEY_ID)


@pytest.mark.parametrize("spaces", [BYTES_MAX, 2 * BYTES_MAX])
def test_an_answer_that_is_too_long_is_no_answer(issuer: Issuer, spaces: int) -> None:
    with published(issuer) as endpoint:
        endpoint.body += b" " * spaces
        with pytest.raises(Unavailable, match="longer"):
            KeysOfUrl(endpoint.url, deadline_s=600).get(KEY_ID)


def packed(endpoint: Endpoint) -> None:
    """A few kilobytes that unpack to a hundred megabytes."""
    endpoint.headers["Content-Encoding"] = "gzip"
    endpoint.body = gzip.compress(b" " * (100 << 20), 9)


def elsewhere(endpoint: Endpoint) -> None:
    """A redirect with keys in its body."""
    endpoint.status = 302
    endpoint.headers["Location"] = endpoint.url + "/elsewhere"


def page(endpoint: Endpoint) -> None:
    """A page to sign in at."""
    endpoint.headers["Content-Type"] = "text/html"
    endpoint.body = b"<html><title>Sign in</title></html>"


def nothing(endpoint: Endpoint) -> None:
    """Success without anything."""
    endpoint.status, endpoint.body = 204, b""


def numbers(endpoint: Endpoint) -> None:
    """A number that takes long to read."""
    endpoint.body = b'{"keys": ' + b"9" * 500_000 + b"}"


@pytest.mark.parametrize(
    "answering", [packed, elsewhere, page, nothing, numbers], ids=lambda f: f.__name__
)
def test_what_is_no_plain_jwks_is_a_failure_to_verify(
    issuer: Issuer, answering: Callable[[Endpoint], None]
) -> None:
    with published(issuer) as endpoint:
        answering(endpoint)
        with pytest.raises(Unavailable, match="127"):
            KeysOfUrl(endpoint.url, deadline_s=600).get(KEY_ID)
        assert endpoint.seen == ["/keys"], "no other address was asked"


def public(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, **members: Any) -> dict[str, Any]:
    """A key as a member of a JWKS."""
    is_ec = isinstance(key, ec.EllipticCurvePrivateKey)
    said = ECAlgorithm.to_jwk(key.public_key()) if is_ec else RSAAlgorithm.to_jwk(key.public_key())
    return {**json.loads(said), **members}


def verifier(issuer: Issuer, keys: list[dict[str, Any]]) -> JwtVerifier:
    issuer.file.write_text(json.dumps({"keys": keys}), "utf-8")
    given = {"jwt_issuer": issuer.name, "jwt_keys": str(issuer.file), "jwt_audience": AUDIENCE}
    return JwtVerifier(http_settings(given), "")


def token(issuer: Issuer, key: Any, algorithm: str, **headers: Any) -> str:
    claims = jwt.decode(issuer.token("acme", "ana"), options={"verify_signature": False})
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def test_of_two_keys_with_one_id_either_opens(issuer: Issuer) -> None:
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    stranger = ec.generate_private_key(ec.SECP256R1())
    verify = verifier(issuer, [public(key, kid="k") for key in (other, old, new)]).verify
    for key, algorithm in ((old, "ES256"), (new, "ES256"), (other, "RS256")):
        assert verify(token(issuer, key, algorithm, kid="k")).user == "ana"
    with pytest.raises(Refused, match="cannot be verified"):
        verify(token(issuer, stranger, "ES256", kid="k"))


def test_a_key_for_secrets_signs_nothing(issuer: Issuer) -> None:
    signs, hides = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    keys = [public(hides, kid="k", use="enc"), public(signs, kid="k", use="sig")]
    verify = verifier(issuer, keys).verify
    assert verify(token(issuer, signs, "ES256", kid="k")).user == "ana"
    with pytest.raises(Refused):
        verify(token(issuer, hides, "ES256", kid="k"))


def test_keys_without_an_id_open_nothing_that_names_one(issuer: Issuer) -> None:
    first, second = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    alone = verifier(issuer, [public(first)])
    assert alone.verify(token(issuer, first, "ES256")).user == "ana"
    with pytest.raises(Refused, match="unknown key"):
        alone.verify(token(issuer, first, "ES256", kid="k"))
    both = verifier(issuer, [public(first), public(second)])
    with pytest.raises(Refused, match="unknown key"):
        both.verify(token(issuer, first, "ES256"))
