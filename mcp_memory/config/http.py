"""Settings of the HTTP server: addresses, tokens, limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticUseDefault

from mcp_memory.config.fields import IS_PATH, WHOLE, Unset
from mcp_memory.system import environment, paths

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
"""Signatures that can be allowed: asymmetric ones only, so that no key here can make a token."""
NUMBER_MAX = 10**9
HTTP = "http_"
"""How the names of these settings begin."""
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?/")


def _items(value: Any) -> Any:
    """The items of a text, separated by commas or spaces. A text without any is not set."""
    if not isinstance(value, str):
        return value
    items = tuple(value.replace(",", " ").split())
    if not items:
        raise PydanticUseDefault
    return items


def _expanded(value: str, info: ValidationInfo) -> str:
    """An absolute path, by the environment in the context; a URL stays as it is."""
    if value.startswith(("https://", "http://")):
        return value
    environ = cast("Mapping[str, str] | None", info.context)
    return paths.expanded(value, {**environment.whole(), **(environ or {})})


def _existing(value: str) -> str:
    if not Path(value).is_file():
        raise ValueError(f"there is no such file as {paths.quoted(value)}")
    return value


def _private(value: str) -> str:
    if value.startswith("http://") and not _LOOPBACK.match(value):
        raise ValueError("keys from elsewhere must come by https")
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("use exact values of the Host header, such as example.com")
    return value


def _origin(value: str) -> str:
    if not _is_origin(value):
        raise ValueError("use an origin such as https://memory.example.com")
    return value


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  # raises for a port that is none
    except ValueError:
        return False
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and is_bare


def _as_browsers_send_it(value: str) -> str:
    return value.rstrip("/")


_LocalPath = Annotated[str, AfterValidator(_expanded), IS_PATH]
_File = Annotated[_LocalPath, AfterValidator(_existing)]
_Url = Annotated[str, AfterValidator(_origin)]
_Host = Annotated[str, AfterValidator(_host)]
_Origin = Annotated[_Url, AfterValidator(_as_browsers_send_it)]
_Items = BeforeValidator(_items)
_Limit = Annotated[int, Field(ge=1, le=NUMBER_MAX), WHOLE]


class HttpSettings(BaseModel):
    """Settings of `serve --http`: `MCP_MEMORY_HTTP_NAME`, or `http_name` in config.toml.

    "" and () mean not set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[_Url, Unset("where it listens")] = Field(
        default="", description="the address that clients use, without /mcp"
    )
    hosts: Annotated[tuple[_Host, ...], _Items, Unset("that of the url")] = Field(
        default=(), description="more values of the Host header, separated by commas"
    )
    origins: Annotated[tuple[_Origin, ...], _Items, Unset("that of the url")] = Field(
        default=(), description="web pages that may call, as origins separated by commas"
    )
    tls_cert: Annotated[_File, Unset("none: plain HTTP, behind a proxy")] = Field(
        default="", description="a PEM file with the certificate chain"
    )
    tls_key: Annotated[_File, Unset("none")] = Field(
        default="", description="a PEM file with its key"
    )
    tokens: Annotated[_LocalPath, Unset("tokens.json in the store's folder")] = Field(
        default="", description="the file of bearer tokens"
    )
    jwt_issuer: Annotated[str, Unset("none")] = Field(
        default="", description="who issues JWTs: their iss, and what clients are sent to"
    )
    jwt_keys: Annotated[_LocalPath, AfterValidator(_private), Unset("none")] = Field(
        default="", description="its keys, a JWKS as a URL or a file"
    )
    jwt_audience: Annotated[str, Unset("the url with /mcp")] = Field(
        default="", description="the aud that a JWT must have"
    )
    jwt_algorithms: Annotated[tuple[Algorithm, ...], _Items] = Field(
        default=("RS256", "ES256", "EdDSA"), description="the signatures that are allowed"
    )
    tenant_claim: str = Field(
        default="tenant", description="the claim that names the tenant; a.b is b in a"
    )
    user_claim: str = Field(default="sub", description="the claim that names the user")
    tenant: Annotated[str, Unset("none")] = Field(
        default="", description="the one tenant of all JWTs, instead of a claim"
    )
    reads_per_minute: _Limit = Field(
        default=300, description="requests of one user that change nothing"
    )
    writes_per_minute: _Limit = Field(
        default=120, description="requests of one user that may change something"
    )
    megabytes_per_day: _Limit = Field(default=64, description="what one user may send in a day")
    sessions_each: _Limit = Field(
        default=64, description="sessions of one user; the longest unused ends for a new one"
    )
    sessions_max: _Limit = Field(default=4096, description="sessions of all users")
    deadline_seconds: _Limit = Field(
        default=60, description="how long a request may wait, and a batch of memories take"
    )

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        """Refuse one setting of a pair without the other."""
        for first, second in (("tls_cert", "tls_key"), ("jwt_issuer", "jwt_keys")):
            if bool(getattr(self, first)) != bool(getattr(self, second)):
                both = " and ".join(
                    f"{HTTP}{n} ({environment.PREFIX}{HTTP.upper()}{n.upper()})"
                    for n in (first, second)
                )
                raise ValueError(f"{both} need each other; give both")
        return self
