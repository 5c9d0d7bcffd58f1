"""The one place where the engines' errors become ours."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager

import apsw
import duckdb

from mcp_memory.errors import StoreDamaged, StoreError, StoreFull
from mcp_memory.storage.embedded.shared.migrations import Unnumbered

FULL_NUMBERS = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
"""How a system says that there is no room, on the disk or under a limit."""
_FULL_WORDS = ("no space left", "file too large", "disk quota", "disk is full", "disk full")
_DAMAGED = (apsw.CorruptError, apsw.NotADBError, duckdb.SerializationException)
_DAMAGED_WORDS = ("blob", "chunks iter", "sqlite-vec error", "malformed", "corrupt")
_RECORD_DAMAGED = (duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)
_RECORD_DAMAGED_WORDS = ("corrupt", "checksum", "could not read enough", "could not read all")
_REFUSED_WORDS = ("fsync failed", "input/output error", "could not write")
"""What a disk that refuses makes a connection say when it dies: its file is as it was."""
_NOT_THE_FILE = (
    apsw.FullError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.PermissionsError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.InterruptError,
)
_ENGINE = (apsw.Error, duckdb.Error, OSError)


def is_index_damage(error: BaseException | None) -> bool:
    """Whether the index's file is at fault; sqlite-vec tells of it in words only."""
    if isinstance(error, StoreError):
        return is_index_damage(error.__cause__)
    # A text that is none comes out of a damaged page.
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError)):
        return True
    words = str(error).lower()
    return isinstance(error, apsw.Error) and any(word in words for word in _DAMAGED_WORDS)


def may_be_index_damage(error: BaseException) -> bool:
    """Whether an index that fails while it is opened had better be made anew.

    Almost any error can come of damaged pages, such as a constraint that fails, or a value
    that is of the wrong type. What has to do with the machine and not the file cannot.
    """
    if isinstance(error, Unnumbered):
        return True
    if isinstance(error, StoreError):
        return error.__cause__ is not None and may_be_index_damage(error.__cause__)
    if isinstance(error, (OSError, duckdb.Error, *_NOT_THE_FILE)) or is_full(error):
        return False
    return isinstance(error, Exception)


def is_record_damage(error: BaseException | None) -> bool:
    """Whether the record's file is at fault; each of its blocks has a checksum."""
    if isinstance(error, Unnumbered):
        return True
    if isinstance(error, StoreError):
        return is_record_damage(error.__cause__)
    if not isinstance(error, duckdb.Error) or is_full(error):
        return False
    words = str(error).lower()
    if any(word in words for word in _REFUSED_WORDS):
        return False
    return isinstance(error, _RECORD_DAMAGED) or any(w in words for w in _RECORD_DAMAGED_WORDS)


@contextmanager
def mapped(doing: str) -> Generator[None]:
    """Turn what an engine or the file system raises while `doing` something into ours."""
    try:
        yield
    except _ENGINE as error:
        raise translate(doing, error) from error


def translate(doing: str, error: Exception) -> StoreError:
    """Our error for what happened while `doing` something."""
    if is_full(error):
        return StoreFull(
            f"the disk was full while {doing}; nothing stored before is lost: free some"
            " space and try again"
        )
    if isinstance(error, PermissionError):
        return StoreError(
            f"no permission to use {error.filename} while {doing}; let this user write there,"
            " or choose another folder with --home or MCP_MEMORY_HOME"
        )
    if isinstance(error, _DAMAGED) or is_record_damage(error):
        return StoreDamaged(
            f"a file was found damaged while {doing} ({_first_line(error)}); the next use"
            " of the store repairs it: try again, or run: mcp-memory doctor"
        )
    return StoreError(
        f"the store failed while {doing} ({_first_line(error)}); try again, and if it"
        " stays so run: mcp-memory doctor"
    )


def is_full(error: BaseException) -> bool:
    """Whether there was no room, on the disk or under a limit."""
    if isinstance(error, apsw.FullError):
        return True
    if isinstance(error, OSError) and error.errno in FULL_NUMBERS:
        return True
    return any(word in str(error).lower() for word in _FULL_WORDS)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
