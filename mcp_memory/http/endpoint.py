"""All that can be wrong with how HTTP is to be served, found out before anything is begun."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_memory.auth import token_file
from mcp_memory.auth.jwt_verifier import JwtVerifier
from mcp_memory.errors import SettingsInvalid
from mcp_memory.http.authentication import Verification
from mcp_memory.http.bind import BindAddress, Names

if TYPE_CHECKING:
    from mcp_memory.config.settings import Settings

MCP_PATH = "/mcp"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A listening socket, by which names it may be called, and how tokens are verified."""

    socket: socket.socket
    names: Names
    verify: Verification

    @classmethod
    def of(cls, settings: Settings, http: str) -> Endpoint:
        """Listen at `HOST:PORT`. Raises SettingsInvalid where that cannot or must not be."""
        binding = BindAddress.parse(http)
        file, issuer = token_file.TokenFile(token_file.path_of(settings)), settings.http.jwt_issuer
        file.listed()
        is_open = not (settings.http.tokens or file.is_there or issuer)
        is_near = binding.is_loopback and Names.of(binding, settings.http).are_loopback
        if is_open and not is_near:
            raise SettingsInvalid(
                f"{_told(settings, binding)}; without authentication only"
                " this machine may reach it: add a token (mcp-memory token add) or set"
                " http_jwt_issuer and http_jwt_keys, or listen at 127.0.0.1 by no other name"
            )
        audience = f"{Names.of(binding, settings.http).url}{MCP_PATH}"
        jwts = JwtVerifier(settings.http, audience) if issuer else None
        verify = Verification(file, jwts, is_open=is_open)
        _check_certificate(settings.http.tls_cert, settings.http.tls_key)
        listening = binding.listen()
        bound = replace(binding, port=listening.getsockname()[1])  # the system chose one for 0
        return cls(socket=listening, names=Names.of(bound, settings.http), verify=verify)


def _told(settings: Settings, binding: BindAddress) -> str:
    """Which setting makes it known to others."""
    given = settings.http
    if given.url or given.hosts:
        name, value = ("url", given.url) if given.url else ("hosts", ", ".join(given.hosts))
        return f"http_{name} (MCP_MEMORY_HTTP_{name.upper()}): got '{value}'"
    return f"--http: got '{binding.host}'"


def _check_certificate(cert: str, key: str) -> None:
    """Raise SettingsInvalid unless they can be used, and without asking anybody for a password."""

    def no_password() -> bytes:
        raise SettingsInvalid(
            f"http_tls_key: got '{key}'; it is encrypted, and nobody is there to be asked for"
            " its password; give one that is not, readable by the server alone"
        )

    if not cert:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, no_password)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsInvalid(
            f"http_tls_cert, http_tls_key: got '{cert}' and '{key}'; they cannot be used"
            f" ({error.strerror or error}); give a PEM file with the certificate chain, and one"
            " with its key"
        ) from error
