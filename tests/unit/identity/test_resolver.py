"""Who is calling is decided by the client's context alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.domain import time_zones
from mcp_memory.domain.memory import Json
from mcp_memory.errors import InvalidInput, ScopeMissing
from mcp_memory.identity import resolver as caller
from mcp_memory.identity.resolver import (
    META_CODEX,
    META_PROJECT,
    META_SESSION,
    META_ZONE,
    Signals,
    deciding,
    resolve,
)

CLAIMS: Json = {"sub": "alice", "tenant": "acme", "client_id": "ide"}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("home", "one", "two", "three"):
        (tmp_path / name).mkdir()
    (tmp_path / "three" / ".git").mkdir()
    (tmp_path / "three" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path.resolve()


def local(**changes: Any) -> Signals:
    return replace(Signals(system_user="alice"), **changes)


def remote(**changes: Any) -> Signals:
    return replace(Signals(transport="http", claims=CLAIMS), **changes)


def test_a_local_caller_is_the_operating_system_user() -> None:
    found = resolve(local())
    assert (found.tenant, found.user) == ("local", "alice")
    assert (found.project, found.agent, found.session) == ("", "", "")
    assert found.sources["user"] == "operating-system user"
    assert found.sources["tenant"] == "default"
    assert found.sources["session"] == "none"


def test_configuration_decides_user_and_tenant() -> None:
    found = resolve(local(configured_user="Bob", configured_tenant="Acme"))
    assert (found.tenant, found.user) == ("acme", "bob")
    assert found.sources["user"] == found.sources["tenant"] == "configuration"


@pytest.mark.parametrize("name", ["a b", "é", "x" * 65, "a/b", "../x", "a\x00", "\u0430lice"])
def test_a_configured_name_that_could_be_mistaken_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="MCP_MEMORY_USER"):
        resolve(local(configured_user=name))
    with pytest.raises(InvalidInput, match="MCP_MEMORY_TENANT"):
        resolve(local(configured_tenant=name))


def test_an_unusual_system_user_gets_a_plain_name() -> None:
    name = resolve(local(system_user="CORP\\Zoë")).user
    assert name.startswith("corp-zo-")
    assert name != resolve(local(system_user="CORP\\Zoe")).user


def test_nobody_is_denied() -> None:
    with pytest.raises(ScopeMissing, match="MCP_MEMORY_USER"):
        resolve(Signals())


def test_project_sources_in_order(folders: Path) -> None:
    signals = local(
        meta={META_PROJECT: "from-meta"},
        configured_project="from-settings",
        claude_project_dir=str(folders / "one"),
        roots=((folders / "two").as_uri(),),
        working_dir=folders / "three",
    )
    seen = [resolve(signals)]
    seen.append(resolve(replace(signals, meta={})))
    seen.append(resolve(replace(signals, meta={}, configured_project="")))
    bare = replace(signals, meta={}, configured_project="", claude_project_dir="")
    seen.append(resolve(bare))
    seen.append(resolve(replace(bare, roots=())))
    assert [s.sources["project"] for s in seen] == [
        "_meta",
        "configuration",
        "CLAUDE_PROJECT_DIR",
        "client roots",
        "working directory",
    ]
    assert [s.project_label for s in seen] == [
        "from-meta",
        "from-settings",
        str(folders / "one"),
        str(folders / "two"),
        str(folders / "three"),
    ]


def test_home_is_passed_over_for_the_next_source(folders: Path) -> None:
    home = folders / "home"
    signals = local(claude_project_dir=str(home), roots=(home.as_uri(), (folders / "two").as_uri()))
    assert resolve(signals).project_label == str(folders / "two")
    assert resolve(local(working_dir=home)).project == ""


def test_a_working_directory_outside_any_repository_is_no_project(folders: Path) -> None:
    caller = resolve(local(working_dir=folders / "two"))
    assert (caller.project, caller.sources["project"]) == ("", "none")


def test_a_project_can_be_given_as_a_path_on_this_machine(folders: Path) -> None:
    by_path = resolve(local(meta={META_PROJECT: str(folders / "one")}))
    by_uri = resolve(local(meta={META_PROJECT: (folders / "one").as_uri()}))
    assert by_path.project == by_uri.project
    assert by_path.project_label == str(folders / "one")


@pytest.mark.parametrize("value", [7, ["a"], {"a": 1}, "a\nb", "a\x00", "\ud800", "x" * 2000])
@pytest.mark.parametrize("key", [META_PROJECT, META_SESSION])
def test_a_bad_meta_value_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=key):
        resolve(local(meta={key: value}))


def test_session_sources_in_order() -> None:
    signals = local(
        meta={META_SESSION: "s1", META_CODEX: {"session_id": "s2"}},
        headers={"mcp-session-id": "s3"},
        claude_session="s4",
        connection_id="s5",
    )
    seen = [resolve(signals)]
    seen.append(resolve(replace(signals, meta={META_CODEX: {"session_id": "s2"}})))
    seen.append(resolve(replace(signals, meta={META_CODEX: "nonsense"})))
    bare = replace(signals, meta={}, headers={})
    seen.append(resolve(bare))
    seen.append(resolve(replace(bare, claude_session="")))
    assert [s.session for s in seen] == ["s1", "s2", "s3", "s4", "s5"]
    assert [s.sources["session"] for s in seen] == [
        "_meta",
        "Codex session",
        "Mcp-Session-Id header",
        "CLAUDE_CODE_SESSION_ID",
        "connection",
    ]


def test_the_newer_era_has_no_session_of_its_own() -> None:
    assert resolve(local(modern=True, connection_id="c1")).session == ""
    assert resolve(local(modern=True, connection_id="c1", claude_session="s1")).session == "s1"


@pytest.mark.parametrize(
    "changes",
    [
        {"configured_project": "{}"},
        {"claude_project_dir": "{}"},
        {"roots": ("file://{}",)},
        {"meta": {META_PROJECT: "{}"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_project_whose_folder_is_not_here_is_told(folders: Path, changes: dict[str, Any]) -> None:
    gone = str(folders / "gone")
    filled = json.loads(json.dumps(changes).replace("{}", gone))
    found = resolve(local(**{**filled, "roots": tuple(filled.get("roots", ()))}))
    assert found.project_label == gone
    (note,) = found.notes
    assert gone in note
    assert "is not on this machine" in note
    here = json.loads(json.dumps(changes).replace("{}", str(folders / "one")))
    assert resolve(local(**{**here, "roots": tuple(here.get("roots", ()))})).notes == ()


@pytest.mark.parametrize("left", ["null", "<your project>", "${workspaceFolder}", "undefined"])
def test_a_placeholder_gives_way_to_the_next_source_and_is_told(folders: Path, left: str) -> None:
    one = str(folders / "one")
    by_meta = resolve(local(meta={META_PROJECT: left}, claude_project_dir=one))
    by_claude = resolve(local(claude_project_dir=left, roots=((folders / "one").as_uri(),)))
    assert by_meta.project_label == by_claude.project_label == one
    far = resolve(remote(headers={"x-mcp-memory-project": left}))
    assert far.project == ""
    for found, source in ((by_meta, "_meta"), (by_claude, "CLAUDE_PROJECT_DIR"), (far, "X-Mcp-")):
        (note,) = found.notes
        assert note.startswith(source)
        assert note.endswith("counts as not set")


@pytest.mark.parametrize("text", ["https://", "$NOT_SET_HERE/x", "***"])
def test_a_project_that_cannot_be_meant_is_refused_by_the_variable_it_was_set_with(
    text: str,
) -> None:
    with pytest.raises(InvalidInput, match=r"project \(MCP_MEMORY_PROJECT\): got"):
        resolve(local(configured_project=text))


@pytest.mark.parametrize(
    "left", ["", "  ", "${CLAUDE_CODE_SESSION_ID}", "a\nb", "x" * 2000, "null", "<session>"]
)
def test_a_placeholder_in_the_environment_names_no_session(left: str) -> None:
    assert resolve(local(claude_session=left, connection_id="c1")).session == "c1"


def test_time_zone_sources_in_order() -> None:
    signals = local(
        meta={META_ZONE: "Asia/Tokyo"},
        zone_variable=":Pacific/Auckland",
        configured_zone="Europe/Lisbon",
    )
    seen = [resolve(signals)]
    seen.append(resolve(replace(signals, meta={})))
    seen.append(resolve(replace(signals, meta={}, zone_variable="")))
    seen.append(resolve(local()))
    assert [s.sources["timezone"] for s in seen] == ["_meta", "TZ", "configuration", "system"]
    names = ["Asia/Tokyo", "Pacific/Auckland", "Europe/Lisbon"]
    assert [str(s.zone) for s in seen[:3]] == names
    assert seen[3].zone == time_zones.system()


@pytest.mark.parametrize(
    "value", ["CET-1CEST", ":/etc/localtime", "UTC0", "Nowhere", "<-03>3", " "]
)
def test_a_variable_that_names_no_zone_is_passed_over(value: str) -> None:
    found = resolve(local(zone_variable=value, configured_zone="Europe/Lisbon"))
    assert (str(found.zone), found.sources["timezone"]) == ("Europe/Lisbon", "configuration")


@pytest.mark.parametrize("value", ["CET-1CEST", "Europe", "../../etc/passwd", "x" * 65, 7, "a\nb"])
def test_a_zone_in_meta_that_is_none_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidInput, match=META_ZONE):
        resolve(local(meta={META_ZONE: value}))


@pytest.mark.parametrize("name", ["europe/berlin", "EUROPE/BERLIN", " Europe/Berlin "])
def test_a_zone_is_known_however_it_is_written(name: str) -> None:
    assert str(resolve(local(meta={META_ZONE: name})).zone) == "Europe/Berlin"


def test_a_remote_caller_has_a_time_zone_too() -> None:
    found = resolve(remote(meta={META_ZONE: "Asia/Tokyo"}, configured_zone="Europe/Lisbon"))
    assert str(found.zone) == "Asia/Tokyo"
    assert str(resolve(remote(configured_zone="Europe/Lisbon")).zone) == "Europe/Lisbon"


def test_the_agent_is_the_clients_name_and_a_label_only() -> None:
    found = resolve(local(client_name="claude-code", client_version="2.1"))
    assert (found.agent, found.client) == ("claude-code", "claude-code 2.1")
    assert found.sources["agent"] == "client info"
    assert resolve(local(client_name="Visual Studio Code")).agent.startswith("visual-studio-code-")
    assert "\n" not in resolve(local(client_name="a\nb\u202e")).client
    assert resolve(local(client_name="x" * 5000)).client == "x" * 120


def test_with_a_token_tenant_and_user_come_from_its_claims_only() -> None:
    found = resolve(
        remote(
            configured_user="mallory",
            configured_tenant="evil",
            system_user="root",
            headers={"x-mcp-memory-user": "mallory", "x-mcp-memory-project": "app"},
            meta={"user": "mallory", "io.github.mcp-memory/user": "mallory"},
        )
    )
    assert (found.tenant, found.user, found.project) == ("acme", "alice", "app")
    assert found.sources["tenant"] == found.sources["user"] == "token"
    assert found.sources["project"] == "X-Mcp-Memory-Project header"


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_a_remote_caller_without_a_token_is_denied(transport: str) -> None:
    with pytest.raises(ScopeMissing, match="access token"):
        resolve(Signals(transport=transport, system_user="root", configured_user="root"))


@pytest.mark.parametrize("missing", ["sub", "tenant"])
@pytest.mark.parametrize("value", [None, "", 7, ["acme"]])
def test_a_missing_claim_is_denied_not_widened(missing: str, value: object) -> None:
    claims = {**CLAIMS, missing: value}
    with pytest.raises(ScopeMissing, match=f"'{missing}' claim"):
        resolve(remote(claims=claims, configured_user="root", system_user="root"))


def test_a_token_on_a_local_transport_still_rules() -> None:
    found = resolve(local(claims=CLAIMS, configured_user="mallory"))
    assert (found.tenant, found.user) == ("acme", "alice")


def test_claims_that_look_alike_are_different_users() -> None:
    names = ["alice", "Alice", "alice ", "\u0430lice", "auth0|alice", "alice@acme"]
    users = {resolve(remote(claims={**CLAIMS, "sub": name})).user for name in names}
    assert len(users) == len(names)


def test_a_remote_caller_cannot_make_us_look_at_our_own_folders(folders: Path) -> None:
    found = resolve(
        remote(
            meta={META_PROJECT: str(folders / "one" / ".." / "one")},
            working_dir=folders / "two",
            claude_project_dir=str(folders / "two"),
            roots=((folders / "two").as_uri(),),
        )
    )
    assert found.project_label == str(folders / "one" / ".." / "one"), "a name, never resolved"
    assert resolve(remote(working_dir=folders / "two", roots=("file:///x",))).project == ""


def test_the_agent_of_a_token_is_its_client() -> None:
    found = resolve(remote(client_name="claude-code"))
    assert (found.agent, found.sources["agent"]) == ("ide", "token")
    without = {"sub": "alice", "tenant": "acme"}
    assert resolve(remote(claims=without, client_name="claude-code")).agent == "claude-code"


def test_every_part_of_a_scope_is_a_safe_name() -> None:
    found = resolve(
        local(
            system_user="Ünï cödé",
            meta={META_PROJECT: "x/../../etc", META_SESSION: "a/b c"},
            client_name="🦆",
        )
    )
    for part in (found.tenant, found.user, found.project, found.agent, found.session):
        assert 0 < len(part) <= 64
        assert set(part) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert len({str(p) for p in found.partitions()}) == 5


def test_the_system_user_is_known() -> None:
    assert caller.system_user()


def test_requests_that_differ_in_nothing_that_decides_have_equal_signals() -> None:
    def request(turn: str, project: str) -> Signals:
        codex = {"session_id": "s", "turn_id": turn}
        meta = {META_PROJECT: project, META_CODEX: codex, "progressToken": turn}
        return local(meta=meta, headers={"mcp-session-id": "h", "date": turn})

    assert deciding(request("1", "app")) == deciding(request("2", "app"))
    assert deciding(request("1", "app")) != deciding(request("1", "site"))
    assert resolve(deciding(request("1", "app"))) == resolve(request("1", "app"))
