"""A folder is the project that git says it is, however the repository is spelt."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mcp_memory.domain.labels import shown
from mcp_memory.errors import InvalidInput
from mcp_memory.identity import project
from mcp_memory.identity.git_remote import repository as remote_label
from mcp_memory.identity.project import identify, local, named, slug

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    return folder


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    allowed = ("-c", "protocol.file.allow=always", "-c", "commit.gpgsign=false")
    subprocess.run(
        ["git", *identity, *allowed, *arguments], cwd=folder, check=True, capture_output=True
    )


def repository(folder: Path, remote: str = "", name: str = "origin") -> Path:
    folder.mkdir(parents=True)
    git(folder, "init")
    git(folder, "commit", "--allow-empty", "-m", "first")
    if remote:
        git(folder, "remote", "add", name, remote)
    return folder


def label(folder: Path) -> str:
    found = identify(folder)
    assert found is not None
    return found.label


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/app",
        "https://github.com/acme/app.git",
        "https://github.com/acme/app.git/",
        "https://github.com/acme/app/",
        "https://github.com//acme//app",
        "HTTPS://GitHub.COM/acme/app",
        "https://user:s3cr3t@github.com/acme/app",
        "https://token@github.com:443/acme/app",
        "http://github.com:80/acme/app",
        "git@github.com:acme/app.git",
        "git@GitHub.com:Acme/App",
        "github.com:acme/app",
        "github.com:/acme/app",
        "ssh://git@github.com/acme/app.git",
        "ssh://git@github.com:22/acme/app.git",
        "git+ssh://git@github.com/acme/app.git",
        "ssh+git://git@github.com/acme/app.git",
        "git://github.com/acme/app",
        "git://github.com:9418/acme/app.git",
        "https://github.com/acme/app?x=1#readme",
        "https://github.com./acme/app",
        "  https://github.com/acme/app\n",
    ],
)
def test_every_spelling_of_a_remote_is_one_label(url: str) -> None:
    assert remote_label(url) == "github.com/acme/app"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://git.example.com:8443/a/b.git", "git.example.com:8443/a/b"),
        ("ssh://git@git.example.com:2222/a/b", "git.example.com:2222/a/b"),
        ("https://git.example.com/Team/App", "git.example.com/Team/App"),
        ("https://gitlab.com/group/sub/app.git", "gitlab.com/group/sub/app"),
        ("git@host:~me/app.git", "host/~me/app"),
        ("https://host/my%20app.git", "host/my%20app"),
        ("git@[::1]:a/b", "::1/a/b"),
        ("https://host:notaport/a/b", ""),
        ("/srv/git/app.git", ""),
        ("../app.git", ""),
        ("C:\\repos\\app", ""),
        ("C:/repos/app", ""),
        ("file:///srv/git/app.git", ""),
        ("", ""),
    ],
)
def test_a_remote_keeps_what_tells_repositories_apart(url: str, expected: str) -> None:
    assert remote_label(url) == expected


def test_a_name_that_is_fine_as_it_is_stays() -> None:
    assert slug("my-app.v2_x") == "my-app.v2_x"


@pytest.mark.parametrize(
    "text", ["My App", "a/b", "café", "x" * 65, "🦆", "", "a-0123456789ab", "-a", "A"]
)
def test_a_lossy_name_is_short_plain_and_ends_in_a_digest(text: str) -> None:
    name = slug(text)
    assert len(name) <= 64
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert name != text
    assert len(name.rsplit("-", 1)[1]) == 12


def test_look_alike_names_are_different_projects() -> None:
    names = ["app", "App", "app ", "\u0430pp", "app/", "a-pp", "a pp", "ápp", "app\u200b"]
    slugs = [slug(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert slug(slug("App")) != slug("App"), "nobody can take another's slug as a plain name"


@needs_git
def test_subfolders_and_worktrees_are_one_project(tmp_path: Path) -> None:
    main = repository(tmp_path / "app", "git@github.com:acme/app.git")
    (main / "src" / "deep").mkdir(parents=True)
    git(main, "worktree", "add", str(tmp_path / "elsewhere" / "feature"))
    assert label(main) == "github.com/acme/app"
    assert identify(main / "src" / "deep") == identify(main)
    assert identify(tmp_path / "elsewhere" / "feature") == identify(main)


@needs_git
def test_two_clones_with_different_urls_of_one_remote_agree(tmp_path: Path) -> None:
    one = repository(tmp_path / "one", "https://me:token@github.com/acme/app.git")
    two = repository(tmp_path / "two", "git@github.com:acme/app")
    assert identify(one) == identify(two)


@needs_git
def test_without_a_remote_the_repository_root_is_the_project(tmp_path: Path) -> None:
    main = repository(tmp_path / "app")
    (main / "src").mkdir()
    git(main, "worktree", "add", str(tmp_path / "feature"))
    assert label(main / "src") == str(main.resolve())
    assert identify(tmp_path / "feature") == identify(main)


@needs_git
def test_a_worktree_of_a_bare_repository_belongs_to_it(tmp_path: Path) -> None:
    source = repository(tmp_path / "source")
    git(tmp_path, "clone", "--bare", str(source), "app.git")
    git(tmp_path / "app.git", "remote", "remove", "origin")
    git(tmp_path / "app.git", "worktree", "add", str(tmp_path / "one"))
    git(tmp_path / "app.git", "worktree", "add", str(tmp_path / "two"))
    assert label(tmp_path / "one") == label(tmp_path / "two") == str(tmp_path / "app.git")


@needs_git
def test_a_submodule_is_a_project_of_its_own(tmp_path: Path) -> None:
    library = repository(tmp_path / "library")
    main = repository(tmp_path / "app", "https://github.com/acme/app")
    git(main, "submodule", "add", str(library), "vendor")
    git(main / "vendor", "remote", "set-url", "origin", "https://github.com/acme/library")
    assert label(main / "vendor") == "github.com/acme/library"
    assert label(main) == "github.com/acme/app"


@needs_git
def test_origin_counts_else_the_first_remote_by_name(tmp_path: Path) -> None:
    main = repository(tmp_path / "app", "https://github.com/me/fork", name="upstream")
    git(main, "remote", "add", "backup", "https://github.com/me/backup")
    assert label(main) == "github.com/me/backup"
    git(main, "remote", "add", "origin", "https://github.com/acme/app")
    assert label(main) == "github.com/acme/app"


@needs_git
def test_clones_of_one_folder_are_one_project(tmp_path: Path) -> None:
    repository(tmp_path / "hub")
    git(tmp_path, "clone", str(tmp_path / "hub"), "one")
    git(tmp_path, "clone", (tmp_path / "hub").as_uri(), "two")
    assert label(tmp_path / "one") == label(tmp_path / "two") == str(tmp_path / "hub")


@needs_git
def test_a_symbolic_link_leads_to_the_same_project(tmp_path: Path) -> None:
    main = repository(tmp_path / "app")
    link = tmp_path / "link"
    try:
        link.symlink_to(main, target_is_directory=True)
    except OSError:
        pytest.skip("this system does not let us make symbolic links")
    assert identify(link) == identify(main)


@needs_git
def test_a_repository_that_is_the_home_folder_does_not_count(home: Path) -> None:
    git(home, "init")
    git(home, "commit", "--allow-empty", "-m", "dotfiles")
    (home / "notes").mkdir()
    assert identify(home) is None
    assert label(home / "notes") == str((home / "notes").resolve())


def test_home_and_root_are_no_project(home: Path) -> None:
    assert identify(home) is None
    assert identify(Path(home.anchor)) is None


def test_a_folder_outside_any_repository_is_its_own_project(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / ".git").mkdir()  # an empty one is no repository
    assert label(folder) == str(folder.resolve())


@pytest.mark.parametrize("pointer", [b"", b"gitdir: nowhere", b"\xff\xfe\x00", b"gitdir: \x00"])
def test_a_broken_pointer_is_no_repository(tmp_path: Path, pointer: bytes) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / ".git").write_bytes(pointer)
    assert label(tmp_path / "app") == str((tmp_path / "app").resolve())


def test_only_the_beginning_of_a_huge_config_is_read(tmp_path: Path) -> None:
    dot_git = tmp_path / "app" / ".git"
    dot_git.mkdir(parents=True)
    (dot_git / "HEAD").write_text("ref: refs/heads/main\n")
    remote = '[remote "origin"]\n\turl = https://github.com/acme/app\n'
    (dot_git / "config").write_text(remote + "# filler\n" * 100_000)
    assert label(tmp_path / "app") == "github.com/acme/app"


def test_a_config_is_read_as_git_writes_it(tmp_path: Path) -> None:
    dot_git = tmp_path / "app" / ".git"
    dot_git.mkdir(parents=True)
    (dot_git / "HEAD").write_text("ref: refs/heads/main\n")
    (dot_git / "config").write_text(
        '[core]\n\turl = https://wrong/one\n[REMOTE "origin"] ; note\n'
        '\tURL = "https://github.com/acme/app" # here\n\turl = https://wrong/two\n'
        "[branch]\n\turl = https://wrong/three\n"
    )
    assert label(tmp_path / "app") == "github.com/acme/app"


def test_a_name_or_a_path_can_be_given(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    assert project.local(str(folder)) == identify(folder)
    assert project.local(folder.as_uri()) == identify(folder)
    assert project.local("side-quest") == project.Project(id="side-quest", label="side-quest")
    assert project.local("  ") is None
    with pytest.raises(InvalidInput, match="project: got"):
        project.named("x" * 2000)


@pytest.mark.parametrize(
    "name",
    [
        "git@github.com:acme/app.git",
        "https://user:pw@GitHub.com/acme/app",
        "ssh://git@github.com/acme/app.git",
        "github.com/acme/app",
        "GitHub.com/Acme/App",
        "www.github.com/acme/app/",
        "github.com/acme/app.git",
        "GitHub.com:Acme/App",
        "github.com:443/acme/app",
        "https://github.com/Acme/App/",
    ],
)
def test_a_project_given_as_an_address_is_that_repository(name: str) -> None:
    found = named(name)
    assert found
    assert found.label == "github.com/acme/app"


def test_a_project_given_as_a_path_from_home_is_that_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "app").mkdir()
    by_path = identify(tmp_path / "app")
    assert local("~/app") == by_path


@pytest.mark.parametrize(
    "name", ["app", "my.app", "v1.2", "a/b", "Side Quest", "C:\\x", "a:b", "x.y/"]
)
def test_a_name_that_is_no_address_stays_a_name(name: str) -> None:
    assert named(name) == project.Project(id=slug(name), label=shown(name))


@pytest.mark.parametrize(
    "name",
    ["<your project>", "null", "None", "undefined", "${workspaceFolder}", "{{project}}", "", "  "],
)
def test_what_nobody_filled_in_names_no_project(name: str) -> None:
    assert named(name) is None
    assert local(name) is None


@pytest.mark.parametrize(
    "name", ["https://", "http:///", "ssh://", "git@", "//", "-", "...", "***", "?/?", '""']
)
def test_a_name_that_names_nothing_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"project: got .*(names nothing|no home|names no)"):
        named(name)


@pytest.mark.parametrize(
    ("name", "meant"), [("a//b", "a/b"), ("team///site//x", "team/site/x"), ("app//", "app/")]
)
def test_slashes_that_are_doubled_count_once(name: str, meant: str) -> None:
    assert named(name) == named(meant)
    assert named(meant) != named(meant.replace("/", "-"))


def test_a_folder_that_is_not_here_is_a_project_that_says_so(tmp_path: Path) -> None:
    for form in (str(tmp_path / "gone"), (tmp_path / "gone").as_uri()):
        found = local(form)
        assert found
        assert (found.label, found.is_here) == (str(tmp_path.resolve() / "gone"), False)
    (tmp_path / "gone").mkdir()
    here = local(str(tmp_path / "gone"))
    assert here
    assert here.is_here


@needs_git
def test_an_alias_of_ssh_is_the_host_behind_it(tmp_path: Path, home: Path) -> None:
    main = repository(tmp_path / "app", "git@gh:acme/app.git")
    assert label(main) == "gh/acme/app"
    (home / ".ssh").mkdir()
    (home / ".ssh" / "config").write_text("Host gh\n  HostName github.com\n")
    assert label(main) == "github.com/acme/app"
    assert local("git@gh:acme/app") == identify(main)
    elsewhere = named("git@gh:acme/app")
    assert elsewhere
    assert elsewhere.label == "gh/acme/app", "somebody elsewhere is not asked here"


@needs_git
def test_a_submodule_says_what_it_lies_in(tmp_path: Path) -> None:
    library = repository(tmp_path / "library", "https://github.com/acme/library")
    main = repository(tmp_path / "app", "https://github.com/acme/app")
    git(main, "submodule", "add", str(library), "vendor")
    git(main, "worktree", "add", str(main / "trees" / "one"))
    found, top, tree = identify(main / "vendor"), identify(main), identify(main / "trees" / "one")
    assert found and top and tree
    assert (found.within, top.within, tree.within) == ("github.com/acme/app", "", "")


def test_a_path_has_one_name_without_double_slashes(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    forms = [f"//{tmp_path}/app", f"{tmp_path}//app/", f"{tmp_path}/./app/../app"]
    forms += [f"file://{tmp_path}/app", f"file:///{tmp_path}/app"]
    found = {form: local(form) for form in forms}
    assert set(found.values()) == {identify(tmp_path / "app")}
    assert label(tmp_path / "app") == str((tmp_path / "app").resolve())
