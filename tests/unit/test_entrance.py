"""Without tokens the web door is for this machine alone, whatever stands before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_memory import settings
from mcp_memory.errors import SettingsInvalid
from mcp_memory.web.entrance import Entrance


def enter(home: Path, http: str = "127.0.0.1:0", **given: str) -> Entrance:
    """The entrance of a server that is set up so."""
    environ = {f"MCP_MEMORY_HTTP_{name}": value for name, value in given.items()}
    return Entrance.of(settings.load({"MCP_MEMORY_HOME": str(home), **environ}), http)


@pytest.mark.parametrize(
    ("http", "given"),
    [
        ("0.0.0.0:0", {"URL": "https://memory.example.com"}),
        ("127.0.0.1:0", {"URL": "https://memory.example.com"}),
        ("127.0.0.1:0", {"HOSTS": "memory.example.com"}),
        ("localhost:0", {"URL": "http://localhost:1", "HOSTS": "localhost:1,memory.example.com"}),
    ],
)
def test_who_could_come_through_a_proxy_needs_a_token(
    tmp_path: Path, http: str, given: dict[str, str]
) -> None:
    with pytest.raises(SettingsInvalid, match="without authentication only this machine"):
        enter(tmp_path, http, **given)
    entrance = enter(tmp_path, http, TOKENS=str(tmp_path / "tokens"), **given)
    with entrance.socket:
        assert not entrance.verify.is_open()


@pytest.mark.parametrize("given", [{}, {"URL": "http://localhost:9000"}, {"HOSTS": "127.0.0.1:1"}])
def test_by_names_of_this_machine_alone_nobody_needs_one(
    tmp_path: Path, given: dict[str, str]
) -> None:
    entrance = enter(tmp_path, **given)
    with entrance.socket:
        assert entrance.verify.is_open()


def test_from_the_first_token_on_everybody_needs_one_whatever_becomes_of_it(
    tmp_path: Path,
) -> None:
    entrance = enter(tmp_path)
    with entrance.socket:
        assert entrance.verify.is_open()
        (tmp_path / "tokens.json").write_text("[]", "utf-8")
        assert not entrance.verify.is_open()
        (tmp_path / "tokens.json").unlink()
        assert not entrance.verify.is_open()
