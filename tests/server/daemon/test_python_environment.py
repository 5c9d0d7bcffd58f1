"""What a client has set for Python, or has in its folder, reaches neither proxy nor daemon."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.daemon import (
    command,
    contents,
    daemon_home,
    daemon_pid,
    older_copy,
    started,
    status,
    stored,
)
from tests.support.mcp_client import ROOT
from tests.support.stdio_client import Server

SCRIPT = "import sys; from mcp_memory.__main__ import main; sys.exit(main())"
"""What pip writes for a command."""
TRAPS = (
    "apsw",
    "argparse",
    "asyncio",
    "duckdb",
    "email",
    "json",
    "logging",
    "mcp",
    "numpy",
    "select",
    "socket",
    "subprocess",
    "typing",
)


def trapped(folder: Path, names: Sequence[str] = TRAPS) -> Path:
    """A folder whose modules end whoever imports one."""
    folder.mkdir()
    for name in names:
        (folder / f"{name}.py").write_text("raise SystemExit('a trap')")
    return folder


def works(server: Server, home: Path) -> None:
    """The proxy serves, by a daemon that starts and ends in order; nobody complains."""
    server.handshake()
    stored(server, "The mast was painted in March 2024")
    assert contents(server, "what was painted in March 2024?")
    assert status(home)["clients"] == "1"
    server.write(b'{"jsonrpc":"2.0","id":"last","method":"ping"}')
    assert server.read() == {"jsonrpc": "2.0", "id": "last", "result": {}}
    rest, said = server.end()
    assert (rest, said, server.process.returncode) == (b"", b"", 0)


def logged(home: Path) -> str:
    """What the daemon had to say."""
    return (home / "daemon" / "log").read_text("utf-8")


@pytest.mark.parametrize("beginning", ["script", "module"])
def test_no_module_comes_from_the_clients_path(tmp_path: Path, beginning: str) -> None:
    """Neither from PYTHONPATH, nor from the folder that `python -m` would look into first."""
    trap = trapped(tmp_path / "trap")
    arguments = ["-c", SCRIPT] if beginning == "script" else ["-m", "mcp_memory"]
    path = os.pathsep.join([str(trap), str(tmp_path), os.sep, ""])
    with (
        daemon_home(tmp_path) as home,
        started(home, arguments, cwd=trap, PYTHONPATH=path) as server,
    ):
        works(server, home)
        assert command("daemon", "status", home=home, PYTHONPATH=path).returncode == 0
        doctor = command("doctor", home=home, PYTHONPATH=path)
        assert (doctor.returncode, doctor.stderr) == (0, "")
        assert logged(home) == ""


def test_what_a_sitecustomize_of_the_client_took_in_is_left(tmp_path: Path) -> None:
    """It runs before anything of ours, and no program can keep its Python from that."""
    trap = trapped(tmp_path / "trap")
    for name in ("json", "logging", "socket"):
        (trap / f"{name}.py").write_text("loads = dumps = 1")
    (trap / "sitecustomize.py").write_text("import json, logging, socket\njson.loads = None")
    with (
        daemon_home(tmp_path) as home,
        started(home, ["-c", SCRIPT], PYTHONPATH=str(trap)) as server,
    ):
        works(server, home)
        assert logged(home) == ""


@pytest.mark.parametrize(
    "variables",
    [
        {
            "PYTHONASYNCIODEBUG": "1",
            "PYTHONCASEOK": "1",
            "PYTHONDEVMODE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONINSPECT": "1",
            "PYTHONNOUSERSITE": "1",
            "PYTHONOPTIMIZE": "2",
            "PYTHONSTARTUP": "startup.py",
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "0",
        },
        {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "error"},
    ],
    ids=["ways of working", "warnings"],
)
def test_a_variable_for_python_changes_nothing(tmp_path: Path, variables: dict[str, str]) -> None:
    (tmp_path / "startup.py").write_text("raise SystemExit('a trap')")
    with (
        daemon_home(tmp_path) as home,
        started(home, ["-c", SCRIPT], PYTHONPATH="", **variables) as server,
    ):
        works(server, home)
        assert logged(home) == ""


def test_the_home_of_another_python_does_not_reach_the_daemon(tmp_path: Path) -> None:
    """A proxy that still starts with it has a daemon that is whole."""
    given = {"PYTHONHOME": sys.base_prefix, "PYTHONPATH": str(ROOT)}
    with daemon_home(tmp_path) as home, started(home, ["-c", SCRIPT], **given) as server:
        works(server, home)


def test_what_the_client_says_of_itself_still_counts(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    given = {"MCP_MEMORY_PROJECT": "", "CLAUDE_PROJECT_DIR": str(tmp_path / "here")}
    path = str(trapped(tmp_path / "trap"))
    with (
        daemon_home(tmp_path) as home,
        started(home, ["-c", SCRIPT], PYTHONPATH=path, MCP_MEMORY_USER="bea", **given) as server,
    ):
        server.handshake()
        stored(server, "The keel is laid")
        shown = server.ask("resources/read", uri="memory://me")["result"]["contents"][0]["text"]
        assert "bea" in shown
        assert str(tmp_path / "here") in shown


def test_a_package_that_is_found_through_the_path_alone_has_its_own_daemon(tmp_path: Path) -> None:
    """As `pip install --target` makes one; it takes nothing's place in the standard library."""
    target = older_copy(trapped(tmp_path / "target", ["json", "logging"]), "0.0.9")
    with (
        daemon_home(tmp_path) as home,
        started(home, ["-c", SCRIPT], PYTHONPATH=str(target)) as server,
    ):
        assert server.handshake()["serverInfo"]["version"] == "0.0.9"
        stored(server, "The rudder is hung")
        assert status(home)["version"] == "0.0.9"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has another folder for it")
@pytest.mark.parametrize("how", ["HOME", "PYTHONUSERBASE"])
def test_an_install_for_the_user_alone_goes_on_working(tmp_path: Path, how: str) -> None:
    """As `pip install --user` makes one, for an interpreter that has nothing of ours."""
    base = tmp_path / "user"
    scheme = sysconfig.get_path("purelib", "posix_user", {"userbase": str(base / ".local")})
    packages = Path(scheme)
    packages.mkdir(parents=True)
    older_copy(packages, "0.0.9")
    (packages / "rest.pth").write_text(sysconfig.get_path("purelib"))
    plain = os.path.realpath(sys.executable)
    given = {"HOME": str(base)} if how == "HOME" else {how: str(base / ".local")}
    with daemon_home(tmp_path) as home:
        found = subprocess.run(
            [plain, "-P", "-c", "import mcp_memory; print(mcp_memory.__file__)"],
            env=given,
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.startswith(str(packages)), "the interpreter takes it from there"
        with started(home, ["-P", "-c", SCRIPT], python=plain, PYTHONPATH="", **given) as server:
            assert server.handshake()["serverInfo"]["version"] == "0.0.9"
            stored(server, "The anchor is weighed")
            assert status(home)["version"] == "0.0.9"
            assert daemon_pid(home)


def test_an_editable_install_goes_on_working(tmp_path: Path) -> None:
    """What the tests themselves run from, with nothing in PYTHONPATH."""
    code = "import mcp_memory, os; print(os.path.dirname(os.path.dirname(mcp_memory.__file__)))"
    found = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == str(ROOT)
    with (
        daemon_home(tmp_path) as home,
        started(home, ["-P", "-c", SCRIPT], PYTHONPATH="") as server,
    ):
        works(server, home)
