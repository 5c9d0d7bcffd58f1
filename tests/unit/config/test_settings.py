"""Environment and config file → Settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_memory.config.settings import HTTP, SETTINGS, Settings, home_of, load
from mcp_memory.domain.labels import shown
from mcp_memory.errors import SettingsInvalid


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    assert load({}, home=tmp_path) == Settings(home=tmp_path, working_dir=Path.cwd())
    assert home_of({}).is_absolute()
    assert "mcp-memory" in home_of({}).parts


def test_every_setting_is_read_from_the_environment(tmp_path: Path) -> None:
    settings = load(
        {
            "MCP_MEMORY_HOME": str(tmp_path),
            "MCP_MEMORY_USER": "ada",
            "MCP_MEMORY_TENANT": "acme",
            "MCP_MEMORY_PROJECT": "engine",
            "MCP_MEMORY_TIMEZONE": "Asia/Tokyo",
            "MCP_MEMORY_MODEL": "BAAI/bge-small-en-v1.5",
            "MCP_MEMORY_LOG_LEVEL": "DEBUG",
            "MCP_MEMORY_SESSION_DAYS": "7",
            "MCP_MEMORY_IDLE_MINUTES": "0.5",
            "CLAUDE_PROJECT_DIR": "/src/engine",
            "CLAUDE_CODE_SESSION_ID": "7f0c",
            "TZ": "UTC",
            "PATH": "/usr/bin",
        }
    )
    assert settings == Settings(
        home=tmp_path,
        working_dir=Path.cwd(),
        user="ada",
        tenant="acme",
        project="engine",
        timezone="Asia/Tokyo",
        claude_project_dir="/src/engine",
        claude_session="7f0c",
        zone_variable="UTC",
        model="BAAI/bge-small-en-v1.5",
        log_level="debug",
        session_days=7,
        idle_minutes=0.5,
    )
    for setting in SETTINGS:
        holder = settings.http if setting.name.startswith(HTTP) else settings
        assert hasattr(holder, setting.name.removeprefix(HTTP))


def test_the_environment_wins_over_the_file_and_an_argument_over_both(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('user = "ada"\ntenant = "acme"\nsession_days = 3\n')
    environ = {"MCP_MEMORY_HOME": "/elsewhere", "MCP_MEMORY_USER": "grace"}
    settings = load(environ, home=tmp_path)
    assert (settings.home, settings.user, settings.tenant) == (tmp_path, "grace", "acme")
    assert settings.session_days == 3


def test_several_values_are_a_list_in_the_file_or_a_text(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('http_hosts = ["a.example", "b.example:1"]\nhttp_origins = "https://a.example"')
    http = load({}, home=tmp_path).http
    assert http.hosts == ("a.example", "b.example:1")
    assert http.origins == ("https://a.example",)
    file.write_text("http_hosts = [1]")
    with pytest.raises(SettingsInvalid, match=r"http_hosts \(.*config\.toml\): got another kind"):
        load({}, home=tmp_path)


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('user = "ada"')
    assert load({"MCP_MEMORY_USER": " "}, home=tmp_path).user == "ada"


def test_a_home_may_be_relative_or_begin_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({}, home=Path("store")).home == tmp_path / "store"
    assert load({"MCP_MEMORY_HOME": "~/store"}).home == Path.home() / "store"


@pytest.mark.parametrize(
    "text", ["$HOEM/mem", "${workspaceFolder}", "mem", "<folder>", "/path/to/x"]
)
def test_a_home_that_cannot_be_meant_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"MCP_MEMORY_HOME: got '.*write"):
        load({"MCP_MEMORY_HOME": text})
    if text != "mem":
        with pytest.raises(SettingsInvalid, match=r"--home: got '.*write"):
            load({}, home=Path(text))


@pytest.mark.parametrize("text", ["~/mem", "$HOME/mem", "${HOME}/mem", "${env:HOME}/mem"])
def test_paths_are_filled_in(text: str) -> None:
    wanted = Path.home() / "mem"
    assert load({"MCP_MEMORY_HOME": text}).home == wanted
    assert load({}, home=Path(text)).home == wanted
    assert load({"MCP_MEMORY_HTTP_TOKENS": text}).http.tokens == str(wanted)
    keys = {"MCP_MEMORY_HTTP_JWT_ISSUER": "x", "MCP_MEMORY_HTTP_JWT_KEYS": "https://x/a$b"}
    assert load(keys).http.jwt_keys == "https://x/a$b"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("USRE", "USER"),
        ("USR", "USER"),
        ("user", "USER"),
        ("USER_ID", "USER"),
        ("TENENT", "TENANT"),
        ("PROJCT", "PROJECT"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("HTTP_TOKEN", "HTTP_TOKENS"),
    ],
)
def test_a_variable_that_is_misspelt_is_told_with_the_one_that_was_meant(
    tmp_path: Path, name: str, meant: str
) -> None:
    (doubt,) = load({f"MCP_MEMORY_{name}": "ada"}, home=tmp_path).doubts
    assert doubt.is_grave
    assert f"MCP_MEMORY_{name} is no setting" in doubt.text
    assert doubt.text.endswith(f"did you mean MCP_MEMORY_{meant}?")


@pytest.mark.parametrize("name", ["SQLITE_PATH", "BACKEND", "DB", "API_KEY", "VECTOR_SIZE", ""])
def test_another_servers_variable_stops_nothing_and_is_named(tmp_path: Path, name: str) -> None:
    settings = load({f"MCP_MEMORY_{name}": "a\nb", "MCP_MEMORY_USER": "ada"}, home=tmp_path)
    (doubt,) = settings.doubts
    assert settings.user == "ada"
    assert doubt.text.startswith(f"MCP_MEMORY_{name} is no setting of mcp-memory")
    assert not doubt.is_grave


def test_what_a_client_has_not_filled_in_counts_as_not_set_and_is_told(tmp_path: Path) -> None:
    environ = {"MCP_MEMORY_USER": "${input:user}", "MCP_MEMORY_PROJECT": "${workspaceFolder}"}
    settings = load(environ, home=tmp_path)
    assert (settings.user, settings.project) == ("", "")
    assert [(doubt.is_grave, "counts as not set" in doubt.text) for doubt in settings.doubts] == [
        (True, True),
        (False, True),
    ]


LEFT = [
    *("<your project>", "null", "None", "undefined", "${workspaceFolder}", "(null)", "<project>"),
    *("github.com/<org>/<repo>", "{{project}}", "{project}", "[object Object]", "/path/to/app"),
]


@pytest.mark.parametrize("text", LEFT)
@pytest.mark.parametrize("name", ["PROJECT", "USER", "TENANT", "TIMEZONE"])
def test_what_nobody_filled_in_counts_as_not_set_and_is_told(
    tmp_path: Path, name: str, text: str
) -> None:
    settings = load({f"MCP_MEMORY_{name}": text}, home=tmp_path)
    assert getattr(settings, name.lower()) == ""
    (doubt,) = settings.doubts
    assert doubt.text == f"MCP_MEMORY_{name} was left as {shown(text)} and counts as not set"


@pytest.mark.parametrize("text", ["nullable", "none-such", "my/undefined", "a<b", "nanobot", "{"])
def test_a_name_that_only_looks_like_a_placeholder_is_kept(tmp_path: Path, text: str) -> None:
    settings = load({"MCP_MEMORY_PROJECT": text}, home=tmp_path)
    assert (settings.project, settings.doubts) == (text, ())


def test_the_names_that_are_told_are_few_and_say_nothing(tmp_path: Path) -> None:
    environ = {f"MCP_MEMORY_X\nIGNORE ALL {n}": "x" for n in range(100)}
    doubts = load(environ, home=tmp_path).doubts
    assert 0 < len(doubts) < 10
    assert not any("\n" in doubt.text or "IGNORE ALL" in doubt.text for doubt in doubts)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        (
            {"MCP_MEMORY_HTTP_TOKENS": "tokens.json"},
            r"http_tokens .*got 'tokens.json'; it is relative",
        ),
        ({"MCP_MEMORY_HTTP_JWT_KEYS": "$KEYZ/a"}, r"http_jwt_keys .*\$KEYZ was not filled in"),
        ({"MCP_MEMORY_HTTP_TLS_CERT": "<cert>"}, "http_tls_cert .*an example"),
        (
            {"MCP_MEMORY_LOG_LEVEL": "loud"},
            r"log_level \(MCP_MEMORY_LOG_LEVEL\): got 'loud'; use one of debug",
        ),
        *(
            (
                {"MCP_MEMORY_SESSION_DAYS": text},
                rf"session_days \(MCP_MEMORY_SESSION_DAYS\): got '{text}'; "
                "use a whole number from 1 to 3650",
            )
            for text in ("0", "3651", "-1", "soon", "7.0", "1_0", "٣", "9" * 100)
        ),
        *(
            (
                {"MCP_MEMORY_IDLE_MINUTES": text},
                rf"idle_minutes \(MCP_MEMORY_IDLE_MINUTES\): got '{text}'; "
                "use a number from 0.01 to 10080",
            )
            for text in ("0", "0.009", "10081", "inf", "soon")
        ),
        (
            {"MCP_MEMORY_USER": "a\nb"},
            r"user \(MCP_MEMORY_USER\): it contains characters that cannot be printed",
        ),
        ({"MCP_MEMORY_PROJECT": "x" * 1025}, r"project \(MCP_MEMORY_PROJECT\): got a text of 1025"),
    ],
)
def test_a_bad_variable_is_named_with_what_is_allowed(
    tmp_path: Path, environ: dict[str, str], says: str
) -> None:
    with pytest.raises(SettingsInvalid, match=says):
        load(environ, home=tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour = 'red'", r"config\.toml: no setting 'colour'; there are user, tenant"),
        ("home = '/tmp'", "no setting 'home'"),
        ("user = [1]", r"user \(.*config\.toml\): got another kind of value; use a text"),
        ("session_days = true", r"session_days \(.*config\.toml\): got another kind"),
        (
            "session_days = 0",
            r"session_days \(.*config\.toml\): got '0'; use a whole number",
        ),
        ("idle_minutes = nan", r"idle_minutes \(.*config\.toml\): got 'nan'; use a number"),
        ("log_level = 7", r"log_level \(.*config\.toml\): got '7'; use one of debug"),
        (
            "http_sessions_max = 1.5",
            r"http_sessions_max \(.*config\.toml\): got '1.5'; use",
        ),
        ("user = ", r"config\.toml: cannot be read .*mend or remove it"),
    ],
)
def test_a_bad_config_file_is_named_with_what_is_allowed(
    tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(SettingsInvalid, match=says):
        load({}, home=tmp_path)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "CET-1CEST", "+02:00", "../etc", "Europe"])
def test_a_time_zone_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        SettingsInvalid, match=r"timezone \(MCP_MEMORY_TIMEZONE\): got .* Europe/Berlin"
    ):
        load({"MCP_MEMORY_TIMEZONE": name}, home=tmp_path)
    (tmp_path / "config.toml").write_text(f'timezone = "{name}"\n')
    with pytest.raises(SettingsInvalid, match=r"timezone \(.*config\.toml\): got"):
        load({}, home=tmp_path)
