"""JSON Web Tokens of an authorization server, verified against its keys."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import jwt

from mcp_memory.errors import SettingsInvalid
from mcp_memory.http_settings import HttpSettings
from mcp_memory.permissions import Permission
from mcp_memory.web.principal import Principal

KEYS_KEPT_S = 300.0
KEYS_TIMEOUT_S = 5.0
KEYS_COOLDOWN_S = 10.0
"""How long after a fetch an unknown key id cannot make the keys be fetched again."""
LEEWAY_S = 10.0
CLAIM_CHARS_MAX = 256
_UNUSABLE = (
    jwt.PyJWTError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading keys raises that are none: PyJWT checks neither the types nor the members."""
_KNOWN = {permission.value: permission for permission in Permission}


class Refused(Exception):
    """A token that opens nothing; the text may be told to whoever sent it."""


class Unavailable(Exception):
    """The keys cannot be had at the moment, so nobody can be told from anybody."""


class Keys(Protocol):
    """Where the keys of an authorization server come from."""

    def get(self, key_id: str) -> jwt.PyJWK | None:
        """The key of an id, "" for the only one there is. Raises Unavailable."""
        ...


class KeysOfUrl:
    """A JWKS that is fetched, kept for a while, and fetched anew for an unknown id.

    At most one fetch in `cooldown_s`, whether it succeeded or not: whoever sends unknown
    keys, or sends anything while the keys cannot be had, makes nobody wait again and again.
    """

    def __init__(
        self, url: str, *, kept_s: float = KEYS_KEPT_S, cooldown_s: float = KEYS_COOLDOWN_S
    ) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=KEYS_TIMEOUT_S)
        self._kept_s, self._cooldown_s = kept_s, cooldown_s
        self._lock = threading.Lock()
        self._keys: list[jwt.PyJWK] = []
        self._fetched_at = self._tried_at = -math.inf
        self._failure = ""

    def get(self, key_id: str) -> jwt.PyJWK | None:
        """See `Keys.get`."""
        with self._lock:
            now = time.monotonic()
            is_kept = now - self._fetched_at <= self._kept_s
            key = _of(self._keys, key_id) if is_kept else None
            if key is None and now - self._tried_at >= self._cooldown_s:
                self._fetch()
                key = None if self._failure else _of(self._keys, key_id)
            if key is None and self._failure:
                raise Unavailable(self._failure)
            return key

    def _fetch(self) -> None:
        try:
            self._keys = self._client.get_jwk_set().keys
            self._failure, self._fetched_at = "", time.monotonic()
        except _UNUSABLE as error:
            self._failure = f"{self._client.uri}: {_why(error)}"
        self._tried_at = time.monotonic()


class KeysOfFile:
    """A JWKS in a file, read again when it was changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._keys: list[jwt.PyJWK] = []
        self.get("")  # a file that cannot be used is told at the start
        if not self._keys:
            raise Unavailable(f"{path}: it holds no key")

    def get(self, key_id: str) -> jwt.PyJWK | None:
        """See `Keys.get`."""
        with self._lock:
            try:
                now = self._path.stat()
                seen = (now.st_mtime_ns, now.st_size, now.st_ino)
                if seen != self._seen:
                    self._keys = jwt.PyJWKSet.from_json(self._path.read_text("utf-8")).keys
                    self._seen = seen
            except _UNUSABLE as error:
                raise Unavailable(f"{self._path}: {_why(error)}") from error
        return _of(self._keys, key_id)


def keys_of(settings: HttpSettings) -> Keys:
    """Where the keys come from. Raises SettingsInvalid for a file that holds none."""
    keys = settings.jwt_keys
    try:
        is_url = keys.startswith(("http://", "https://"))
        return KeysOfUrl(keys) if is_url else KeysOfFile(Path(keys))
    except Unavailable as error:
        raise SettingsInvalid(
            f"http_jwt_keys: no keys in {error}; give a JWKS, as a URL or a file"
        ) from error


def _why(error: Exception) -> str:
    """What is wrong with keys, in words; some errors are only their name."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"it is no JWKS ({type(error).__name__}: {error})"


def _of(keys: list[jwt.PyJWK], key_id: str) -> jwt.PyJWK | None:
    if not key_id:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.key_id == key_id), None)


class JwtVerifier:
    """Verifies signature, issuer, audience, expiry and not-before; then reads who it is."""

    def __init__(self, settings: HttpSettings, audience: str) -> None:
        self._settings = settings
        self._audience = settings.jwt_audience or audience
        self._keys = keys_of(settings)

    def verify(self, token: str) -> Principal:
        """Who a token is from. Raises Refused, Unavailable."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise Refused("the access token is no JWT") from error
        if header.get("alg") not in self._settings.jwt_algorithms:
            raise Refused("the access token is signed in a way that is not allowed here")
        key_id = header.get("kid", "")
        key = self._keys.get(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise Refused("the access token is signed with an unknown key")
        return self._principal(self._claims(token, key))

    def _claims(self, token: str, key: jwt.PyJWK) -> Mapping[str, Any]:
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
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Refused("the access token cannot be verified") from error

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        settings = self._settings
        return Principal(
            tenant=settings.tenant or _named(claims, settings.tenant_claim),
            user=_named(claims, settings.user_claim),
            client=_first(claims, "client_id", "azp"),
            permissions=frozenset(_KNOWN[s] for s in _scopes(claims) if s in _KNOWN),
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


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """The scopes of a token: `scope` as RFC 9068 has it, or `scp` as others do."""
    given: Any = claims.get("scope", claims.get("scp", ""))
    if isinstance(given, str):
        return given.split()
    listed = cast("list[Any]", given) if isinstance(given, list) else []
    return [scope for scope in listed if isinstance(scope, str)]
