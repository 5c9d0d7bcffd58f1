"""Bytes → lines, and locks on files."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory import file_lock
from mcp_memory.file_lock import FileLock
from mcp_memory.lines import LINE_BYTES_MAX, Lines


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6))
def test_lines_are_the_same_however_the_bytes_are_torn(data: bytes, cuts: list[int]) -> None:
    whole = data + b"\n"
    places = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    lines = Lines()
    torn = [line for start, end in pairwise(places) for line in lines.feed(whole[start:end])]
    assert torn == [line for line in whole.split(b"\n") if line.strip()]


def test_a_line_that_is_too_long_is_told_once_and_not_kept() -> None:
    lines = Lines()
    chunk = b"x" * (1024 * 1024)
    told = [line for _ in range(40) for line in lines.feed(chunk)]
    assert told == [b""]
    assert lines.feed(b"rest\nnext\n") == [b"next"]
    assert 40 * len(chunk) > LINE_BYTES_MAX


def test_a_lock_is_held_by_one_and_tells_by_whom(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    assert not file_lock.is_held(path)
    lock = FileLock(path, str(os.getpid()))
    assert file_lock.is_held(path)
    assert file_lock.note(path) == str(os.getpid())
    with pytest.raises(FileExistsError):
        FileLock(path, "another")
    lock.release()
    lock.release()
    assert not file_lock.is_held(path)
    assert file_lock.note(path) == ""
    FileLock(path, "another").release()
