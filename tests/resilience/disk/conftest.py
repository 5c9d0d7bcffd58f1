"""The shim, compiled once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("interposer.c")
COMPILER = "cc"


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shim as a library to preload."""
    if sys.platform != "linux":
        pytest.skip("the shim needs Linux: it takes the place of calls of glibc")
    if shutil.which(COMPILER) is None:
        pytest.skip("there is no C compiler here to make the shim with")
    made = tmp_path_factory.mktemp("shim") / "shim.so"
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
    command = [COMPILER, *flags, "-o", str(made), str(SOURCE), "-lpthread"]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr
    return made
