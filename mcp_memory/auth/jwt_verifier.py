"""JSON Web Tokens of an authorization server, verified against its keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import jwt

from mcp_memory.auth.jwks import Keys, keys_of
from mcp_memory.auth.principal import Principal
from mcp_memory.config.http import HttpSettings
from mcp_memory.domain.permissions import Permission

LEEWAY_S = 10.0
CLAIM_CHARS_MAX = 256
_KNOWN = {permission.value: permission for permission in Permission}


class Refused(Exception):
    """A token that opens nothing; the text may be told to whoever sent it."""


class _OtherKey(Refused):
    """A signature that this key did not make."""


class JwtVerifier:
    """Verifies signature, issuer, audience, expiry and not-before; then reads who it is."""

    def __init__(self, settings: HttpSettings, audience: str, keys: Keys | None = None) -> None:
        self._settings = settings
        self._audience = settings.jwt_audience or audience
        self._keys = keys or keys_of(settings)

    def verify(self, token: str) -> Principal:
        """Who a token is from. Raises Refused, Unavailable.

        Takes no time where `knows` the key, else as long as the keys take to be fetched.
        """
        keys = self._keys.get(self._key_id(token))
        if not keys:
            raise Refused("the access token is signed with an unknown key")
        return self._principal(self._claims(token, keys))

    def knows(self, token: str) -> bool:
        """Whether the key is at hand that a token says it is signed with. Raises Refused."""
        return self._keys.knows(self._key_id(token))

    def _key_id(self, token: str) -> str:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise Refused("the access token is no JWT") from error
        if header.get("alg") not in self._settings.jwt_algorithms:
            raise Refused("the access token is signed in a way that is not allowed here")
        key_id = header.get("kid", "")
        if not isinstance(key_id, str) or len(key_id) > CLAIM_CHARS_MAX:
            raise Refused("the access token is signed with an unknown key")
        return key_id

    def _claims(self, token: str, keys: Sequence[jwt.PyJWK]) -> Mapping[str, Any]:
        """What a token says that one of some keys of one id has signed."""
        for key in keys[:-1]:
            with suppress(_OtherKey):
                return self._signed(token, key)
        return self._signed(token, keys[-1])

    def _signed(self, token: str, key: jwt.PyJWK) -> Mapping[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=list(self._settings.jwt_algorithms),
                audience=self._audience,
                issuer=self._settings.jwt_issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise Refused("the access token has expired") from error
        except jwt.ImmatureSignatureError as error:
            raise Refused("the access token is not valid yet") from error
        except jwt.InvalidAudienceError as error:
            raise Refused("the access token is for another audience") from error
        except jwt.InvalidIssuerError as error:
            raise Refused("the access token is from another issuer") from error
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.InvalidKeyError) as error:
            raise _OtherKey("the access token cannot be verified") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Refused("the access token cannot be verified") from error

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        settings = self._settings
        return Principal(
            tenant=settings.tenant or _named(claims, settings.tenant_claim),
            user=_named(claims, settings.user_claim),
            client=_first(claims, "client_id", "azp"),
            permissions=frozenset(_KNOWN[s] for s in _permissions(claims) if s in _KNOWN),
        )


def _named(claims: Mapping[str, Any], path: str) -> str:
    """The text of a claim, which must be there; `a.b` is the member b of a."""
    value: Any = claims.get(path)
    if value is None:
        value = claims
        for part in path.split("."):
            value = cast("Mapping[str, Any]", value).get(part) if isinstance(value, dict) else None
    if not isinstance(value, str) or not 0 < len(value.strip()) <= CLAIM_CHARS_MAX:
        raise Refused(f"the access token has no '{path}' claim that names somebody")
    return value


def _first(claims: Mapping[str, Any], *names: str) -> str:
    found = (claims.get(name) for name in names)
    return next((value for value in found if isinstance(value, str) and value), "")


def _permissions(claims: Mapping[str, Any]) -> list[str]:
    """The scopes of a token: `scope` as RFC 9068 has it, or `scp` as others do."""
    given: Any = claims.get("scope", claims.get("scp", ""))
    if isinstance(given, str):
        return given.split()
    listed = cast("list[Any]", given) if isinstance(given, list) else []
    return [name for name in listed if isinstance(name, str)]
