"""Where the HTTP server listens, and by which names it may be called."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from mcp_memory.config.http import HttpSettings
from mcp_memory.errors import SettingsInvalid

HOST, PORT = "127.0.0.1", 8765
BACKLOG = 512
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class BindAddress:
    """An address to listen at. `host` is a name or an address without brackets."""

    host: str = HOST
    port: int = PORT

    @classmethod
    def parse(cls, text: str) -> BindAddress:
        """`HOST:PORT`, `HOST`, `:PORT` or `PORT`; IPv6 in brackets. Raises SettingsInvalid."""
        expected = SettingsInvalid(f"--http: got '{text}'; use HOST:PORT, such as {HOST}:{PORT}")
        if text.isdecimal():
            text = f":{text}"
        try:
            parts = urlsplit(f"//{text}")
            port = PORT if parts.port is None else parts.port
        except ValueError as error:
            raise expected from error
        more = parts.path or parts.query or parts.fragment or parts.username is not None
        if more or not text.isascii():
            raise expected
        return cls(host=parts.hostname or HOST, port=port)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def listen(self) -> socket.socket:
        """A listening socket. Raises SettingsInvalid where there can be none."""
        host = HOST if self.host == "localhost" else self.host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # The protocol is named because asyncio sends small packets at once only where it is.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # elsewhere the option lets others take the port
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, self.port))
            listening.listen(BACKLOG)
            return listening
        except OSError as error:
            listening.close()
            raise SettingsInvalid(
                f"--http: got '{self.host}:{self.port}'; it cannot be listened at"
                f" ({error.strerror or error}); choose another port, or end who has it"
            ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """The URL that clients are given, and the exact Host and Origin headers that count."""

    url: str
    hosts: frozenset[str]
    origins: frozenset[str]

    @classmethod
    def of(cls, binding: BindAddress, settings: HttpSettings) -> Names:
        """The names of a transport that listens there. Raises SettingsInvalid without a URL."""
        scheme = "https" if settings.tls_cert else "http"
        if not settings.url and not binding.is_loopback:
            raise SettingsInvalid(
                f"http_url: got nothing, and '{binding.host}' is reached by other names; give the"
                " address that clients use, such as https://memory.example.com"
            )
        own = [f"{scheme}://{name}:{binding.port}" for name in _LOOPBACK_NAMES]
        urls = [settings.url.rstrip("/")] if settings.url else own
        called = [*urls, *(own if binding.is_loopback else ())]
        return cls(
            url=urls[0],
            hosts=frozenset(settings.hosts).union(*map(_hosts, called)),
            origins=frozenset((*settings.origins, *called)),
        )

    @property
    def are_loopback(self) -> bool:
        """Whether all of them mean this machine, so that no proxy makes it known to others."""
        return all(re.sub(r":\d+$", "", host) in _LOOPBACK_NAMES for host in self.hosts)

    @property
    def is_plain(self) -> bool:
        """Whether what clients send crosses a network without TLS."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and not BindAddress.parse(parts.netloc).is_loopback


def _hosts(url: str) -> set[str]:
    """The values of a Host header by which a URL is asked for, its default port optional."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else host
    default = _DEFAULT_PORTS[parts.scheme]
    return {f"{name}:{parts.port or default}", *([name] if parts.port in (None, default) else [])}
