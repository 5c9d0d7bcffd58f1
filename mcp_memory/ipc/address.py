"""Where the daemon of a store is found: its folder, its lock, its log, and its socket.

On Windows, and on a file system that has no sockets, the daemon listens on a port of
127.0.0.1 instead. The port stands in a private file with two secrets: the proxy shows one,
the daemon the other, so that no stranger is served, nor believed.
"""

from __future__ import annotations

# The module behind `socket`: what that one adds costs the stdio proxy ten milliseconds.
import _socket
import os

Socket = _socket.socket
"""A socket as the daemon's connections are: `socket.socket` is one too."""

PATH_BYTES_MAX = 100
"""Longer paths do not fit into a socket's address (104 bytes on macOS, 108 on Linux)."""
LOOPBACK = "127.0.0.1"
CONNECT_TIMEOUT_S = 0.5
_PORT_BYTES_MAX = 256


class Address:
    """The files by which a store's daemon is found, in a folder of the store's folder."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.folder = os.path.join(home, "daemon")
        self.lock = os.path.join(self.folder, "lock")
        self.log = os.path.join(self.folder, "log")
        self.socket = os.path.join(self.folder, "socket")
        self.port = os.path.join(self.folder, "port")

    def make_folder(self) -> None:
        """The folder, closed to others. Raises OSError."""
        os.makedirs(self.home, 0o700, exist_ok=True)
        os.makedirs(self.folder, 0o700, exist_ok=True)
        os.chmod(self.folder, 0o700)


class Connected:
    """A connection to whatever listens at an address, and the secrets of it, "" for none."""

    def __init__(self, sock: Socket, shown: str = "", awaited: str = "") -> None:
        self.socket = sock
        self.shown = shown
        self.awaited = awaited
        self.heard = bytearray()


def connect(address: Address) -> Connected | None:
    """A connection, not greeted yet; None when nobody listens there.

    What lies in a folder that somebody else made is not believed. Raises TimeoutError when
    there is somebody who takes no more connections.
    """
    if not _is_ours(address.folder):
        return None
    return _connect_local(address) or _connect_port(address)


def _is_ours(folder: str) -> bool:
    try:
        return not hasattr(os, "getuid") or os.stat(folder).st_uid == os.getuid()
    except OSError:
        return False


def bind(sock: Socket, path: str) -> None:
    """Bind a unix socket to a path, of any length. Raises OSError."""
    _at(path, sock.bind)


def write_port(address: Address, port: int, shown: str, awaited: str) -> None:
    """Say where the daemon listens when it has no socket: readable by this user only."""
    draft = address.port + ".tmp"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, f"{port} {shown} {awaited}\n".encode())
    finally:
        os.close(descriptor)
    os.replace(draft, address.port)


def _connect_local(address: Address) -> Connected | None:
    if not hasattr(_socket, "AF_UNIX"):
        return None
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    sock.settimeout(CONNECT_TIMEOUT_S)
    try:
        _at(address.socket, sock.connect)
    except (TimeoutError, BlockingIOError):  # its queue is full
        sock.close()
        raise TimeoutError("the daemon takes no more connections") from None
    except OSError:
        sock.close()
        return None
    return Connected(sock)


def _connect_port(address: Address) -> Connected | None:
    try:
        with open(address.port, "rb") as file:
            port, shown, awaited = file.read(_PORT_BYTES_MAX).decode("ascii").split()
        sock = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    except (OSError, ValueError):
        return None
    sock.settimeout(CONNECT_TIMEOUT_S)
    try:
        sock.connect((LOOPBACK, int(port)))
    except (OSError, ValueError):
        sock.close()
        return None
    return Connected(sock, shown, awaited)


def _at(path: str, use: object) -> None:
    """Call `use` with a path that fits: seen from its own folder, if it is too long."""
    assert callable(use)
    if len(os.fsencode(path)) <= PATH_BYTES_MAX:
        use(path)
        return
    before = os.getcwd()
    os.chdir(os.path.dirname(path))
    try:
        use(os.path.basename(path))
    finally:
        os.chdir(before)
