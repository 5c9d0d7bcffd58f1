"""The command line, as the process that a person starts."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_memory import __version__, open_memory
from mcp_memory.cli import doctor
from mcp_memory.config.settings import HTTP, SETTINGS, load
from mcp_memory.errors import NotFound
from mcp_memory.storage.contract import CheckResult
from tests.support.watchdog import WAIT_S

COMMAND = [sys.executable, "-m", "mcp_memory"]


def run(
    home: Path, *arguments: str, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MCP_MEMORY_")}
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**inherited, "MCP_MEMORY_HOME": str(home), **(environ or {})},
        cwd=home.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a preference, a key that changed its value, and text beyond ASCII."""
    folder = tmp_path_factory.mktemp("cli") / "home"
    with open_memory(folder) as memory:
        memory.remember("Please do not schedule meetings after 5pm my time", type="preference")
        memory.remember("Lives in Lisbon", type="profile", key="city")
        memory.remember("Lives in Zürich — 東京 comes next", type="profile", key="city")
    return folder


def ids(home: Path) -> dict[str, str]:
    """Each memory's id by its text."""
    lines = run(home, "show").stdout.splitlines()
    return {line.split("\t")[-1]: line.split("\t")[0] for line in lines}


def test_version_and_help_need_no_store(tmp_path: Path) -> None:
    assert run(tmp_path, "--version").stdout == f"mcp-memory {__version__}\n"
    for command in ("doctor", "show", "search", "stats", "model"):
        assert command in run(tmp_path, "--help").stdout
    assert list(tmp_path.iterdir()) == []


def test_version_loads_nothing_heavy() -> None:
    code = (
        "import sys; from mcp_memory.cli.main import parser; parser()\n"
        "print([m for m in ('mcp', 'duckdb', 'numpy', 'pydantic') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_show_lists_the_newest_first_in_utf8_on_any_console(home: Path) -> None:
    found = run(home, "show", environ={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert found.returncode == 0
    texts = [line.split("\t")[-1] for line in found.stdout.splitlines()]
    assert texts == [
        "Lives in Zürich — 東京 comes next",
        "Please do not schedule meetings after 5pm my time",
    ]


def test_show_gives_one_memory_with_its_history(home: Path) -> None:
    memory_id = ids(home)["Please do not schedule meetings after 5pm my time"]
    found = run(home, "show", memory_id)
    assert found.returncode == 0
    assert "trust\tstated" in found.stdout
    assert "revision 1\t" in found.stdout
    assert "remember" in found.stdout


def test_show_of_an_unknown_id_says_so_in_one_line(home: Path) -> None:
    found = run(home, "show", "nonsense")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == f"mcp-memory: {NotFound('memory', 'nonsense')}\n"


def test_search_finds_by_meaning_and_explains(home: Path) -> None:
    query = "what was the scheduling constraint again?"
    found = run(home, "search", query, "--types", "preference", "--limit", "1", "--explain")
    assert found.returncode == 0
    first, *rest = found.stdout.splitlines()
    assert "Please do not schedule meetings after 5pm my time" in first.split("\t")
    assert any("search of tenant local, user " in line for line in rest)


def test_search_refuses_a_type_that_does_not_exist(home: Path) -> None:
    found = run(home, "search", "meetings", "--types", "dream")
    assert found.returncode == 2
    assert "dream" in found.stderr
    assert "preference" in found.stderr
    assert found.stderr.count("\n") == 1


def test_stats_count_what_is_remembered(home: Path) -> None:
    lines = dict(line.split("\t") for line in run(home, "stats").stdout.splitlines())
    assert lines["by_status.active"] == "2"
    assert lines["by_type.preference"] == "1"


def test_home_can_be_given_before_and_after_the_command(home: Path, tmp_path: Path) -> None:
    for arguments in (("--home", str(home), "show"), ("show", "--home", str(home))):
        assert "Zürich" in run(tmp_path, *arguments).stdout


def test_an_empty_store_says_that_it_is_empty(tmp_path: Path) -> None:
    assert run(tmp_path / "new", "show").stdout == "no memories yet\n"
    assert run(tmp_path / "new", "search", "x").stdout == "nothing relevant is remembered\n"


def test_doctor_finds_a_healthy_installation_healthy(home: Path) -> None:
    found = run(home, "doctor")
    assert found.returncode == 0, found.stdout
    assert found.stdout.endswith("all is well\n")
    document = json.loads(run(home, "doctor", "--json").stdout)
    assert document["ok"] is True
    findings = [CheckResult(**entry) for entry in document["findings"]]
    assert {"mcp-memory", "python", "packages", "home", "model"} <= {f.name for f in findings}
    assert all(f.ok for f in findings)


@pytest.mark.parametrize(
    ("arguments", "is_served"), [(("--help",), False), (("serve", "--help"), True)], ids=str
)
def test_help_lists_the_settings_with_their_bounds_and_defaults(
    tmp_path: Path, arguments: tuple[str, ...], is_served: bool
) -> None:
    help_ = " ".join(run(tmp_path, *arguments).stdout.split())
    for setting in SETTINGS:
        line = f"{setting.variable} {setting.meaning}; default: {setting.default}"
        assert (line in help_) == (setting.name.startswith(HTTP) == is_served), line
    assert ("MCP_MEMORY_SESSION_DAYS" in help_) != is_served
    assert "MCP_MEMORY_" not in run(tmp_path, "show", "--help").stdout.replace(
        "MCP_MEMORY_HOME", ""
    )


@pytest.mark.skipif(sys.platform == "win32", reason="they are needed on Windows")
def test_doctor_misses_no_package_that_only_another_system_needs() -> None:
    needed = importlib.metadata.requires("mcp-memory-layer") or ()
    assert any("win32" in requirement for requirement in needed)
    found = doctor.examine(load(environ={}))
    packages = next(finding for finding in found if finding.name == "packages")
    assert packages.ok, packages.detail


def test_doctor_notices_the_other_package_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "mcp_memory-0.7.3.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mcp-memory\nVersion: 0.7.3\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    importlib.invalidate_caches()
    found = doctor.examine(load(environ={"MCP_MEMORY_HOME": str(tmp_path / "home")}))
    other = next(finding for finding in found if finding.name == "other package")
    assert not other.ok
    assert "mcp-memory 0.7.3 is installed here too" in other.detail
    assert "pip uninstall mcp-memory &&" in other.advice
    assert other.advice.endswith("install --force-reinstall mcp-memory-layer")


def test_doctor_names_a_model_that_cannot_be_used_and_checks_the_store(tmp_path: Path) -> None:
    model = {"MCP_MEMORY_MODEL": "BAAI/bge-small-en-v1.5"}
    found = run(tmp_path / "home", "doctor", environ=model)
    assert found.returncode == 1
    assert "BAD\tmodel\t" in found.stdout
    assert "mcp-memory model use BAAI/bge-small-en-v1.5" in found.stdout
    assert len(found.stdout.splitlines()) > 6


def test_doctor_looks_at_what_callers_over_http_are_known_by(tmp_path: Path) -> None:
    tokens, keys = tmp_path / "tokens.json", tmp_path / "keys.json"
    tokens.write_text("[]")
    keys.write_text("{}")
    environ = {
        "MCP_MEMORY_HTTP_TOKENS": str(tokens),
        "MCP_MEMORY_HTTP_JWT_ISSUER": "https://issuer.example",
        "MCP_MEMORY_HTTP_JWT_KEYS": str(keys),
    }
    found = run(tmp_path / "home", "doctor", environ=environ)
    assert f"ok\ttokens\t0 in {tokens}" in found.stdout
    assert f"BAD\tJWT keys\thttp_jwt_keys: no keys in {keys}: " in found.stdout
    tokens.write_text("{")
    assert (
        f"BAD\ttokens\t{tokens}: cannot be read"
        in run(tmp_path / "home", "doctor", environ=environ).stdout
    )


def test_doctor_names_the_process_that_holds_the_store(home: Path) -> None:
    with open_memory(home):
        found = run(home, "doctor")
        refused = run(home, "show")
    assert found.returncode == 0
    assert (
        f"ok\tstore\tnot checked: the store in {home} is in use by process {os.getpid()}"
        in found.stdout
    )
    assert refused.returncode == 2
    assert f"process {os.getpid()}" in refused.stderr


def test_a_bad_setting_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    found = run(tmp_path / "home", "show", environ={"MCP_MEMORY_LOG_LEVEL": "loud"})
    assert found.returncode == 2
    assert found.stderr.startswith("mcp-memory: log_level (MCP_MEMORY_LOG_LEVEL): got 'loud'; use")
    assert not (tmp_path / "home").exists()


def test_fetching_an_unknown_model_suggests_names(tmp_path: Path) -> None:
    found = run(tmp_path, "model", "use", "bge-small-en")
    assert found.returncode == 2
    assert "BAAI/bge-small-en-v1.5" in found.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_reader_that_goes_away_is_met_quietly(home: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--home", str(home), "doctor"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(WAIT_S) == 141
