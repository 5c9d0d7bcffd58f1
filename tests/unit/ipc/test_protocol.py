"""What proxies and daemons say first."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory import __version__
from mcp_memory.ipc import protocol

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
NAME = st.text("abcdefghijklmnopqrstuvwxyz._", min_size=1, max_size=12)


@given(st.lists(st.tuples(NAME, TEXT), max_size=8))
def test_a_daemon_reads_what_the_proxy_said(pairs: list[tuple[str, str]]) -> None:
    head, _, block = protocol.hello(protocol.SERVE, pairs).partition(b"\n")
    version, purpose, size = protocol.parse_head(head)
    assert (version, purpose, size) == (__version__, protocol.SERVE, len(block))
    assert protocol.parse_pairs(block) == pairs


def test_a_folder_whose_name_is_no_text_arrives_as_it_is() -> None:
    folder = os.fsdecode(b"/caf\xe9/\nx")
    block = protocol.hello(protocol.SERVE, [("cwd", folder)]).partition(b"\n")[2]
    assert protocol.parse_pairs(block) == [("cwd", folder)]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET / HTTP/1.1",
        b"mcp-memory 1 serve",
        b"mcp-memory 1 serve -1",
        b"mcp-memory 1 serve 999999999",
        b"\xff" * 9,
        b'{"jsonrpc":"2.0","id":1,"method":"ping"}',
    ],
)
def test_whoever_is_no_proxy_is_told_apart(head: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        protocol.parse_head(head)


def test_an_answer_is_one_line_whatever_it_says() -> None:
    line = protocol.answer(protocol.REFUSED, "no\nsuch " + "thing " * 9_000)
    assert line.count(b"\n") == 1
    assert len(line) <= protocol.LINE_BYTES_MAX
    found = protocol.parse_answer(line)
    assert found is not None
    assert found[:2] == (__version__, protocol.REFUSED)
    assert found[2].startswith("no such thing")
    assert protocol.parse_answer(protocol.answer(protocol.WELCOME, "")) == (
        __version__,
        protocol.WELCOME,
        "",
    )
    assert protocol.parse_answer(b'{"jsonrpc":"2.0"}') is None


@pytest.mark.parametrize(
    ("version", "other", "is_older"),
    [
        ("0.1.0", "0.1.1", True),
        ("0.9.0", "0.10.0", True),
        ("1.0.0", "0.9.9", False),
        ("0.1.0", "0.1.0", False),
        ("0.2.0rc1", "0.2.0", False),
        ("0.1.9rc1", "0.2.0", True),
    ],
)
def test_versions_are_compared_number_by_number(version: str, other: str, is_older: bool) -> None:
    assert protocol.is_older(version, other) is is_older
