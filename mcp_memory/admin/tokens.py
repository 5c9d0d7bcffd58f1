"""Making, listing and ending bearer tokens, for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mcp_memory.auth.token_file import NOTE_CHARS_MAX, Token, TokenFile, path_of
from mcp_memory.domain.permissions import Permission
from mcp_memory.domain.times import parse_duration, parse_time
from mcp_memory.errors import InvalidInput
from mcp_memory.identity.resolver import DEFAULT_TENANT, check_name

if TYPE_CHECKING:
    from mcp_memory.config.settings import Settings

_BY_NAME = {permission.value.partition(":")[2]: permission for permission in Permission}


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRequest:
    """What was asked for, as it was typed."""

    user: str
    tenant: str
    permissions: str
    expires: str
    note: str


def add(settings: Settings, wanted: TokenRequest) -> tuple[str, str]:
    """Make a token; itself, and what to say of it. Raises InvalidInput, SettingsInvalid."""
    if len(wanted.note) > NOTE_CHARS_MAX or not wanted.note.isprintable():
        raise InvalidInput("note", wanted.note, f"use one line of at most {NOTE_CHARS_MAX}")
    ends = _end(wanted.expires)
    token = Token(
        id="",
        digest="",
        tenant=check_name("tenant", wanted.tenant or DEFAULT_TENANT),
        user=check_name("user", wanted.user),
        permissions=_permissions(wanted.permissions),
        note=wanted.note,
        created_at="",
        expires_at=ends.isoformat(timespec="seconds") if ends else "",
    )
    text = TokenFile(path_of(settings)).add(token)
    return (
        text,
        f"for {token.tenant}/{token.user}: {', '.join(token.permissions)};"
        f" {f'until {token.expires_at}' if ends else 'without end'}. It is not shown again.",
    )


def revoke(settings: Settings, identifier: str) -> str:
    """End a token; what to say of it. Raises NotFound."""
    ended = TokenFile(path_of(settings)).revoke(identifier)
    return f"token {ended.id} of {ended.tenant}/{ended.user} opens nothing any more"


def listed(settings: Settings) -> Sequence[Token]:
    """Every token there is, without its secret."""
    return TokenFile(path_of(settings)).listed()


def _end(text: str) -> datetime | None:
    """When a token ends: at a date, after a duration, or never."""
    if not text or text.strip().lower() == "never":
        return None
    now = datetime.now(UTC)
    is_date = "-" in text
    ends = parse_time("expires", text) if is_date else now + _duration(text)
    if ends is None or ends <= now:
        raise InvalidInput("expires", text, "use a time to come, such as 90d or 2027-01-31")
    return ends


def _duration(text: str) -> timedelta:
    return parse_duration("expires", text) or timedelta()


def _permissions(text: str) -> tuple[str, ...]:
    names = [name.removeprefix("memory:") for name in text.replace(",", " ").split()]
    for name in names:
        if name not in _BY_NAME:
            raise InvalidInput("permissions", name, f"use some of {', '.join(_BY_NAME)}")
    if not names:
        raise InvalidInput("permissions", text, f"use some of {', '.join(_BY_NAME)}")
    return tuple(_BY_NAME[name].value for name in _BY_NAME if name in names)
