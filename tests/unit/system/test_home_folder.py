"""A folder in which no store can live is told with what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_memory.errors import McpMemoryError
from mcp_memory.library import open_memory
from mcp_memory.system.home_folder import fault

SOMEBODY = 65534
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights of Linux and macOS")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that anybody may look into."""
    made = Path(tempfile.mkdtemp(prefix="homes"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def own(folder: Path) -> Iterator[Path]:
    """A folder of a user whom rights keep out, which not all users of a test are; as he."""
    own = folder / "own"
    own.mkdir()
    if os.geteuid() != 0:
        yield own
        return
    os.chown(own, SOMEBODY, SOMEBODY)
    os.seteuid(SOMEBODY)
    try:
        yield own
    finally:
        os.seteuid(0)


def test_a_folder_that_can_be_used_or_made_is_fine(folder: Path) -> None:
    assert fault(str(folder)) == ""
    assert fault(str(folder / "not" / "there" / "yet")) == ""
    (folder / "daemon").mkdir()
    assert fault(str(folder)) == ""


@pytest.mark.parametrize("below", ["", "store", "store/deep", "daemon"])
def test_a_file_is_no_folder(folder: Path, below: str) -> None:
    file = folder / "file"
    file.touch()
    home = file / below
    if below == "daemon":
        file = file.rename(folder / "daemon")
        home = folder
    assert f"{file} is a file and no folder; move it away, or set MCP_MEMORY_HOME" in fault(
        str(home)
    )


def test_a_link_that_leads_nowhere_is_named(folder: Path) -> None:
    link = folder / "link"
    link.symlink_to(folder / "gone")
    assert "is a link that leads nowhere; mend it" in fault(str(link))
    loop = folder / "loop"
    loop.symlink_to(loop)
    assert f"{loop} cannot be looked at" in fault(str(loop / "store"))


@pytest.mark.parametrize("mode", [0o000, 0o500, 0o300, 0o600])
def test_a_folder_that_is_closed_to_its_user_is_named(own: Path, mode: int) -> None:
    own.chmod(mode)
    said = fault(str(own))
    own.chmod(0o700)
    assert f"{own} may not be read or written; run chmod u+rwx" in said
    assert fault(str(own)) == ""


def test_a_folder_of_another_user_is_named_with_him(folder: Path) -> None:
    theirs = Path("/") if os.geteuid() else folder / "theirs"
    if not os.geteuid():
        theirs.mkdir()
        os.chown(theirs, 4711, 4711)
        (theirs / "daemon").mkdir()
        os.chown(theirs / "daemon", 4711, 4711)
        assert f"{theirs / 'daemon'} belongs to user 4711; run mcp-memory as that user" in fault(
            str(theirs)
        )
    else:
        assert "belongs to user 0; run mcp-memory as that user" in fault(str(theirs))


@pytest.mark.parametrize("name", ["na\\me", "qu?ery", "end\\", "a\\b/below", "?"])
def test_a_folder_whose_name_the_database_cannot_open_is_named(folder: Path, name: str) -> None:
    home = folder / name
    said = fault(str(home))
    assert f"{home}: the database cannot open a file below a folder with" in said
    assert "; rename it, or set MCP_MEMORY_HOME to another folder" in said
    with pytest.raises(McpMemoryError, match="the database cannot open"), open_memory(home):
        raise AssertionError("it cannot be opened")
    assert not home.exists()


@pytest.mark.parametrize(
    "name", ["a b", "a#b", "a&b", "a:b", "a*b", "[a]", "{a}", "a'b", 'a"b', "a%20b", "a;b", "日本"]
)
def test_a_folder_with_any_other_sign_in_its_name_holds_a_store(folder: Path, name: str) -> None:
    assert fault(str(folder / name)) == ""
    with open_memory(folder / name) as memory:
        memory.remember("The kettle is red")
        assert len(memory.recall("kettle").memories) == 1


def test_the_library_says_so_too(folder: Path) -> None:
    (folder / "file").touch()
    with (
        pytest.raises(McpMemoryError, match="is a file and no folder"),
        open_memory(folder / "file" / "store"),
    ):
        raise AssertionError("it cannot be opened")
