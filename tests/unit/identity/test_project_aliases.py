"""A repository that changes its name keeps what was known of it, and nobody else gets it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from mcp_memory.identity import project, project_aliases
from mcp_memory.identity.project import Project, identify
from tests.unit.identity.test_project import git, needs_git, repository

OWNER = "local/ana"
pytestmark = needs_git


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a store, beside a home folder that is no project."""
    for name in ("home", "store"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path / "store"


def before(store: Path, folder: Path, owner: str = OWNER) -> list[str]:
    """The labels of the other names that a folder's repository is joined with."""
    return sorted(project_aliases.before(store, owner, known(folder)).values())


def known(folder: Path) -> Project:
    found = identify(folder)
    assert found is not None
    return found


def test_a_remote_that_is_added_renamed_or_removed_joins_what_was_there(
    store: Path, tmp_path: Path
) -> None:
    app = repository(tmp_path / "app")
    assert before(store, app) == []
    git(app, "remote", "add", "origin", "git@github.com:acme/app.git")
    assert before(store, app) == [str(app)]
    git(app, "remote", "set-url", "origin", "https://github.com/Acme/App")
    assert before(store, app) == [str(app)], "the same, spelt otherwise"
    git(app, "remote", "set-url", "origin", "https://github.com/neworg/app")
    assert before(store, app) == [str(app), "github.com/acme/app"]
    git(app, "remote", "remove", "origin")
    assert before(store, app) == ["github.com/acme/app", "github.com/neworg/app"]


def test_a_repository_without_a_commit_is_known_again_too(store: Path, tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    git(app, "init")
    assert before(store, app) == []
    git(app, "commit", "--allow-empty", "-m", "first")
    git(app, "remote", "add", "origin", "https://github.com/acme/app")
    assert before(store, app) == [str(app)]


def test_a_worktree_and_a_subfolder_share_the_names(store: Path, tmp_path: Path) -> None:
    app = repository(tmp_path / "app")
    before(store, app)
    git(app, "worktree", "add", str(tmp_path / "tree"))
    git(app, "remote", "add", "origin", "https://github.com/acme/app")
    (app / "src").mkdir()
    assert before(store, tmp_path / "tree") == before(store, app / "src") == [str(app)]


def test_a_folder_that_was_moved_keeps_its_names(store: Path, tmp_path: Path) -> None:
    app = repository(tmp_path / "app")
    before(store, app)
    app.rename(tmp_path / "moved")
    assert before(store, tmp_path / "moved") == [str(app)]


def test_a_folder_that_was_moved_can_be_split(store: Path, tmp_path: Path) -> None:
    app = repository(tmp_path / "app")
    before(store, app)
    git(app, "remote", "add", "origin", "https://github.com/acme/app")
    before(store, app)
    moved = tmp_path / "moved"
    app.rename(moved)
    assert project_aliases.split(store, OWNER, known(moved), str(app))
    assert before(store, moved) == []


@pytest.mark.parametrize("as_clone", [True, False])
def test_another_repository_in_the_same_place_gets_nothing(
    store: Path, tmp_path: Path, as_clone: bool
) -> None:
    source = repository(tmp_path / "source")
    app = repository(tmp_path / "app")
    before(store, app)
    shutil.rmtree(app)
    if as_clone:
        git(tmp_path, "clone", str(source), str(app))
        git(app, "remote", "set-url", "origin", "https://github.com/evil/app")
    else:
        app.mkdir()
        git(app, "init")
        git(app, "commit", "--allow-empty", "-m", "another first")
        git(app, "remote", "add", "origin", "https://github.com/evil/app")
    assert before(store, app) == []


def test_a_copy_of_a_repository_gets_nothing(store: Path, tmp_path: Path) -> None:
    app = repository(tmp_path / "app")
    before(store, app)
    shutil.copytree(app, tmp_path / "copy")
    git(tmp_path / "copy", "remote", "add", "origin", "https://github.com/evil/app")
    assert before(store, tmp_path / "copy") == []


def test_a_repository_that_claims_a_name_joins_nobody_else_to_it(
    store: Path, tmp_path: Path
) -> None:
    app = repository(tmp_path / "app")
    before(store, app)
    git(app, "remote", "add", "origin", "https://github.com/acme/app")
    evil = repository(tmp_path / "evil")
    before(store, evil)
    git(evil, "remote", "add", "origin", "https://github.com/acme/app")
    assert before(store, evil) == [str(evil)]
    assert before(store, app) == [str(app)], "nothing of what the other has said"
    clone = repository(tmp_path / "clone", "https://github.com/acme/app")
    assert before(store, clone) == []


def test_the_log_of_a_repository_knows_it_again_where_its_folder_was_restored(
    store: Path, tmp_path: Path
) -> None:
    app = repository(tmp_path / "app")
    before(store, app)
    shutil.copytree(app, tmp_path / "backup")
    shutil.rmtree(app)
    shutil.copytree(tmp_path / "backup", app)
    os.utime(app / ".git" / "description", (1, 1))
    git(app, "remote", "add", "origin", "https://github.com/acme/app")
    assert before(store, app) == [str(app)]


def test_names_are_those_of_one_user(store: Path, tmp_path: Path) -> None:
    app = repository(tmp_path / "app")
    before(store, app)
    git(app, "remote", "add", "origin", "https://github.com/acme/app")
    assert before(store, app, "local/bob") == []
    assert before(store, app) == [str(app)]
    assert project_aliases.listed(store, OWNER) == [[str(app), "github.com/acme/app"]]
    assert project_aliases.listed(store, "local/bob") == []


def test_a_split_parts_both_for_good(store: Path, tmp_path: Path) -> None:
    app = repository(tmp_path / "app")
    before(store, app)
    git(app, "remote", "add", "origin", "https://github.com/acme/app")
    assert not project_aliases.split(store, OWNER, known(app), "github.com/acme/app"), (
        "its present name"
    )
    assert not project_aliases.split(store, OWNER, known(app), "nonsense")
    assert project_aliases.split(store, OWNER, known(app), str(app))
    assert before(store, app) == []
    assert project_aliases.listed(store, OWNER) == []
    git(app, "remote", "remove", "origin")
    assert before(store, app) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"local/ana": 7}', '{"local/ana": {"x": {}}}', "7"]
)
def test_a_file_that_is_none_of_ours_is_made_anew(store: Path, tmp_path: Path, text: str) -> None:
    (store / project_aliases.FILE).write_text(text)
    app = repository(tmp_path / "app")
    assert before(store, app) == []
    assert OWNER in json.loads((store / project_aliases.FILE).read_text())


def test_what_is_kept_is_bounded_and_private(store: Path, tmp_path: Path) -> None:
    app = repository(tmp_path / "app")
    for number in range(3 * project_aliases.NAMES_MAX):
        found = Project(id=f"p{number}", label=f"p{number}", git=app / ".git")
        assert len(project_aliases.before(store, OWNER, found)) < project_aliases.NAMES_MAX
    if os.name == "posix":
        assert (store / project_aliases.FILE).stat().st_mode & 0o077 == 0


def test_nothing_is_made_where_there_is_no_store(tmp_path: Path) -> None:
    app = repository(tmp_path / "app")
    assert project_aliases.before(tmp_path / "none", OWNER, known(app)) == {}
    assert not (tmp_path / "none").exists()
    assert project.identify(tmp_path / "store") is not None
