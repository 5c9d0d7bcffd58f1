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
        file = _token_file(settings)
        is_near = binding.is_loopback and Names.of(binding, settings.http).are_loopback
        if not (is_near or file or settings.http.jwt_issuer):
            raise SettingsInvalid(
                f"--http: got '{settings.http.url or binding.host}'; without authentication only"
                " this machine may reach it: add a token (mcp-memory token add) or set"
                " http_jwt_issuer and http_jwt_keys, or listen at 127.0.0.1 by no other name"
            )
        verify = _verification(settings, file, Names.of(binding, settings.http).url)
        listening = binding.listen()
        bound = replace(binding, port=listening.getsockname()[1])  # the system chose one for 0
        return cls(socket=listening, names=Names.of(bound, settings.http), verify=verify)


def _token_file(settings: Settings) -> tokens.TokenFile | None:
    """The file of tokens, if there is to be one. Raises SettingsInvalid if it cannot be read."""
    path = Path(settings.http.tokens) if settings.http.tokens else settings.home / tokens.FILE
    if not settings.http.tokens and not path.exists():
        return None
    file = tokens.TokenFile(path)
    file.listed()
    return file


def _verification(
    settings: Settings, file: tokens.TokenFile | None, url: str
) -> Verification | None:
    jwts = JwtVerifier(settings.http, f"{url}{MCP_PATH}") if settings.http.jwt_issuer else None
    return Verification(file, jwts) if file or jwts else None
