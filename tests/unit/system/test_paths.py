"""A path is what was meant by it, or it is refused with what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mcp_memory.system.paths import PathRefused, expanded, of_uri

HOME = str(Path.home())
ENVIRON = {"HOME": HOME, "DATA": "/srv/data", "APPDATA": "/srv/appdata", "EMPTY": ""}
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="paths of Linux and macOS")


@on_posix
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/srv/mem", "/srv/mem"),
        ("/srv//x/../mem/", "/srv/mem"),
        ("~/mem", f"{HOME}/mem"),
        ("$HOME/mem", f"{HOME}/mem"),
        ("${HOME}/mem", f"{HOME}/mem"),
        ("${env:HOME}/mem", f"{HOME}/mem"),
        ("$env:DATA/mem", "/srv/data/mem"),
        ("${userHome}/mem", f"{HOME}/mem"),
        ("${DATA:-/tmp}/mem", "/srv/data/mem"),
        ("${NOT_SET_HERE:-/tmp}/mem", "/tmp/mem"),
        ("%APPDATA%/mem", "/srv/appdata/mem"),
        ('"~/my mem"', f"{HOME}/my mem"),
        ("'/srv/mem'", "/srv/mem"),
        ("file:///srv/my%20mem", "/srv/my mem"),
        ("  /srv/mem ", "/srv/mem"),
    ],
)
def test_what_can_be_filled_in_is(text: str, path: str) -> None:
    assert expanded(text, ENVIRON) == path


@on_posix
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("$HOEM/mem", r"\$HOEM was not filled in"),
        ("${workspaceFolder}", r"\$\{workspaceFolder\} was not filled in"),
        ("${workspaceFolder}/.mem", "write the path itself"),
        ("${env:NOT_SET_HERE}", "no variable NOT_SET_HERE is set here"),
        ("$EMPTY/mem", r"\$EMPTY was not filled in"),
        ("${input:home}", "was not filled in"),
        ("${}", "was not filled in"),
        ("%LOCALAPPDATA%\\mem", "a way of Windows"),
        ("C:\\Users\\ana\\mem", "a path of Windows"),
        ("c:/Users/ana/mem", "a path of Windows"),
        ("\\\\server\\share", "a path of Windows"),
        ("mem", "relative"),
        ("./mem", "relative"),
        ("../mem", "relative"),
        ("", "names no folder"),
        ("file://elsewhere/not/there", "names no folder"),
        ("~nobody-of-this-name/mem", "no home folder"),
        ("$(pwd)/mem", "an example"),
        ("`pwd`/mem", "an example"),
        ("{{home}}/mem", "an example"),
        ("<your folder>", "an example"),
        ("/path/to/mem", "an example"),
        ("/absolute/path/to/mem", "an example"),
        ("/srv/a\nb", "an example"),
        ("/" + "x" * 5000, "5001 characters"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_do(text: str, says: str) -> None:
    with pytest.raises(PathRefused, match=says):
        expanded(text, ENVIRON)


@on_posix
def test_a_relative_path_is_seen_from_a_folder_that_is_given() -> None:
    assert expanded("./mem", ENVIRON, "/srv") == "/srv/mem"
    assert expanded("mem", ENVIRON, "/srv") == "/srv/mem"


@on_posix
def test_a_uri_means_a_folder_of_this_machine_or_none(tmp_path: Path) -> None:
    app = tmp_path / "my app"
    app.mkdir()
    encoded = str(app).replace(" ", "%20")
    here = [
        f"file://{encoded}",
        f"file:{encoded}",
        f"FILE://localhost{encoded}",
        f"file://{app}",
        f"vscode-remote://ssh-remote+host{encoded}",
        f"vscode-remote://wsl%2BUbuntu{encoded}",
        f"vscode-remote://dev-container%2B7b22{encoded}",
        f"file://wsl.localhost/Ubuntu{encoded}",
        f"file://wsl%24/Ubuntu{encoded}",
        f"file://elsewhere{encoded}",
    ]
    assert {of_uri(uri) for uri in here} == {str(app)}
    assert of_uri("file:///not/there") == "/not/there", "a client may run elsewhere"
    assert of_uri("file:///c%3A/Users/ana/app") == "/c:/Users/ana/app"
    nowhere = [
        "",
        "file:",
        "file:app",
        "file://elsewhere",
        "file://elsewhere/not/there",
        "untitled:Untitled-1",
        "untitled:/home",
        "vscode-vfs://github/acme/app",
        "vscode-remote://ssh-remote+host/not/there",
        "vscode-remote:",
        "https://example.com/",
        "/".join(["file:///x"] * 2000),
    ]
    assert {of_uri(uri) for uri in nowhere} == {""}
