"""Who is at the other end of a local socket."""

from __future__ import annotations

import os
import socket
import struct
import sys

_UCRED = struct.Struct("3i")
_XUCRED = struct.Struct("=IIh")
_LOCAL_LEVEL, _LOCAL_PEERCRED = 0, 1


def is_stranger(sock: socket.socket) -> bool:
    """Whether the process at the other end runs under another user than this one.

    Asks the system (SO_PEERCRED on Linux, LOCAL_PEERCRED on macOS and the BSDs). Where it
    cannot say, the folder of the socket, which is closed to others, has to do.
    """
    user = _user_of(sock)
    return user is not None and user != os.getuid()


def _user_of(sock: socket.socket) -> int | None:
    if sys.platform == "win32" or sock.family != socket.AF_UNIX:
        return None
    if sys.platform == "linux":
        found = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        return _UCRED.unpack(found)[1]
    found = sock.getsockopt(_LOCAL_LEVEL, _LOCAL_PEERCRED, 256)
    return _XUCRED.unpack_from(found)[1] if len(found) >= _XUCRED.size else None
