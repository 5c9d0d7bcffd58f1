"""The client's end: the stdin and stdout of this process, for a loop that waits for both."""

from __future__ import annotations

import os
import select
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_memory.ipc.address import Socket

READ_BYTES = 64 * 1024
WRITE_BYTES: int = getattr(select, "PIPE_BUF", 512)
"""What a pipe takes without blocking once it can be written to."""


class Pipes:
    """`source` and `sink` are what `select` waits for; a sink of -1 is written to at any time."""

    def __init__(self, source: int = 0, sink: int = 1) -> None:
        self.source = source
        self.sink = sink

    def read(self) -> bytes:
        """Some bytes, b"" at the end."""
        try:
            return os.read(self.source, READ_BYTES)
        except OSError:
            return b""

    def write(self, data: bytearray) -> int:
        """Write some of the data; how much. Raises OSError when the client is gone."""
        return os.write(self.sink, data[:WRITE_BYTES])


class PumpedPipes(Pipes):
    """For Windows, where `select` knows sockets only: a thread pumps stdin into one."""

    def __init__(self, source: int = 0, sink: int = 1) -> None:
        import socket
        from threading import Thread

        pumped, self._read_from = socket.socketpair()
        super().__init__(self._read_from.fileno(), -1)
        self._sink = sink
        Thread(target=_pump, args=(source, pumped), name="stdin", daemon=True).start()

    def read(self) -> bytes:
        """Some bytes, b"" at the end."""
        try:
            return self._read_from.recv(READ_BYTES)
        except OSError:
            return b""

    def write(self, data: bytearray) -> int:
        """Write all of the data. Raises OSError when the client is gone."""
        return os.write(self._sink, data)


def standard() -> Pipes:
    """The pipes of this process, with bytes going through as they are."""
    for descriptor in (0, 1):
        try:
            os.fstat(descriptor)
        except OSError:  # started without one: nothing comes, nobody listens
            os.open(os.devnull, os.O_RDWR)
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (0, 1):
            msvcrt.setmode(descriptor, os.O_BINARY)
        return PumpedPipes()
    return Pipes()


def _pump(source: int, into: Socket) -> None:
    """The root of a thread: everything that comes, then the end."""
    try:
        while chunk := os.read(source, READ_BYTES):
            into.sendall(chunk)
    except OSError:
        pass  # it is the end all the same
    into.close()
