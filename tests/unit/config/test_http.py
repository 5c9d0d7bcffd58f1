"""How the HTTP server is told where to listen, by which names it is called, and whom to trust."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_memory.config.http import NUMBER_MAX, HttpSettings
from mcp_memory.config.settings import SETTINGS
from mcp_memory.errors import SettingsInvalid
from mcp_memory.http.bind import BindAddress, Names
from tests.support.http_server import http_settings


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9000", "127.0.0.1", 9000),
        ("127.0.0.1", "127.0.0.1", 8765),
        (":9000", "127.0.0.1", 9000),
        ("9000", "127.0.0.1", 9000),
        ("", "127.0.0.1", 8765),
        ("0", "127.0.0.1", 0),
        ("localhost:0", "localhost", 0),
        ("[::1]:9000", "::1", 9000),
        ("[::]", "::", 8765),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("Memory.Local:80", "memory.local", 80),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int) -> None:
    assert BindAddress.parse(text) == BindAddress(host=host, port=port)


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:x",
        "127.0.0.1:-1",
        "127.0.0.1:65536",
        "99999",
        "http://127.0.0.1:80",
        "127.0.0.1:80/mcp",
        "127.0.0.1:80?x",
        "127.0.0.1:80#x",
        "ana@127.0.0.1:80",
        "@127.0.0.1:80",
        "[::1:80",
        "::1",
        "127.0.0.1:80:81",
        "é..x",
        "²",
    ],
)
def test_an_address_that_is_none_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(SettingsInvalid, match="use HOST:PORT"):
        BindAddress.parse(text)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("memory.local", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("2130706433", False),
        ("127.1", False),
    ],
)
def test_only_an_address_of_this_machine_is_loopback(host: str, is_loopback: bool) -> None:
    assert BindAddress(host=host).is_loopback == is_loopback


@pytest.mark.parametrize("host", ["203.0.113.7", "::2"])
def test_where_nobody_can_listen_is_said(host: str) -> None:
    with pytest.raises(SettingsInvalid, match="cannot be listened at"):
        BindAddress(host=host, port=0).listen()


def test_a_port_that_is_taken_is_said() -> None:
    with BindAddress(port=0).listen() as taken:
        again = BindAddress(port=taken.getsockname()[1])
        with pytest.raises(SettingsInvalid, match="end who has it"):
            again.listen()


def test_the_default_port_of_a_url_may_be_left_out() -> None:
    names = Names.of(BindAddress(host="10.0.0.1"), HttpSettings(url="https://memory.example/"))
    assert names.url == "https://memory.example"
    assert names.hosts == {"memory.example", "memory.example:443"}
    assert names.origins == {"https://memory.example"}
    other = Names.of(BindAddress(host="10.0.0.1"), HttpSettings(url="http://[fd00::1]:8080"))
    assert other.hosts == {"[fd00::1]:8080"}


def test_behind_a_proxy_the_loopback_names_still_count() -> None:
    settings = HttpSettings(url="https://memory.example", hosts=("alias:1",), origins=("http://p",))
    names = Names.of(BindAddress(port=9000), settings)
    assert names.url == "https://memory.example"
    assert {"memory.example", "alias:1", "127.0.0.1:9000", "localhost:9000"} <= names.hosts
    assert {"https://memory.example", "http://p", "http://127.0.0.1:9000"} <= names.origins


def test_elsewhere_than_on_loopback_a_url_is_needed() -> None:
    with pytest.raises(SettingsInvalid, match="http_url"):
        Names.of(BindAddress(host="0.0.0.0"), HttpSettings())


LIMITS = [name for name, field in HttpSettings.model_fields.items() if field.annotation is int]


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_listed_with_its_default_and_its_bounds(name: str) -> None:
    (listed,) = (setting for setting in SETTINGS if setting.name == f"http_{name}")
    assert listed.default == str(getattr(http_settings({}), name))
    assert listed.meaning.endswith(f" (1 to {NUMBER_MAX})")
    assert getattr(http_settings({name: "1"}), name) == 1
    assert getattr(http_settings({name: str(NUMBER_MAX)}), name) == NUMBER_MAX


def test_settings_are_read_from_texts() -> None:
    given = {"hosts": "a, b:1  c", "reads_per_minute": "7", "url": "", "jwt_algorithms": "ES256"}
    http = http_settings(given)
    assert http.hosts == ("a", "b:1", "c")
    assert http.reads_per_minute == 7
    assert http_settings({"jwt_algorithms": " , "}) == http_settings({}), (
        "a list of nothing is not given"
    )
    assert http.jwt_algorithms == ("ES256",)
    origins = http_settings({"origins": "https://a.example/, https://b.example"}).origins
    assert origins == ("https://a.example", "https://b.example"), "as browsers send them"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"reads_per_minute": "0"}, "from 1 to"),
        ({"reads_per_minute": "-1"}, "from 1 to"),
        ({"writes_per_minute": "many"}, "from 1 to"),
        ({"sessions_max": "1.5"}, "from 1 to"),
        ({"sessions_each": "1_000"}, "from 1 to"),
        ({"deadline_seconds": "٣"}, "from 1 to"),
        ({"megabytes_per_day": str(NUMBER_MAX + 1)}, "from 1 to"),
        ({"megabytes_per_day": "9" * 1_000}, "from 1 to"),
        ({"url": "memory.example"}, "use an origin"),
        ({"url": "ftp://memory.example"}, "use an origin"),
        ({"url": "https://memory.example/mcp"}, "use an origin"),
        ({"url": "https://memory.example?x=1"}, "use an origin"),
        ({"url": "https://memory.example#x"}, "use an origin"),
        ({"url": "https://ana@memory.example"}, "use an origin"),
        ({"url": "https://memory.example:x"}, "use an origin"),
        ({"url": "https://"}, "use an origin"),
        ({"origins": "https://a.example,*"}, "use an origin"),
        ({"origins": "https://a.example,null"}, "use an origin"),
        ({"jwt_algorithms": "HS256,ES256"}, r"http_jwt_algorithms \(MCP.*\): got 'HS256'; use"),
        ({"origins": "https://a.example,b"}, r"http_origins \(MCP_.*\): got 'b'; use an origin"),
        ({"url": "x"}, r"http_url \(MCP_MEMORY_HTTP_URL\): got 'x'"),
        ({"hosts": "*"}, "exact values"),
        ({"hosts": "*.example.com"}, "exact values"),
        ({"hosts": "https://memory.example"}, "exact values"),
        ({"jwt_algorithms": "HS256"}, "use some of"),
        ({"jwt_algorithms": "ES256,none"}, "use some of"),
        ({"jwt_issuer": "https://issuer.example"}, "need each other"),
        ({"jwt_keys": "/keys.json"}, "need each other"),
        ({"jwt_issuer": "i", "jwt_keys": "http://keys.example/"}, "https"),
        ({"tls_cert": __file__}, "need each other"),
        ({"tls_cert": "/no/such.pem", "tls_key": __file__}, "no such file"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_setting_that_makes_no_sense_is_refused(values: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsInvalid, match=told):
        http_settings(values)


@pytest.mark.parametrize(
    ("url", "is_plain"),
    [
        ("http://memory.lan:8765", True),
        ("https://memory.lan:8765", False),
        ("http://127.0.0.1:8765", False),
        ("http://[::1]:8765", False),
        ("http://localhost", False),
    ],
)
def test_plain_http_across_a_network_is_told_apart(url: str, is_plain: bool) -> None:
    assert Names.of(BindAddress(), HttpSettings(url=url)).is_plain == is_plain


def test_a_certificate_that_is_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "x.pem").touch()
    pem = str(tmp_path / "x.pem")
    assert http_settings({"tls_cert": pem, "tls_key": pem}).tls_cert == pem
