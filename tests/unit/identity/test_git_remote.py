"""One repository has one name, whichever way it is spoken to; two have two."""

from __future__ import annotations

import pytest

from mcp_memory.identity.git_remote import repository

SAME = {
    "github.com/acme/app": [
        "ssh://git@ssh.github.com:443/acme/app.git",
        "git@ssh.github.com:acme/app.git",
        "https://www.github.com/Acme/App/",
        "http://WWW.GitHub.com/acme/app.GIT",
        "ssh://git@github.com:443/acme/app",
    ],
    "gitlab.com/group/sub/team/app": [
        "https://gitlab.com/group/sub/team/app.git",
        "git@gitlab.com:Group/Sub/Team/App.git",
        "ssh://git@altssh.gitlab.com:443/group/sub/team/app.git",
        "https://oauth2:token@gitlab.com/group/sub/team/app/",
    ],
    "bitbucket.org/team/app": [
        "https://ana@bitbucket.org/team/app.git",
        "git@bitbucket.org:Team/app.git",
        "ssh://git@altssh.bitbucket.org:443/team/app.git",
    ],
    "dev.azure.com/org/my%20project/repo": [
        "https://dev.azure.com/org/My%20Project/_git/repo",
        "https://org@dev.azure.com/Org/My%20Project/_git/Repo/",
        "git@ssh.dev.azure.com:v3/org/My%20Project/repo",
        "ssh://git@ssh.dev.azure.com/v3/org/My%20Project/repo",
        "ssh://git@ssh.dev.azure.com:22/v3/org/My%20Project/repo",
        "https://org.visualstudio.com/My%20Project/_git/repo",
        "https://org.visualstudio.com/DefaultCollection/My%20Project/_git/repo",
        "org@vs-ssh.visualstudio.com:v3/org/My%20Project/repo",
        "ssh://org@org.visualstudio.com:22/DefaultCollection/My%20Project/_ssh/repo",
        "https://dev.azure.com/org/My%20Project/_git/_full/repo",
    ],
    "dev.azure.com/org/app/app": [
        "https://dev.azure.com/org/_git/app",
        "https://dev.azure.com/org/app/_git/app",
        "https://org.visualstudio.com/_git/app",
    ],
    "bb.example.com/scm/prj/repo": [
        "https://bb.example.com/scm/PRJ/repo.git",
        "https://ana@bb.example.com/scm/prj/repo",
        "https://bb.example.com/bitbucket/scm/PRJ/Repo.git",
        "ssh://git@bb.example.com:7999/prj/repo.git",
        "ssh://git@bb.example.com:7999/PRJ/repo",
    ],
    "bb.example.com/scm/~ana/repo": [
        "https://bb.example.com/scm/~ana/repo.git",
        "ssh://git@bb.example.com:7999/~ana/repo.git",
    ],
    "git.example.com/Team/App": [
        "https://git.example.com/Team/App.git",
        "https://git.example.com:443/Team/App/",
        "git@GIT.example.com:Team/App.git",
        "ssh://ana@git.example.com:22//Team/App",
        "git://git.example.com/Team/App.git",
    ],
}

DIFFERENT = [
    "https://host.example/a/b",
    "https://host.example/a%2Fb",
    "https://host.example/a%252Fb",
    "https://host.example/a%0Ab",
    "https://host.example/ab",
    "https://host.example/a%00b",
    "https://host.example/a%20b",
    "https://host.example/a+b",
    "https://host.example/a%FFb",
    "https://host.example/a%FEb",
    "https://host.example/%C3%BF",
    "https://host.example/A/B",
    "https://host.example:8443/a/b",
    "https://host.example/a/b?p=1",
    "https://host.example/a/b?p=2",
    "https://host.example/a/b%3Fp%3D3",
    "https://host.example/a/b#1",
    "https://host.example/scm/a/b",
    "https://host.example/x/a/b",
    "https://www.host.example/a/b",
    "https://host.exam/ple/a/b",
    "ssh://git@host.example:2222/a/b",
    "ssh://git@host.example:7999/a/b/c",
    "ssh://git@[::1]:2222/a/b",
    "ssh://git@[::1:2222]/a/b",
    "host.example:a%20b/c",
    "host.example:a b/c",
    "host.example:a\nb/c",
    "https://dev.azure.com/org/proj/_git/v3",
    "https://dev.azure.com/org/proj/_git/proj",
    "https://dev.azure.com/org/proj/_git/defaultcollection",
    "https://dev.azure.com/proj/org/_git/proj",
    "https://github.com/acme/app",
    "https://github.com.example/acme/app",
    "https://gist.github.com/acme/app",
]


@pytest.mark.parametrize(("name", "url"), [(n, url) for n, urls in SAME.items() for url in urls])
def test_a_repository_has_one_name(name: str, url: str) -> None:
    assert repository(url) == name


def test_two_repositories_never_have_one_name() -> None:
    by_name: dict[str, list[str]] = {}
    for url in DIFFERENT:
        by_name.setdefault(repository(url), []).append(url)
    assert [urls for urls in by_name.values() if len(urls) > 1] == []
    assert "" not in by_name


@pytest.mark.parametrize(
    "url", ["https://", "https://[::1/x", "https://host:99999/x", "ssh://", "://x", "file://host/x"]
)
def test_what_names_no_host_has_no_name(url: str) -> None:
    assert repository(url) == ""
