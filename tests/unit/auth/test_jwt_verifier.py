"""JSON Web Tokens: which open something, and for whom."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

from mcp_memory.auth.jwt_verifier import JwtVerifier, Refused
from mcp_memory.config.http import HttpSettings
from mcp_memory.domain.permissions import Permission
from mcp_memory.errors import SettingsInvalid
from tests.support.http_server import Issuer, http_settings

AUDIENCE = "https://memory.example/mcp"
NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    """Who issues the tokens."""
    return Issuer(tmp_path)


def settings(issuer: Issuer, **changes: str) -> HttpSettings:
    given = {"jwt_issuer": issuer.name, "jwt_keys": str(issuer.file), "jwt_audience": AUDIENCE}
    return http_settings({**given, **changes})


def verifier(issuer: Issuer, **changes: str) -> JwtVerifier:
    return JwtVerifier(settings(issuer, **changes), "unused")


def encoded(part: Any) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def parts(token: str) -> list[Any]:
    """Header and claims of a token."""
    return [json.loads(base64.urlsafe_b64decode(p + "==")) for p in token.split(".")[:2]]


def test_a_good_token_tells_tenant_user_client_and_permissions(issuer: Issuer) -> None:
    token = issuer.token("acme", "ana", "memory:read openid memory:erase", client_id="claude")
    found = verifier(issuer).verify(token)
    assert (found.tenant, found.user, found.client) == ("acme", "ana", "claude")
    assert found.permissions == {Permission.READ, Permission.ERASE}
    assert verifier(issuer).verify(issuer.token("a", "b", azp="cursor")).client == "cursor"


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": -1}, "expired"),
        ({"exp": None}, "cannot be verified"),
        ({"exp": "soon"}, "cannot be verified"),
        ({"exp": []}, "cannot be verified"),
        ({"exp": float("inf")}, "cannot be verified"),
        ({"exp": float("nan")}, "cannot be verified"),
        ({"nbf": 2**40}, "not valid yet"),
        ({"nbf": "later"}, "cannot be verified"),
        ({"nbf": float("inf")}, "cannot be verified"),
        ({"iat": 2**40}, "not valid yet"),
        ({"iat": {}}, "cannot be verified"),
        ({"aud": "https://other.example/mcp"}, "another audience"),
        ({"aud": AUDIENCE + "/"}, "another audience"),
        ({"aud": ["https://other.example"]}, "another audience"),
        ({"aud": []}, "cannot be verified"),
        ({"aud": {AUDIENCE: 1}}, "another audience"),
        ({"aud": None}, "cannot be verified"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": "https://issuer.example/"}, "another issuer"),
        ({"iss": None}, "cannot be verified"),
        ({"sub": None}, "'sub'"),
        ({"sub": ""}, "'sub'"),
        ({"sub": "  "}, "'sub'"),
        ({"sub": 5}, "cannot be verified"),
        ({"sub": ["ana"]}, "cannot be verified"),
        ({"sub": "x" * 257}, "'sub'"),
        ({"tenant": None}, "'tenant'"),
        ({"tenant": ""}, "'tenant'"),
        ({"tenant": 7}, "'tenant'"),
        ({"tenant": ["acme"]}, "'tenant'"),
        ({"tenant": {"acme": "acme"}}, "'tenant'"),
    ],
    ids=str,
)
def test_a_token_whose_claims_are_wrong_is_refused(
    issuer: Issuer, claims: dict[str, Any], told: str
) -> None:
    with pytest.raises(Refused, match=told):
        verifier(issuer).verify(issuer.token("acme", "ana", **claims))


def test_times_are_forgiven_a_few_seconds(issuer: Issuer) -> None:
    now = int(time.time())
    assert verifier(issuer).verify(issuer.token("acme", "ana", exp=now - 2, nbf=now + 5))
    assert verifier(issuer).verify(issuer.token("acme", "ana", aud=["https://x", AUDIENCE]))


def forged(issuer: Issuer) -> dict[str, str]:
    """Tokens that somebody made who does not have the issuer's key."""
    good = issuer.token("acme", "ana")
    header, claims = parts(good)
    said, signature = encoded(claims), good.rpartition(".")[2]
    public = issuer.signing_key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    another = ec.generate_private_key(ec.SECP256R1())
    own = json.loads(ECAlgorithm.to_jwk(another.public_key()))

    def by_another(**changes: Any) -> str:
        return jwt.encode(claims, another, algorithm="ES256", headers={**header, **changes})

    def shared(secret: bytes) -> str:
        text = f"{encoded({**header, 'alg': 'HS256'})}.{said}"
        return f"{text}.{encoded(hmac.digest(secret, text.encode(), hashlib.sha256))}"

    def headed(**changes: Any) -> str:
        return f"{encoded({**header, **changes})}.{said}.{signature}"

    return {
        "signed with another key": by_another(),
        "with a key in it": by_another(jwk=own),
        "with the address of a key in it": by_another(jku="http://127.0.0.1:1/keys"),
        "with an unknown key": by_another(kid="k2"),
        "with a path for a key": by_another(kid="../../dev/null"),
        "without the id of a key": jwt.encode(claims, another, algorithm="ES256"),
        "signed with the public key": shared(pem),
        "signed with the file of keys": shared(issuer.file.read_bytes()),
        "signed with nothing": shared(b""),
        "unsigned": f"{encoded({**header, 'alg': 'none'})}.{said}.",
        "unsigned in capitals": f"{encoded({**header, 'alg': 'NONE'})}.{said}.",
        "without an algorithm": f"{encoded({'kid': 'k1'})}.{said}.{signature}",
        "with many algorithms": headed(alg=["ES256"]),
        "with another algorithm": headed(alg="RS256"),
        "with a key id that is none": headed(kid=7),
        "with an extension": headed(crit=["x"]),
        "with other claims": f"{encoded(header)}.{encoded({**claims, 'tenant': 'b'})}.{signature}",
        "without claims": f"{encoded(header)}..{signature}",
        "without a signature": f"{good.rpartition('.')[0]}.",
        "with zeros": f"{good.rpartition('.')[0]}.{encoded(bytes(64))}",
        "cut off": good[:-4],
        "too long": f"{good}.x",
        "with a deep header": f"{encoded(b'[' * 10_000)}.{said}.{signature}",
        "with a header of bytes": f"{encoded(bytes([255]))}.{said}.{signature}",
        "a word": "word",
        "dots": "..",
        "letters": "é.ß.ø",
    }


def test_a_token_that_the_issuer_did_not_sign_is_refused(issuer: Issuer) -> None:
    verify = verifier(issuer).verify
    assert verify(issuer.token("acme", "ana"))
    for kind, token in forged(issuer).items():
        with pytest.raises(Refused, match="access token"):
            pytest.fail(f"{kind}: {verify(token)}")


def test_a_signature_must_be_of_an_allowed_kind(issuer: Issuer) -> None:
    token = issuer.token("acme", "ana")
    with pytest.raises(Refused, match="not allowed"):
        verifier(issuer, jwt_algorithms="RS256,EdDSA").verify(token)
    for algorithm in ("none", "HS256", "es256"):
        with pytest.raises(SettingsInvalid, match=algorithm):
            settings(issuer, jwt_algorithms=f"RS256,{algorithm}")


def test_a_token_without_a_key_id_is_of_the_only_key_there_is(issuer: Issuer) -> None:
    good = issuer.token("acme", "ana")
    key = issuer.signing_key
    bare = jwt.encode(parts(good)[1], key, algorithm="ES256")
    assert verifier(issuer).verify(bare).user == "ana"
    document = json.loads(issuer.file.read_text("utf-8"))
    issuer.file.write_text(json.dumps({"keys": document["keys"] * 2}), "utf-8")
    with pytest.raises(Refused, match="unknown key"):
        verifier(issuer).verify(bare)


@pytest.mark.parametrize(
    ("changes", "claims", "tenant"),
    [
        ({"tenant_claim": "org.name"}, {"org": {"name": "acme"}}, "acme"),
        ({"tenant_claim": "a.b.c"}, {"a": {"b": {"c": "deep"}}}, "deep"),
        ({"tenant_claim": "https://x.example/org"}, {"https://x.example/org": "url"}, "url"),
        ({"tenant_claim": "org.name"}, {"org.name": "flat", "org": {"name": "nested"}}, "flat"),
        ({"tenant": "fixed"}, {}, "fixed"),
        ({"tenant": "fixed"}, {"tenant": "umbrella"}, "fixed"),
        ({"tenant_claim": "org.name"}, {"org": "acme"}, ""),
        ({"tenant_claim": "org.name"}, {"org": [{"name": "acme"}]}, ""),
        ({"tenant_claim": "org.name"}, {"tenant": "acme"}, ""),
    ],
    ids=str,
)
def test_the_tenant_stands_where_the_settings_say(
    issuer: Issuer, changes: dict[str, str], claims: dict[str, Any], tenant: str
) -> None:
    token = issuer.token("acme", "ana", **{"tenant": None, **claims})
    if tenant:
        assert verifier(issuer, **changes).verify(token).tenant == tenant
    else:
        with pytest.raises(Refused, match="claim"):
            verifier(issuer, **changes).verify(token)


def test_the_user_may_stand_elsewhere_too(issuer: Issuer) -> None:
    token = issuer.token("acme", "a-number", email="ana@acme.example")
    assert verifier(issuer, user_claim="email").verify(token).user == "ana@acme.example"


def named(value: dict[str, Any] | frozenset[str]) -> str:
    """A case by its values, in one order in every process."""
    return str(value) if isinstance(value, dict) else " ".join(sorted(value))


@pytest.mark.parametrize(
    ("claims", "permissions"),
    [
        ({"scope": "memory:read memory:write"}, {"memory:read", "memory:write"}),
        ({"scope": ["memory:read"]}, {"memory:read"}),
        ({"scope": None, "scp": ["memory:read", "memory:team"]}, {"memory:read", "memory:team"}),
        ({"scope": None, "scp": "memory:admin x"}, {"memory:admin"}),
        ({"scope": "memory:read", "scp": ["memory:admin"]}, {"memory:read"}),
        ({"scope": None}, NOTHING),
        ({"scope": ""}, NOTHING),
        ({"scope": "memory:* memory read MEMORY:READ memory:reads"}, NOTHING),
        ({"scope": {"memory:read": True}}, NOTHING),
        ({"scope": [["memory:read"], 5, None]}, NOTHING),
        ({"scope": True}, NOTHING),
    ],
    ids=named,
)
def test_scopes_are_those_that_are_named_and_no_others(
    issuer: Issuer, claims: dict[str, Any], permissions: frozenset[str]
) -> None:
    found = verifier(issuer).verify(issuer.token("acme", "ana", **claims))
    assert found.permissions == permissions
