"""Files taken away or replaced under a store that is open: nothing acknowledged is lost by it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mcp_memory.storage.contract import CheckResult
from tests.resilience.stepwise_writer import EACH
from tests.support.daemon import lock_held
from tests.support.factories import ids, memory, open_store, put, where

ROOT = Path(__file__).parents[2]
Meddling = Callable[[Path, Path], object]
"""What somebody does to a store's folder; the second is a copy of it as it was before."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there open files stay")


@dataclass(kw_only=True, slots=True)
class Writer:
    """A process that writes, what it acknowledged and why it refused the rest."""

    process: subprocess.Popen[str]
    kept: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])

    def go_on(self) -> None:
        """Have it write some more."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "done":
                return
            (self.kept if word == "kept" else self.refused).append(rest)
        pytest.fail("the writer has ended")


@contextmanager
def writing(home: Path) -> Generator[Writer]:
    """A writer, killed when it is left."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.resilience.stepwise_writer", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
    ) as process:
        try:
            yield Writer(process=process)
        finally:
            process.kill()


def live(home: Path) -> Path:
    return home / "record" / (home / "record" / "CURRENT").read_text("ascii")


def log(home: Path) -> Path:
    return Path(f"{live(home)}.wal")


def index(home: Path, suffix: str = "") -> Path:
    return home / "index" / f"index.sqlite{suffix}"


def moved_over(path: Path, source: Path) -> None:
    """Put a file in the place of another, as mv and rsync do."""
    draft = path.with_name("incoming")
    shutil.copyfile(source, draft)
    os.replace(draft, path)


def another(home: Path) -> Path:
    """The folder of another store, with memories of its own."""
    other = home.parent / "another"
    store = open_store("embedded", other)
    put(store, *(memory(f"a stranger's {n}") for n in range(30)))
    store.close()
    return other


def remove_both_sides(home: Path, before: Path) -> None:
    for path in (*(home / "record").iterdir(), *(home / "index").iterdir()):
        path.unlink()


def remove_both_folders(home: Path, before: Path) -> None:
    shutil.rmtree(home / "record")
    shutil.rmtree(home / "index")


def bring_back_a_generation(home: Path, before: Path) -> None:
    shutil.copyfile(live(home), home / "record" / "g000777.duckdb")
    (home / "record" / "CURRENT").write_text("g000777.duckdb", "ascii")


def copy_all_back(home: Path, before: Path) -> None:
    shutil.copytree(before, home, dirs_exist_ok=True)


def move_all_back(home: Path, before: Path) -> None:
    for path in before.rglob("*"):
        if path.is_file() and path.name != "lock":
            moved_over(home / path.relative_to(before), path)


MENDED: dict[str, Meddling] = {
    "record removed": lambda home, before: live(home).unlink(),
    "log removed": lambda home, before: log(home).unlink(),
    "record's folder removed": lambda home, before: shutil.rmtree(home / "record"),
    "both sides removed": remove_both_sides,
    "both folders removed": remove_both_folders,
    "record replaced by itself": lambda home, before: moved_over(live(home), live(home)),
    "record replaced by an older": lambda home, before: moved_over(live(home), live(before)),
    "record overwritten": lambda home, before: live(home).write_bytes(live(before).read_bytes()),
    "record emptied": lambda home, before: live(home).write_bytes(b""),
    "record of another store": lambda home, _: moved_over(live(home), live(another(home))),
    "log replaced by an older": lambda home, before: moved_over(log(home), log(before)),
    "log overwritten": lambda home, before: log(home).write_bytes(log(before).read_bytes()),
    "log emptied": lambda home, before: log(home).write_bytes(b""),
    "CURRENT removed": lambda home, before: (home / "record" / "CURRENT").unlink(),
    "CURRENT of a generation that came back": bring_back_a_generation,
    "index removed": lambda home, before: index(home).unlink(),
    "index's folder removed": lambda home, before: shutil.rmtree(home / "index"),
    "index's log removed": lambda home, before: index(home, "-wal").unlink(),
    "index's shared memory removed": lambda home, before: index(home, "-shm").unlink(),
    "index replaced by an older": lambda home, before: moved_over(index(home), index(before)),
    "index of another store": lambda home, _: moved_over(index(home), index(another(home))),
    "index overwritten": lambda home, before: index(home).write_bytes(index(before).read_bytes()),
    "lock removed": lambda home, before: (home / "lock").unlink(),
    "witness removed": lambda home, before: (home / "witness").unlink(),
    "a backup copied over all": copy_all_back,
    "a backup moved over all": move_all_back,
}

QUIET = ("lock removed", "witness removed")
"""What nothing is lost by, so that there is nothing to tell."""


def looked_through(home: Path) -> tuple[set[str], list[CheckResult]]:
    """The memories in a store, and what is wrong with it."""
    store = open_store("embedded", home)
    try:
        bad = [finding for finding in store.check() if not finding.ok]
        return set(ids(store.select(where(), limit=1_000))), bad
    finally:
        store.close()


@pytest.mark.parametrize("meddling", MENDED, ids=str)
def test_nothing_acknowledged_is_lost_when_files_are_meddled_with(
    tmp_path: Path, meddling: str
) -> None:
    home, before = tmp_path / "home", tmp_path / "before"
    with writing(home) as writer:
        writer.go_on()
        shutil.copytree(home, before)
        writer.go_on()
        MENDED[meddling](home, before)
        writer.go_on()
        writer.go_on()
        assert writer.refused == []
    assert len(writer.kept) == 4 * EACH
    found, bad = looked_through(home)
    assert set(writer.kept) <= found
    assert {finding.name for finding in bad} <= {"repair"}
    assert bad or meddling in QUIET
    _, bad = looked_through(home)
    assert bad == [], "it was told once, and all is well"


def remove(home: Path) -> None:
    shutil.rmtree(home)


def remove_and_make(home: Path) -> None:
    shutil.rmtree(home)
    home.mkdir()


def empty(home: Path) -> None:
    for path in home.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def replace(home: Path) -> None:
    """Another store lies there from now on."""
    home.rename(home.with_name("elsewhere"))
    shutil.copytree(another(home), home)


@pytest.mark.parametrize("taking", [remove, remove_and_make, empty], ids=lambda f: f.__name__)
def test_a_store_whose_folder_was_removed_acknowledges_nothing_more(
    tmp_path: Path, taking: Callable[[Path], None]
) -> None:
    home = tmp_path / "home"
    with writing(home) as writer:
        writer.go_on()
        taking(home)
        writer.go_on()
    assert len(writer.kept) == EACH
    assert len(writer.refused) == EACH
    assert all(f"StoreGone the folder {home} was removed or moved" in r for r in writer.refused)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [], "nothing came back"


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_store_whose_folder_was_moved_is_whole_where_it_is_now(
    tmp_path: Path, is_replaced: bool
) -> None:
    home, moved = tmp_path / "home", tmp_path / "elsewhere"
    with writing(home) as writer:
        writer.go_on()
        replace(home) if is_replaced else home.rename(moved)
        there = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
        writer.go_on()
        assert len(writer.refused) == EACH
        assert there == {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert all("StoreGone" in refusal for refusal in writer.refused)
    found, bad = looked_through(moved)
    assert set(writer.kept) <= found
    assert bad == []


def test_a_store_whose_lock_another_process_has_taken_acknowledges_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with writing(home) as writer:
        writer.go_on()
        (home / "lock").unlink()
        with lock_held(home / "lock") as other:
            writer.go_on()
            assert len(writer.refused) == EACH
            assert f"process {other.pid} has taken the store" in writer.refused[0]
        writer.go_on()  # it has it again
        assert len(writer.kept) == 2 * EACH
    found, bad = looked_through(home)
    assert set(writer.kept) <= found
    assert bad == []
