"""The keys of an authorization server, in a file or at an address.

Whoever sends a token names the key that it is said to be signed with, so that anybody can
name one that is not known. Only those who do wait for the keys to be fetched again.
"""

from __future__ import annotations

import json
import logging
import math
import ssl
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import anyio
import jwt

from mcp_memory.config.http import HttpSettings
from mcp_memory.errors import SettingsInvalid

log = logging.getLogger(__name__)

KEPT_S = 300.0
COOLDOWN_S = 10.0
"""How long after a fetch an unknown key id cannot make the keys be fetched again."""
DEADLINE_S = 5.0
"""From the first step of a fetch to its last, however slowly the answer comes."""
BYTES_MAX = 1024 * 1024
SAME_ID_MAX = 4
"""Keys of one id that are tried, as while one takes the place of another."""
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


class Unavailable(Exception):
    """The keys cannot be had at the moment, so nobody can be told from anybody."""


class Keys(Protocol):
    """Where the keys of an authorization server come from."""

    def get(self, key_id: str) -> list[jwt.PyJWK]:
        """The keys of an id, "" for the only one there is; [] for none. Raises Unavailable.

        May take as long as a fetch where `knows` is False, and no time where it is True.
        """
        ...

    def knows(self, key_id: str) -> bool:
        """Whether there is a key of this id at hand."""
        ...


class KeysOfUrl:
    """A JWKS that is fetched, kept for a while, and fetched anew for an unknown id.

    Fetched beside, by one thread at a time and before what is kept is too old, so that
    nobody waits who names a key that is known. At most one fetch in `cooldown_s`, whether
    it succeeded or not: within it, unknown keys are refused at once, and none is remembered.
    """

    def __init__(
        self,
        url: str,
        *,
        kept_s: float = KEPT_S,
        cooldown_s: float = COOLDOWN_S,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._url = url
        self._kept_s, self._cooldown_s, self._deadline_s = kept_s, cooldown_s, deadline_s
        self._lock = threading.Lock()
        self._keys: list[jwt.PyJWK] = []
        self._fetched_at = self._tried_at = -math.inf
        self._failure = ""
        self._under_way: threading.Event | None = None

    def knows(self, key_id: str) -> bool:
        """See `Keys.knows`."""
        with self._lock:
            return bool(self._fresh(key_id))

    def get(self, key_id: str) -> list[jwt.PyJWK]:
        """See `Keys.get`."""
        with self._lock:
            found = self._fresh(key_id)
            if found and self._age_s() <= self._kept_s / 2:
                return found
            fetching = self._under_way or self._begin()
        if found:
            return found
        if fetching is not None:
            fetching.wait(self._deadline_s + 1)  # a name that is looked up cannot be given up
        with self._lock:
            if fetching is not None and not fetching.is_set():
                raise Unavailable(f"{self._url}: {_late(self._deadline_s)}")
            if self._failure:
                raise Unavailable(self._failure)
            # What was fetched for those who wait is theirs, however short it is kept.
            return _of(self._keys, key_id) if fetching is not None else []

    def _age_s(self) -> float:
        return time.monotonic() - self._fetched_at

    def _fresh(self, key_id: str) -> list[jwt.PyJWK]:
        return _of(self._keys, key_id) if self._age_s() <= self._kept_s else []

    def _begin(self) -> threading.Event | None:
        """Begin a fetch, unless there was one just now. The lock is held."""
        if time.monotonic() - self._tried_at < self._cooldown_s:
            return None
        self._under_way = done = threading.Event()
        threading.Thread(
            target=self._fetch, args=(done,), name="mcp-memory-keys", daemon=True
        ).start()
        return done

    def _fetch(self, done: threading.Event) -> None:
        """The root of a thread."""
        keys, failure = list[jwt.PyJWK](), ""
        try:
            keys = _parsed(anyio.run(_downloaded, self._url, self._deadline_s))
        except Exception as error:  # whatever comes from elsewhere, those who wait are told
            failure = f"{self._url}: {_why(error)}"
            log.warning("no keys in %s", failure)
        with self._lock:
            self._failure = failure
            self._tried_at = time.monotonic()
            if not failure:
                self._keys, self._fetched_at = keys, self._tried_at
            self._under_way = None
            done.set()


class KeysOfFile:
    """A JWKS in a file, read again when it was changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._keys: list[jwt.PyJWK] = []
        self.get("")  # a file that cannot be used is told at the start

    def knows(self, key_id: str) -> bool:
        """See `Keys.knows`: a file is always at hand."""
        return True

    def get(self, key_id: str) -> list[jwt.PyJWK]:
        """See `Keys.get`."""
        with self._lock:
            try:
                now = self._path.stat()
                seen = (now.st_mtime_ns, now.st_size, now.st_ino)
                if seen != self._seen:
                    self._keys = _parsed(self._path.read_bytes())
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


async def _downloaded(url: str, deadline_s: float) -> bytes:
    """What lies at an address, as it is: not elsewhere, not packed, not too much, not too late.

    Raises OSError, ValueError, httpx2.HTTPError.
    """
    import httpx2  # slow to import

    try:
        with anyio.fail_after(deadline_s):
            # The system's certificates, as an issuer within a company needs them.
            client = httpx2.AsyncClient(verify=ssl.create_default_context(), timeout=None)
            async with client, client.stream("GET", url, headers=_HEADERS) as response:
                if response.status_code != 200:
                    raise ValueError(f"it answered {response.status_code}")
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise ValueError("it answered in an encoding that was not asked for")
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > BYTES_MAX:
                        raise ValueError(f"it is longer than {BYTES_MAX} bytes")
                return bytes(body)
    except TimeoutError as error:
        raise TimeoutError(0, _late(deadline_s)) from error


_HEADERS = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}


def _late(deadline_s: float) -> str:
    return f"it did not answer within {deadline_s:g} s"


def _parsed(document: bytes) -> list[jwt.PyJWK]:
    """The keys of a JWKS that sign. Raises one of _UNUSABLE where there are none."""
    said: Any = json.loads(document)
    keys = jwt.PyJWKSet.from_dict(said).keys
    signing = [key for key in keys if key.public_key_use in (None, "sig")]
    if not signing:
        raise ValueError("it holds no key that signs")
    return signing


def _of(keys: Sequence[jwt.PyJWK], key_id: str) -> list[jwt.PyJWK]:
    if not key_id:
        return list(keys) if len(keys) == 1 else []
    return [key for key in keys if key.key_id == key_id][:SAME_ID_MAX]


def _why(error: Exception) -> str:
    """What is wrong with keys, in words; some errors are only their name."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, _UNUSABLE):
        return f"it is no JWKS ({type(error).__name__}: {error})"
    return f"it cannot be fetched ({type(error).__name__}: {error})"
