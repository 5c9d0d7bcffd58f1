"""What a host is called in ~/.ssh/config is the machine that is meant; nothing is run for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_memory.identity.git_remote import repository
from mcp_memory.identity.ssh_config import FILES_MAX, machine

CONFIG = """
# a comment
Host gh
    HostName github.com
    User git
Host work work-*
  HostName = git.example.com
  Port=2222
Host "quoted" # and a comment
  hostname "gitlab.com"
Host *.corp !evil.corp
  HostName %h.example.com
Host github.com
  HostName ssh.github.com
  Port 443
Host twice
  HostName first.example.com
Host twice
  HostName second.example.com
Match host matched exec "touch ran"
  HostName wrong.example.com
Match all
  Port 2200
Host odd
  HostName %d/../x
Include more/*.conf ~/absent
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "more").mkdir()
    (tmp_path / "config").write_text(CONFIG.replace("Match all\n  Port 2200\n", ""))
    (tmp_path / "more" / "a.conf").write_text("Host inner\nHostName inner.example.com\n")
    return tmp_path


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("gh", ("github.com", None)),
        ("work", ("git.example.com", 2222)),
        ("work-x", ("git.example.com", 2222)),
        ("quoted", ("gitlab.com", None)),
        ("a.corp", ("a.corp.example.com", None)),
        ("evil.corp", ("evil.corp", None)),
        ("github.com", ("ssh.github.com", 443)),
        ("twice", ("first.example.com", None)),
        ("matched", ("matched", None)),
        ("odd", ("odd", None)),
        ("unknown", ("unknown", None)),
    ],
)
def test_the_first_that_fits_counts(folder: Path, host: str, expected: tuple[str, int]) -> None:
    assert machine(host, folder) == expected
    assert not (folder / "ran").exists()


def test_what_is_included_counts_where_it_stands(folder: Path) -> None:
    (folder / "config").write_text("Include more/*.conf\nHost inner\nHostName late.example.com\n")
    assert machine("inner", folder) == ("inner.example.com", None)
    (folder / "config").write_text("Host other\nInclude more/*.conf\n")
    assert machine("inner", folder) == ("inner", None)
    (folder / "config").write_text("Match all\nPort 2200\nInclude config\n")
    assert machine("inner", folder) == ("inner", 2200)


def test_a_configuration_that_includes_itself_a_hundred_times_ends(folder: Path) -> None:
    (folder / "config").write_text("Include config\n" * 100 + "Host x\nHostName y.example.com\n")
    assert machine("x", folder)[0] in ("x", "y.example.com")
    for number in range(3 * FILES_MAX):
        (folder / "more" / f"b{number}.conf").write_text("Include more/*.conf\n")
    (folder / "config").write_text("Host x\nHostName y.example.com\nInclude more/*.conf\n")
    assert machine("x", folder) == ("y.example.com", None)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00Host", b"Host", b"Host x\nHostName\n", b"\n" * 9]
)
def test_a_configuration_that_is_none_changes_nothing(folder: Path, content: bytes) -> None:
    (folder / "config").write_bytes(content)
    assert machine("x", folder) == ("x", None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    (folder / "config").unlink()
    os.mkfifo(folder / "config")
    assert machine("x", folder) == ("x", None)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@gh:Acme/App.git", "github.com/acme/app"),
        ("gh:acme/app", "github.com/acme/app"),
        ("ssh://gh/acme/app", "github.com/acme/app"),
        ("git@github.com:acme/app.git", "github.com/acme/app"),
        ("work:team/app", "git.example.com:2222/team/app"),
        ("ssh://git@git.example.com:2222/team/app", "git.example.com:2222/team/app"),
        ("https://gh/acme/app", "gh/acme/app"),
    ],
)
def test_a_remote_by_an_alias_is_the_repository_behind_it(
    folder: Path, url: str, name: str
) -> None:
    assert repository(url, lambda host: machine(host, folder)) == name
