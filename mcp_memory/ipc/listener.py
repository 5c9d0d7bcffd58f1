"""Where the daemon listens: a unix socket, or a port of 127.0.0.1 where there are none."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket

from mcp_memory.ipc import address as addresses
from mcp_memory.ipc.address import Address

log = logging.getLogger(__name__)

BACKLOG = 128


class Listener:
    """A listening socket, private to this user; `shown` is the secret that a proxy must show."""

    def __init__(self, address: Address) -> None:
        """Listen at an address, whose lock the caller holds. Raises OSError."""
        self.shown = self.awaited = ""
        self._address = address
        self.forget()
        try:
            self.socket = _local(address)
        except (AttributeError, OSError) as error:
            log.info("no local socket can be made (%s); listening on a port", error)
            self.socket = self._port()
        self.socket.setblocking(False)

    def is_shown(self, secret: str) -> bool:
        """Whether a proxy has shown what it must."""
        return secrets.compare_digest(secret.encode(), self.shown.encode())

    def forget(self) -> None:
        """Remove what says where the daemon is; the lock must still be held."""
        for path in (self._address.socket, self._address.port):
            with contextlib.suppress(OSError):
                os.unlink(path)

    def _port(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.bind((addresses.LOOPBACK, 0))
        sock.listen(BACKLOG)
        self.shown, self.awaited = secrets.token_hex(16), secrets.token_hex(16)
        port = sock.getsockname()[1]
        addresses.write_port(self._address, port, self.shown, self.awaited)
        return sock


def _local(address: Address) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        addresses.bind(sock, address.socket)
        os.chmod(address.socket, 0o600)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
