"""Who tries to reach what is another's: with no good token, or with one of somebody else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt

from mcp_memory.identity.project import slug
from tests.http.isolation.tenants import Caller, World
from tests.support.http_server import ISSUER, KEY_ID, Issuer

LOOK_ALIKES = (
    "{0}{1}",
    "{2}",
    " {0}{1}",
    "{0}{1} ",
    "{0}{1}\t",
    "{0}{1}/x",
    "{0}{1}/tenant//",
    "../{0}{1}",
    "{0}\u200b{1}",
    "{0}{1}\x00",
    "{0}{1}-",
    "{0}{1}.",
    "\uff41{1}",
    "\u0430{1}",
    "{0}\u0301{1}",
    "%{1}",
)
"""How a name is made to look like another: {0} its first letter, {1} the rest, {2} in capitals."""


def alike(name: str) -> list[str]:
    """Names that a person, or a careless comparison, would take for this one."""
    first, rest = name[0], name[1:]
    found = [pattern.format(first, rest, name.upper()) for pattern in LOOK_ALIKES[1:]]
    plain = [slug(other) for other in found]  # as the names are kept, said by a token
    return [name.capitalize(), *found, plain[0], plain[-1], f"{name}-{'0' * 12}"]


def unknown(world: World, tenant: str, folder: Path) -> list[Caller]:
    """Those who say to be the user ana of a tenant, and cannot prove it."""
    issuer, now = world.issuer, int(time.time())
    stranger = Issuer(folder)
    other_key = Issuer(folder)
    other_key.rotate("k9")

    def token(**claims: Any) -> str:
        return issuer.token(tenant, "ana", **claims)

    claims = jwt.decode(token(), options={"verify_signature": False})
    header, _, signature = token().split(".")
    body = issuer.token(tenant, "bob").split(".")[1]
    tokens = {
        "no token": "",
        "expired": token(exp=now - 60),
        "not valid yet": token(nbf=now + 600),
        "without an end": token(exp=None),
        "wrong audience": token(aud="https://elsewhere.example/mcp"),
        "wrong issuer": token(iss="https://elsewhere.example"),
        "issuer with a slash": token(iss=f"{ISSUER}/"),
        "unknown key": other_key.token(tenant, "ana"),
        "another key of the same id": stranger.token(tenant, "ana"),
        "no signature": _by_hand("none", claims, b""),
        "signed with the public key": _by_hand("HS256", claims, issuer.file.read_bytes()),
        "claims exchanged": f"{header}.{body}.{signature}",
        "no tenant": issuer.token("", "ana"),
        "no user": issuer.token(tenant, " "),
        "bearer token of no file": f"mcpm_00000000_{'A' * 43}",
        "the tenant's name": tenant,
    }
    return [Caller(name=name, token=token) for name, token in tokens.items()]


def _by_hand(algorithm: str, claims: Mapping[str, Any], key: bytes) -> str:
    """A token as no library makes it: not signed, or with a key that is public."""
    header = {"alg": algorithm, "typ": "JWT", "kid": KEY_ID}
    body = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.new(key, body.encode(), hashlib.sha256).digest() if key else b""
    return f"{body}.{_encoded(signature)}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def others(world: World, tenant: str) -> list[Caller]:
    """Those with a good token who are not who they want to be."""
    return [
        world.caller("other tenant, same user", "elsewhere", "ana"),
        world.caller("other user, same tenant", tenant, "bob"),
        world.caller("reads only", tenant, "ana", scope="memory:read", client_id="reader"),
        world.caller("writes only", tenant, "cid", scope="memory:write"),
        world.caller("never erases", tenant, "dan", scope="memory:read memory:write memory:team"),
        world.caller("may nothing", tenant, "eve", scope="profile email"),
    ]


def look_alikes(world: World, tenant: str) -> list[Caller]:
    """Those of tenants that look like this one, and users who look like ana."""
    tenants = [world.caller(f"tenant {name!r}", name, "ana") for name in alike(tenant)]
    users = [world.caller(f"user {name!r}", tenant, name) for name in alike("ana")]
    joined = world.caller("joined", f"{tenant}/user/ana", "x")
    return [*tenants, *users, joined]
