"""SQLite connections with sqlite-vec, and a pool of them for readers."""

from __future__ import annotations

import ctypes
import os
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Condition
from typing import Any

import apsw
import sqlite_vec

from mcp_memory.domain.conversation import place_of
from mcp_memory.domain.statements import fingerprint, slot_of
from mcp_memory.storage.embedded.shared.errors import FULL_NUMBERS

BUSY_MS = 5_000
_IDLE_READERS_MAX = 2
_MAPPED_BYTES_MAX = 1 << 30


def connect(path: Path, *, mapped: bool = False) -> apsw.Connection:
    """A connection that overwrites what it deletes; a `mapped` one reads faster."""
    connection = apsw.Connection(str(path))
    try:
        _set_up(connection, mapped=mapped)
        if not mapped:  # it has its mode from the first, and a read changes nothing
            os.chmod(path, 0o600)
    except BaseException:
        connection.close()
        raise
    return connection


def seal(*said: object) -> int:
    """A checksum of a document's row: `recorded_to`, document, terms. SQLite's pages have none."""
    return zlib.crc32("\n".join(map(str, said)).encode())


def thread_of(*source: object) -> str:
    """The conversation that a source names; "" for none."""
    return place_of("".join(map(str, source))).thread


def position_of(*source: object) -> int:
    """Where in that conversation."""
    return place_of("".join(map(str, source))).position


def fingerprint_of(*said: object) -> str:
    """What identifies a statement: its content, and its key."""
    content, key = map(str, said)
    return fingerprint(content, key)


def slot_named(*key: object) -> str:
    """What a key names, however it is spelt."""
    return slot_of("".join(map(str, key)))


@cache
def _vec0() -> str:
    """Where the extension is. Held open, for SQLite lets it go with its last connection, and
    the next one could not have it once the installation was removed."""
    path = Path(sqlite_vec.loadable_path())
    for file in sorted(path.parent.glob(f"{path.name}.*")):
        ctypes.CDLL(str(file))
    return str(path)


def _set_up(connection: apsw.Connection, *, mapped: bool) -> None:
    connection.enable_load_extension(True)
    connection.load_extension(_vec0())
    connection.enable_load_extension(False)
    connection.create_scalar_function("seal", seal, 3, deterministic=True)
    connection.create_scalar_function("thread_of", thread_of, 1)
    connection.create_scalar_function("position_of", position_of, 1)
    connection.create_scalar_function("slot_of", slot_named, 1)
    connection.create_scalar_function("fingerprint_of", fingerprint_of, 2)
    connection.set_busy_timeout(BUSY_MS)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "normal")  # what a power cut takes, the record has
    connection.pragma("secure_delete", True)
    connection.pragma("temp_store", "memory")
    # A quarter off a search of 100,000; but each connection counts its own resident pages.
    connection.pragma("mmap_size", _MAPPED_BYTES_MAX if mapped else 0)


@contextmanager
def transaction(connection: apsw.Connection) -> Generator[None]:
    """All or nothing."""
    with full_told(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def full_told(connection: apsw.Connection) -> Generator[None]:
    """Tell a file that may not grow, which SQLite takes for any I/O error, as a full disk."""
    try:
        yield
    except apsw.IOError as error:
        if connection.system_errno in FULL_NUMBERS:
            raise apsw.FullError(str(error)) from error
        raise


def rows(
    connection: apsw.Connection, query: str, values: Mapping[str, Any] | None = None
) -> list[Any]:
    """Everything that a query finds."""
    return connection.execute(query, values).fetchall()


class Readers:
    """Connections for readers: each has one to itself, on a snapshot of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[apsw.Connection] = []
        self._busy = 0
        self._shut = False
        self._changed = Condition()

    @contextmanager
    def reading(self) -> Generator[apsw.Connection]:
        """A connection on one snapshot. Waits while somebody is `alone`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._shut)
            self._busy += 1
            connection = self._idle.pop() if self._idle else None
        is_fit = False
        try:
            connection = connection or connect(self._path, mapped=True)
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                # One that cannot end its snapshot must not hide why, nor be used again.
                with suppress(apsw.Error):
                    connection.execute("ROLLBACK")
                    is_fit = True
        finally:
            self._put_back(connection, is_fit=is_fit)

    @contextmanager
    def alone(self) -> Generator[None]:
        """No reader is at work, and none begins, while this lasts."""
        with self._changed:
            self._changed.wait_for(lambda: not self._shut)
            self._shut = True
            self._changed.wait_for(lambda: not self._busy)
        try:
            yield
        finally:
            with self._changed:
                self._shut = False
                self._changed.notify_all()

    @contextmanager
    def away(self) -> Generator[None]:
        """Nobody has the file open, nor opens it, while this lasts; see `alone`."""
        with self.alone():
            while self._idle:
                self._idle.pop().close()
            yield

    def _put_back(self, connection: apsw.Connection | None, *, is_fit: bool) -> None:
        with self._changed:
            self._busy -= 1
            if connection is not None and is_fit and len(self._idle) < _IDLE_READERS_MAX:
                self._idle.append(connection)
            elif connection is not None:
                connection.close()
            self._changed.notify_all()
