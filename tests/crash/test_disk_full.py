"""A full disk: a clear error, nothing acknowledged lost, and on once there is room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories import ids, open_store, pages, where

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
@pytest.mark.parametrize("room_bytes", [0, 4_096, 300_000, 2_000_000])
def test_a_full_disk_is_reported_and_survived(tmp_path: Path, room_bytes: int) -> None:
    home = tmp_path / "home"
    filler = subprocess.run(
        [sys.executable, "-m", "tests.crash.filler", str(home), str(room_bytes)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line.partition(" ") for line in filler.stdout.splitlines()]
    assert filler.returncode == 0, filler.stderr
    assert lines[-1][0] == "done"
    (message,) = [rest for word, _, rest in lines if word == "full"]
    assert "full" in message
    assert "Error" not in message

    kept = {rest for word, _, rest in lines if word == "kept"}
    store = open_store("embedded", home)
    assert [finding for finding in store.check() if not finding.ok] == []
    found = set(ids(pages(store, where())))
    store.close()
    assert kept <= found
