"""A full disk: a clear error, nothing acknowledged lost, and on once there is room."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.watchdog import WAIT_S

ROOT = Path(__file__).parents[2]
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
MOUNT = 'mount -t tmpfs -o size=64m,mode=700 tmpfs "$0" && exec "$@"'
ROOMS_BYTES = (0, 4_096, 300_000, 2_000_000)


def fill_up(home: Path, room_bytes: int, how: str, within: Sequence[str] = ()) -> None:
    """Have a store filled until there is no room, and hear that it survived that."""
    filler = subprocess.run(
        [
            *within,
            sys.executable,
            "-m",
            "tests.resilience.fill_disk",
            str(home),
            str(room_bytes),
            how,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    lines = [line.partition(" ") for line in filler.stdout.splitlines()]
    assert filler.returncode == 0, filler.stderr
    assert lines[-1][0] == "done"
    (message,) = [rest for word, _, rest in lines if word == "full"]
    assert "full" in message
    assert "Error" not in message

    kept = {rest for word, _, rest in lines if word == "kept"}
    assert kept <= {rest for word, _, rest in lines if word == "found"}


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no RLIMIT_FSIZE, which stands in for a full disk"
)
@pytest.mark.parametrize("room_bytes", ROOMS_BYTES)
def test_a_full_disk_is_reported_and_survived(tmp_path: Path, room_bytes: int) -> None:
    fill_up(tmp_path / "home", room_bytes, "limit")


@pytest.fixture
def small_disk(tmp_path: Path) -> tuple[str, ...]:
    """A command that runs another with a small disk of its own at `tmp_path`."""
    within = (*NAMESPACE, "sh", "-c", MOUNT, str(tmp_path))
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("a small disk of one's own needs Linux and unshare")
    tried = subprocess.run([*within, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no disk can be mounted here: {tried.stderr.strip()}")
    return within


@pytest.mark.parametrize("room_bytes", ROOMS_BYTES)
def test_a_disk_without_room_is_reported_and_survived(
    small_disk: tuple[str, ...], tmp_path: Path, room_bytes: int
) -> None:
    fill_up(tmp_path / "home", room_bytes, "ballast", small_disk)
