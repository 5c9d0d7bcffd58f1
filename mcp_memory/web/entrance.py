"""All that can be wrong with how HTTP is to be served, found out before anything is begun."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_memory.errors import SettingsInvalid
from mcp_memory.web import tokens
from mcp_memory.web.authentication import Verification
from mcp_memory.web.binding import Binding, Names
from mcp_memory.web.jwts import JwtVerifier

if TYPE_CHECKING:
    from mcp_memory.settings import Settings

MCP_PATH = "/mcp"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrance:
    """A listening socket, by which names it may be called, and how tokens are verified.

    `verify` is None where nobody needs a token, which is on loopback only.
    """

    socket: socket.socket
    names: Names
    verify: Verification | None

    @classmethod
    def of(cls, settings: Settings, http: str) -> Entrance:
        """Listen at `HOST:PORT`. Raises SettingsInvalid where that cannot or must not be."""
        binding = Binding.parse(http)
        verify = _verification(settings, Names.of(binding, settings.http).url)
        if verify is None and not binding.is_loopback:
            raise SettingsInvalid(
                f"--http: got '{binding.host}'; without authentication only this machine may"
                " reach it: add a token (mcp-memory token add) or set http_jwt_issuer and"
                " http_jwt_keys, or listen at 127.0.0.1"
            )
        listening = binding.listen()
        bound = replace(binding, port=listening.getsockname()[1])  # the system chose one for 0
        return cls(socket=listening, names=Names.of(bound, settings.http), verify=verify)


def _verification(settings: Settings, url: str) -> Verification | None:
    file = Path(settings.http.tokens) if settings.http.tokens else settings.home / tokens.FILE
    known = tokens.TokenFile(file) if settings.http.tokens or file.exists() else None
    if known is not None:
        known.listed()  # a file that cannot be read is told at the start
    jwts = JwtVerifier(settings.http, f"{url}{MCP_PATH}") if settings.http.jwt_issuer else None
    return Verification(known, jwts) if known or jwts else None
