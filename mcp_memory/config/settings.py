"""The environment and the config file → one frozen Settings.

A variable wins over the file; a value that cannot be used is refused, by name, instead of
being passed over, and so is an unknown name in the file, which is ours alone. An unknown
variable may be another server's: it is told of, and what it may have been meant for.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mcp_memory.config import http as http_settings
from mcp_memory.config.http import OPTIONS, HttpSettings
from mcp_memory.domain import labels, time_zones
from mcp_memory.errors import SettingsInvalid
from mcp_memory.system import environment, home_folder, paths
from mcp_memory.system.environment import CLAUDE_PROJECT_DIR, CLAUDE_SESSION, PREFIX, ZONE

CONFIG_FILE = "config.toml"
LOG_LEVELS = ("debug", "info", "warning", "error")
SESSION_DAYS_MAX = 3650
IDLE_MINUTES, IDLE_MINUTES_MIN, IDLE_MINUTES_MAX = 15, 0.01, 10_080
VALUE_CHARS_MAX = 1024
HTTP = "http_"
"""How the names of the web door's settings begin."""


_PATHS = (HTTP + "tls_cert", HTTP + "tls_key", HTTP + "tokens", HTTP + "jwt_keys")
_NEAR = 0.7
_DOUBTS_MAX = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """Something in the environment that does nothing; `is_grave` where it may have been meant."""

    text: str
    is_grave: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One thing that can be set: as the variable `MCP_MEMORY_NAME` and, if `in_file`, as
    `name` in config.toml."""

    name: str
    meaning: str
    default: str
    in_file: bool = True

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()


SETTINGS = (
    Setting(
        name="home",
        meaning="the folder of the store",
        default="the platform's folder for user data",
        in_file=False,
    ),
    Setting(name="user", meaning="whose memory it is", default="the operating-system user"),
    Setting(name="tenant", meaning="the team that the user belongs to", default="local"),
    Setting(
        name="project",
        meaning="the project, as a name or a folder",
        default="the client's folder: its git remote, else its repository",
        in_file=False,
    ),
    Setting(
        name="timezone",
        meaning="whose days are meant, e.g. Europe/Berlin, where the client does not say",
        default="the machine's",
    ),
    Setting(
        name="model",
        meaning="the embedding model, a name that fastembed knows or a folder",
        default="the bundled all-MiniLM-L6-v2",
    ),
    Setting(
        name="reranker",
        meaning="a cross-encoder for a second look, a name that fastembed knows",
        default="none",
    ),
    Setting(
        name="log_level",
        meaning="how much is logged to stderr: " + ", ".join(LOG_LEVELS),
        default="warning",
    ),
    Setting(
        name="session_days",
        meaning="days after which memories of level session expire",
        default="30",
    ),
    Setting(
        name="idle_minutes",
        meaning="minutes without a client after which the host ends",
        default="15",
    ),
    *(Setting(name=HTTP + name, meaning=what, default=value) for name, what, value in OPTIONS),
)
"""Everything that can be set. What clients tell by themselves is read too: see `environment`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How this process was configured, and what its client tells. "" means not set."""

    home: Path
    working_dir: Path
    user: str = ""
    tenant: str = ""
    project: str = ""
    timezone: str = ""
    claude_project_dir: str = ""
    claude_session: str = ""
    zone_variable: str = ""
    model: str = ""
    reranker: str = ""
    log_level: str = "warning"
    session_days: int = 30
    idle_minutes: float = IDLE_MINUTES
    http: HttpSettings = field(default_factory=HttpSettings)
    doubts: tuple[Doubt, ...] = ()

    @property
    def models_dir(self) -> Path:
        """Where fetched embedding models are kept."""
        return self.home / "models"


def load(
    environ: Mapping[str, str] | None = None,
    *,
    home: Path | None = None,
    working_dir: Path | None = None,
) -> Settings:
    """The settings of this process, or of another one whose `environ` and folder are given.

    `home` wins over the environment. Raises SettingsInvalid for a value that cannot be used,
    and for an unknown name in the file.
    """
    environ = environment.whole() if environ is None else environ
    given = _from_environment(environ)
    given.pop("home", "")
    folder = home_of(environ, home, base=os.path.curdir)
    values = {**_from_file(folder / CONFIG_FILE), **given}
    values |= {name: _path(name, values[name], environ) for name in _PATHS if values.get(name)}
    return Settings(
        home=folder,
        working_dir=working_dir or _here(folder),
        user=values.get("user", ""),
        tenant=values.get("tenant", ""),
        project=values.get("project", ""),
        timezone=_timezone(values.get("timezone", "")),
        claude_project_dir=environ.get(CLAUDE_PROJECT_DIR, ""),
        claude_session=environ.get(CLAUDE_SESSION, ""),
        zone_variable=environ.get(ZONE, ""),
        model=values.get("model", ""),
        reranker=values.get("reranker", ""),
        log_level=_log_level(values.get("log_level", "")),
        session_days=_session_days(values.get("session_days", "")),
        idle_minutes=_idle_minutes(values.get("idle_minutes", "")),
        http=http_settings.load(
            {n.removeprefix(HTTP): value for n, value in values.items() if n.startswith(HTTP)}
        ),
        doubts=tuple(_doubts(environ))[:_DOUBTS_MAX],
    )


def _here(otherwise: Path) -> Path:
    """The working directory; another folder when it was removed."""
    try:
        return Path.cwd()
    except OSError:
        return otherwise


def home_of(
    environ: Mapping[str, str] | None = None, given: Path | None = None, *, base: str = ""
) -> Path:
    """The store's folder: as given, else configured, else the platform's for user data.

    What is given may be relative to `base`.

    Raises SettingsInvalid for one that cannot be meant, and for a user without a home folder.
    """
    try:
        return Path(environment.home_dir(str(given or ""), environ, base=base))
    except ValueError as error:
        raise SettingsInvalid(str(error)) from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    given = {s.name: _text(s.variable, environ.get(s.variable, "")) for s in SETTINGS}
    return {name: value for name, value in given.items() if value and not _is_unfilled(name, value)}


def _is_unfilled(name: str, value: str) -> bool:
    """Whether a client that knew nothing to fill in has left a placeholder as it is."""
    return name not in ("home", *_PATHS) and paths.is_placeholder(value)


def _doubts(environ: Mapping[str, str]) -> Iterator[Doubt]:
    """What in the environment looks like a setting and does nothing."""
    known = {s.variable.removeprefix(PREFIX): s.name for s in SETTINGS}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name, shown = variable.removeprefix(PREFIX), labels.shown(variable)
        if name not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=_NEAR)
            meant = f"; did you mean {PREFIX}{near[0]}?" if near else ""
            text = f"{shown} is no setting of mcp-memory and does nothing{meant}"
            yield Doubt(text=text, is_grave=bool(near))
        elif _is_unfilled(known[name], value):
            text = f"{shown} was left as {labels.shown(value)} and counts as not set"
            yield Doubt(text=text, is_grave=known[name] in ("user", "tenant"))


def _path(name: str, value: str, environ: Mapping[str, str]) -> str:
    """A path as it is meant; addresses of the web stay as they are. Raises SettingsInvalid."""
    if value.startswith(("https://", "http://")):
        return value
    try:
        return paths.expanded(value, {**environment.whole(), **environ})
    except paths.PathRefused as error:
        shown = paths.quoted(value)
        raise SettingsInvalid(f"{name} ({PREFIX}{name.upper()}): got '{shown}'; {error}") from error


def _from_file(file: Path) -> dict[str, str]:
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:  # ValueError: not TOML, or not UTF-8
        said = home_folder.fault(str(file.parent)) if isinstance(error, OSError) else ""
        reason = said or f"{file}: cannot be read ({error}); mend or remove it"
        raise SettingsInvalid(reason) from error
    known = [s.name for s in SETTINGS if s.in_file]
    for name in document:
        if name not in known:
            raise SettingsInvalid(f"{file}: no setting '{name}'; there are {', '.join(known)}")
    return {name: _text(f"{file}, {name}", _joined(value)) for name, value in document.items()}


def _joined(value: Any) -> Any:
    """A list of texts as one, as it would stand in a variable."""
    items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else []
    if items and all(isinstance(item, str) for item in items):
        return ", ".join(items)
    return cast("Any", value)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise SettingsInvalid(f"{name}: got another kind of value; use a text or a number")
    text = str(value).strip()
    if not text.isprintable():
        raise SettingsInvalid(f"{name}: it contains characters that cannot be printed; remove them")
    if len(text) > VALUE_CHARS_MAX:
        raise SettingsInvalid(
            f"{name}: got a text of {len(text)} characters; "
            f"use one line of at most {VALUE_CHARS_MAX}"
        )
    return text


def _log_level(value: str) -> str:
    level = value.lower() or "warning"
    if level not in LOG_LEVELS:
        raise SettingsInvalid(f"log_level: got '{value}'; use one of {', '.join(LOG_LEVELS)}")
    return level


def _timezone(value: str) -> str:
    if value and time_zones.named(value) is None:
        raise SettingsInvalid(f"timezone: got '{value}'; {time_zones.EXPECTED}")
    return value


def _session_days(value: str) -> int:
    text = value or "30"
    days = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= days <= SESSION_DAYS_MAX:
        raise SettingsInvalid(
            f"session_days: got '{value}'; use a whole number from 1 to {SESSION_DAYS_MAX}"
        )
    return days


def _idle_minutes(value: str) -> float:
    text = value or str(IDLE_MINUTES)
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not IDLE_MINUTES_MIN <= minutes <= IDLE_MINUTES_MAX:  # not true of NaN either
        raise SettingsInvalid(
            f"idle_minutes: got '{value}'; use a number from {IDLE_MINUTES_MIN} to"
            f" {IDLE_MINUTES_MAX}"
        )
    return minutes
