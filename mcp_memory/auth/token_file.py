"""Bearer tokens of a small team: a file of their digests, and nothing that opens anything.

A token is `mcpm_ID_SECRET`: the id finds its entry, and the SHA-256 of the whole is compared
in constant time. The secret has 256 random bits, so that no slow hash is needed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from mcp_memory.domain.permissions import Permission
from mcp_memory.errors import InvalidInput, SettingsInvalid, StoreError
from mcp_memory.identity.resolver import check_name
from mcp_memory.system.file_lock import FileLock

if TYPE_CHECKING:
    from mcp_memory.config.settings import Settings

FILE = "tokens.json"
PREFIX = "mcpm_"
ID_BYTES, SECRET_BYTES = 4, 32
TOKENS_MAX = 10_000
NOTE_CHARS_MAX = 128
LOCK_TRIES, LOCK_RETRY_S = 100, 0.02
_NOBODY = "0" * 64
_DIGEST = re.compile("[0-9a-f]{64}")
_OTHERS_MAY_WRITE = 0o022


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """One bearer token, without its secret. Times are ISO 8601 in UTC, "" for none."""

    id: str
    digest: str
    tenant: str
    user: str
    permissions: tuple[str, ...]
    note: str
    created_at: str
    expires_at: str

    @property
    def ends(self) -> float | None:
        """When it ends, in seconds since 1970; None for never."""
        return datetime.fromisoformat(self.expires_at).timestamp() if self.expires_at else None

    @property
    def granted(self) -> frozenset[Permission]:
        """What it permits."""
        return frozenset(Permission(permission) for permission in self.permissions)

    def check(self) -> None:
        """Raise InvalidInput or ValueError for what somebody has written who was no `add`."""
        if not _DIGEST.fullmatch(self.digest):
            raise ValueError("a digest is 64 hexadecimal digits")
        for part, name in (("tenant", self.tenant), ("user", self.user)):
            check_name(part, name)
        _ = self.ends, self.granted


_TOKENS = TypeAdapter(tuple[Token, ...])


def path_of(settings: Settings) -> Path:
    """Where the tokens of a server are."""
    given = settings.http.tokens
    return Path(given) if given else settings.home / FILE


class TokenFile:
    """The tokens of one server. Reading takes no lock: the file is only ever replaced whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, ...] | None = None
        self._tokens: dict[str, Token] = {}

    @property
    def is_there(self) -> bool:
        """Whether there is such a file; one that cannot be looked at is."""
        try:
            self.path.stat()
        except FileNotFoundError:
            return False
        except OSError:
            pass
        return True

    def verify(self, token: str) -> Token | None:
        """The token's entry, if it is one of these and has not ended. Raises SettingsInvalid."""
        identifier = token.removeprefix(PREFIX).partition("_")[0]
        found = self._current().get(identifier)
        digest = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
        is_same = hmac.compare_digest(digest, found.digest if found else _NOBODY)
        if found is None or not is_same or (found.ends is not None and found.ends <= time.time()):
            return None
        return found

    def listed(self) -> list[Token]:
        """Every token, oldest first. Raises SettingsInvalid."""
        return list(self._read().values())

    def add(self, wanted: Token) -> str:
        """Add a token for whom `wanted` names; the token itself, which is kept nowhere."""
        with self._changing() as tokens:
            if len(tokens) >= TOKENS_MAX:
                raise InvalidInput("token", f"{len(tokens)} tokens", f"at most {TOKENS_MAX}")
            identifier = secrets.token_hex(ID_BYTES)
            text = f"{PREFIX}{identifier}_{secrets.token_urlsafe(SECRET_BYTES)}"
            digest = hashlib.sha256(text.encode()).hexdigest()
            now = datetime.now(UTC).isoformat(timespec="seconds")
            tokens[identifier] = replace(wanted, id=identifier, digest=digest, created_at=now)
        return text

    def revoke(self, identifier: str) -> Token:
        """Remove a token; it opens nothing from the next request on. Raises InvalidInput."""
        with self._changing() as tokens:
            if identifier not in tokens:
                raise InvalidInput(
                    "id", identifier, "there is no such token; see: mcp-memory token list"
                )
            return tokens.pop(identifier)

    @contextmanager
    def _changing(self) -> Generator[dict[str, Token]]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = self._lock()
        except OSError as error:
            raise _unwritable(self.path, error) from error
        try:
            tokens = self._read()
            yield tokens
            self._write(list(tokens.values()))
        except OSError as error:
            raise _unwritable(self.path, error) from error
        finally:
            lock.release()

    def _lock(self) -> FileLock:
        for _ in range(LOCK_TRIES):
            try:
                return FileLock(f"{self.path}.lock", str(os.getpid()))
            except FileExistsError:
                time.sleep(LOCK_RETRY_S)
        raise StoreError(f"{self.path} is being changed by another command; try again")

    def _current(self) -> dict[str, Token]:
        """The tokens as they are now; the file is read again when it was changed."""
        try:
            now = self.path.stat()
            seen = (now.st_mtime_ns, now.st_size, now.st_ino, now.st_mode)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if seen != self._seen:
            self._tokens, self._seen = self._read(), seen
        return self._tokens

    def _read(self) -> dict[str, Token]:
        try:
            with self.path.open("rb") as file:
                if os.name == "posix" and os.fstat(file.fileno()).st_mode & _OTHERS_MAY_WRITE:
                    raise SettingsInvalid(
                        f"{self.path}: others can write to it, and so let themselves in; close it"
                        f" (chmod 600 {self.path}) and look through: mcp-memory token list"
                    )
                tokens = _TOKENS.validate_json(file.read())
            for token in tokens:
                token.check()
            return {token.id: token for token in tokens}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, InvalidInput) as error:  # pydantic's are ValueErrors
            raise _unreadable(self.path, error) from error

    def _write(self, tokens: Sequence[Token]) -> None:
        data = _TOKENS.dump_json(tuple(tokens), indent=1)
        made = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, self.path)


def _unreadable(path: Path, error: Exception) -> SettingsInvalid:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        told = f"it is no list of tokens: {where}{': ' if where else ''}{first['msg']}"
    else:
        told = str(getattr(error, "strerror", None) or error)
    return SettingsInvalid(f"{path}: cannot be read ({told}); mend it, or put it aside")


def _unwritable(path: Path, error: OSError) -> StoreError:
    reason = error.strerror or error
    return StoreError(f"{path}: cannot be written ({reason}); see MCP_MEMORY_HTTP_TOKENS")
