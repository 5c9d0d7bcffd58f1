"""Bytes → lines, and locks on files."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.system import file_lock
from mcp_memory.system.file_lock import FileLock
from mcp_memory.system.framing import LINE_BYTES_MAX, Lines, TooLong


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
    assert [line for _ in range(40) for line in lines.feed(chunk)] == []
    assert 40 * len(chunk) > LINE_BYTES_MAX
    told = lines.feed(b"rest\nnext\n")
    assert told == [b"", b"next"]
    assert [isinstance(line, TooLong) for line in told] == [True, False]


TEXT = b"x" * (LINE_BYTES_MAX + 1)
CALL = b'"method": "tools/call"'
PARAMS = b'"params": {"id": 5, "method": "m", "arguments": {"memories": "%s", "id": 6}}'
WHOSE = {
    "id first": (b'{"jsonrpc": "2.0", "id": 7, %b, %b}', 7),
    "method first": (b'{%b, %b, "jsonrpc": "2.0", "id": 7}', 7),
    "id last, a text": (b'{%b,%b,"jsonrpc":"2.0","id":"a\\"b-\\u00e9" } ', 'a"b-\u00e9'),
    "id between": (b'{"id":-3,%b,%b,"jsonrpc":"2.0"}\r', -3),
    "a notification": (b'{"jsonrpc": "2.0", %b, %b}', None),
    "an id that is none": (b'{"jsonrpc": "2.0", "id": [7], %b, %b}', None),
    "an escape that is none": (b'{"jsonrpc": "2.0", "id": "\\x", %b, %b}', None),
    "in a list": (b'[{"jsonrpc": "2.0", "id": 7, %b, %b}]', None),
}


@pytest.mark.parametrize("form", WHOSE)
def test_a_request_that_is_too_long_is_known_by_its_own_id(form: str) -> None:
    line, request_id = WHOSE[form]
    lines = Lines()
    whole = line % (CALL, PARAMS % TEXT) + b"\n"
    size = 1_000_003
    told = [line for at in range(0, len(whole), size) for line in lines.feed(whole[at : at + size])]
    assert [line.request_id for line in told if isinstance(line, TooLong)] == [request_id]


@pytest.mark.parametrize(
    "line", [b'{"jsonrpc":"2.0","id":7,"result":{"t":"%b"}}', b'{"result":{"t":"%b"},"id":7}']
)
def test_an_answer_that_is_too_long_is_not_taken_for_a_request(line: bytes) -> None:
    (told,) = Lines().feed(line % TEXT + b"\n")
    assert isinstance(told, TooLong)
    assert told.request_id is None


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
