"""No test waits for ever: shown by runs of tests that would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.mcp_client import ROOT
from tests.support.watchdog import WAIT_S

FOR_NOTHING = """
from threading import Event

def test_that_waits_for_nothing():
    Event().wait()
"""
FOR_A_PROCESS = """
import os
import subprocess
import sys
from tests.support.watchdog import marked, watched

CODE = '''
from threading import Event
def hang():
    Event().wait()
print("ready", flush=True)
hang()
'''

def test_that_waits_for_a_process():
    with subprocess.Popen(
        [sys.executable, "-c", CODE], env={**os.environ, **marked()}, stdout=subprocess.PIPE
    ) as started:
        assert started.stdout.readline().strip() == b"ready"
        with watched("what is watched", 1.0):
            assert started.stdout.read() == b"an answer"
"""


def run(folder: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A run of the one test in `code`, as the tests here are run."""
    file = folder / "test_waiting.py"
    file.write_text(code, "utf-8")
    as_here = ["-p", "tests.conftest", "--import-mode=importlib", "-c", os.devnull]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *as_here, "--rootdir", str(folder), str(file)],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", ""), **env},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def test_a_test_that_nothing_ends_is_ended_with_its_stacks(tmp_path: Path) -> None:
    said = run(tmp_path, FOR_NOTHING, TEST_LIMIT_S="5")
    assert said.returncode == 1
    assert "test_that_waits_for_nothing took longer than 5 s" in said.stderr
    assert "in test_that_waits_for_nothing" in said.stderr
    assert "passed" not in said.stdout


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are found in /proc")
def test_a_test_that_waits_for_a_process_fails_with_the_stacks_of_both(tmp_path: Path) -> None:
    said = run(tmp_path, FOR_A_PROCESS)
    assert "what is watched took longer than 1 s" in said.stderr
    assert "in test_that_waits_for_a_process" in said.stderr
    assert " of no store:" in said.stderr
    assert "in hang" in said.stdout + said.stderr, "the stack of the process"
    assert said.returncode == 1


def test_a_test_that_ends_in_time_is_let_alone(tmp_path: Path) -> None:
    said = run(tmp_path, "def test_that_ends():\n    pass\n", TEST_LIMIT_S="300")
    assert said.returncode == 0, said.stdout + said.stderr
    assert "took longer" not in said.stderr
