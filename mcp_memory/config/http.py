"""How the web door is configured: addresses, tokens, limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mcp_memory.errors import SettingsInvalid

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures that can be allowed: asymmetric ones only, so that no key here can make a token."""
NUMBER_MAX = 10**12
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")

OPTIONS: tuple[tuple[str, str, str], ...] = (
    ("url", "the address that clients use, without /mcp", "where it listens"),
    ("hosts", "more values of the Host header, separated by commas", "that of the url"),
    ("origins", "web pages that may call, as origins separated by commas", "that of the url"),
    ("tls_cert", "a PEM file with the certificate chain", "none: plain HTTP, behind a proxy"),
    ("tls_key", "a PEM file with its key", "none"),
    ("tokens", "the file of bearer tokens", "tokens.json in the store's folder"),
    ("jwt_issuer", "who issues JWTs: their iss, and what clients are sent to", "none"),
    ("jwt_keys", "its keys, a JWKS as a URL or a file", "none"),
    ("jwt_audience", "the aud that a JWT must have", "the url with /mcp"),
    ("jwt_algorithms", "the signatures that are allowed", "RS256, ES256, EdDSA"),
    ("tenant_claim", "the claim that names the tenant; a.b is b in a", "tenant"),
    ("user_claim", "the claim that names the user", "sub"),
    ("tenant", "the one tenant of all JWTs, instead of a claim", "none"),
    ("reads_per_minute", "requests of one user that change nothing", "300"),
    ("writes_per_minute", "requests of one user that may change something", "120"),
    ("megabytes_per_day", "what one user may send in a day", "64"),
    ("sessions_each", "sessions of one user; the longest unused ends for a new one", "64"),
    ("sessions_max", "sessions of all users", "4096"),
    ("deadline_seconds", "how long a request may wait, and a batch of memories take", "60"),
)
"""Name, meaning and default of each; `MCP_MEMORY_HTTP_NAME`, or `http_name` in config.toml."""

_LISTS = ("hosts", "origins", "jwt_algorithms")
_NUMBERS = (
    "reads_per_minute",
    "writes_per_minute",
    "megabytes_per_day",
    "sessions_each",
    "sessions_max",
    "deadline_seconds",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpSettings:
    """The web door. "" and () mean not set."""

    url: str = ""
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    tls_cert: str = ""
    tls_key: str = ""
    tokens: str = ""
    jwt_issuer: str = ""
    jwt_keys: str = ""
    jwt_audience: str = ""
    jwt_algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    tenant_claim: str = "tenant"
    user_claim: str = "sub"
    tenant: str = ""
    reads_per_minute: int = 300
    writes_per_minute: int = 120
    megabytes_per_day: int = 64
    sessions_each: int = 64
    sessions_max: int = 4096
    deadline_seconds: int = 60


def load(values: Mapping[str, str]) -> HttpSettings:
    """The settings from what was given by name. Raises SettingsInvalid."""
    fields: dict[str, Any] = {}
    for name, value in values.items():
        if not value or (name in _LISTS and not _list(value)):
            continue
        if name == "origins":
            fields[name] = tuple(origin.rstrip("/") for origin in _list(value))
        elif name in _LISTS:
            fields[name] = _list(value)
        else:
            fields[name] = _number(name, value) if name in _NUMBERS else value
    settings = HttpSettings(**fields)
    _check(settings)
    return settings


def _check(settings: HttpSettings) -> None:
    _check_jwt(settings)
    _check_names(settings)
    for first, second in (("tls_cert", "tls_key"), ("jwt_issuer", "jwt_keys")):
        if bool(getattr(settings, first)) != bool(getattr(settings, second)):
            raise SettingsInvalid(
                f"{_named(first)} and {_named(second)} need each other; give both"
            )
    for name, file in (("tls_cert", settings.tls_cert), ("tls_key", settings.tls_key)):
        if file and not Path(file).is_file():
            raise _wrong(name, file, "there is no such file")


def _check_names(settings: HttpSettings) -> None:
    for name, address in (("url", settings.url), *(("origins", o) for o in settings.origins)):
        if address and not _is_origin(address):
            raise _wrong(name, address, "use an origin such as https://memory.example.com")
    for host in settings.hosts:
        if not _HOST.fullmatch(host):
            raise _wrong("hosts", host, "use exact values of the Host header, such as example.com")


def _check_jwt(settings: HttpSettings) -> None:
    unknown = ", ".join(set(settings.jwt_algorithms) - set(ALGORITHMS))
    if unknown:
        raise _wrong("jwt_algorithms", unknown, f"use some of {', '.join(ALGORITHMS)}")
    is_near = re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?/", settings.jwt_keys)
    if settings.jwt_keys.startswith("http://") and not is_near:
        raise _wrong("jwt_keys", settings.jwt_keys, "keys from elsewhere must come by https")


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  # raises for a port that is none
    except ValueError:
        return False
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and is_bare


def _list(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.replace(",", " ").split() if part)


def _number(name: str, text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(NUMBER_MAX))
    number = int(text) if is_number else 0
    if not 1 <= number <= NUMBER_MAX:
        raise _wrong(name, text, f"use a whole number from 1 to {NUMBER_MAX}")
    return number


def _wrong(name: str, value: str, advice: str) -> SettingsInvalid:
    return SettingsInvalid(f"{_named(name)}: got '{value}'; {advice}")


def _named(name: str) -> str:
    return f"http_{name} (MCP_MEMORY_HTTP_{name.upper()})"
