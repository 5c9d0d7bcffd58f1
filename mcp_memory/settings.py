"""The environment and the config file → one frozen Settings.

The only reader of the environment. A variable wins over the file; what is unknown or
cannot be used is refused, by name, instead of being passed over.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from mcp_memory.errors import SettingsInvalid

CONFIG_FILE = "config.toml"
PREFIX = "MCP_MEMORY_"
CLAUDE_PROJECT_DIR = "CLAUDE_PROJECT_DIR"
LOG_LEVELS = ("debug", "info", "warning", "error")
SESSION_DAYS_MAX = 3650
VALUE_CHARS_MAX = 1024


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
        name="model",
        meaning="the embedding model, a name that fastembed knows",
        default="the bundled all-MiniLM-L6-v2",
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
)
"""Everything that can be set. `CLAUDE_PROJECT_DIR`, which Claude Code sets, is read too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How this process was configured. "" means not set."""

    home: Path
    working_dir: Path
    user: str = ""
    tenant: str = ""
    project: str = ""
    claude_project_dir: str = ""
    model: str = ""
    log_level: str = "warning"
    session_days: int = 30

    @property
    def models_dir(self) -> Path:
        """Where fetched embedding models are kept."""
        return self.home / "models"


def default_home() -> Path:
    """The store's folder when nobody names one, per platform and user.

    Raises SettingsInvalid for a user without a home.
    """
    try:
        return Path(platformdirs.user_data_dir("mcp-memory", appauthor=False))
    except RuntimeError as error:
        raise SettingsInvalid(
            "home: this user has no home folder; say where the store lives with"
            " --home or MCP_MEMORY_HOME"
        ) from error


def load(environ: Mapping[str, str] | None = None, *, home: Path | None = None) -> Settings:
    """The settings of this process; `home` wins over the environment.

    Raises SettingsInvalid for an unknown name or a value that cannot be used.
    """
    environ = os.environ if environ is None else environ
    given = _from_environment(environ)
    folder = _absolute(home or Path(given.pop("home", "") or default_home()))
    values = {**_from_file(folder / CONFIG_FILE), **given}
    return Settings(
        home=folder,
        working_dir=Path.cwd(),
        user=values.get("user", ""),
        tenant=values.get("tenant", ""),
        project=values.get("project", ""),
        claude_project_dir=environ.get(CLAUDE_PROJECT_DIR, ""),
        model=values.get("model", ""),
        log_level=_log_level(values.get("log_level", "")),
        session_days=_session_days(values.get("session_days", "")),
    )


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    known = {s.variable: s.name for s in SETTINGS}
    found: dict[str, str] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX):
            continue
        if variable not in known:
            raise SettingsInvalid(f"{variable}: no such setting; there are {', '.join(known)}")
        found[known[variable]] = _text(variable, value)
    # A client that knows no folder leaves a placeholder such as ${workspaceFolder} as it is.
    return {name: value for name, value in found.items() if value and not value.startswith("${")}


def _from_file(file: Path) -> dict[str, str]:
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:  # ValueError: not TOML, or not UTF-8
        raise SettingsInvalid(f"{file}: cannot be read ({error}); mend or remove it") from error
    known = [s.name for s in SETTINGS if s.in_file]
    for name in document:
        if name not in known:
            raise SettingsInvalid(f"{file}: no setting '{name}'; there are {', '.join(known)}")
    return {name: _text(f"{file}, {name}", value) for name, value in document.items()}


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise SettingsInvalid(f"{name}: got another kind of value; use a text or a whole number")
    text = str(value).strip()
    if len(text) > VALUE_CHARS_MAX or not text.isprintable():
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


def _session_days(value: str) -> int:
    text = value or "30"
    days = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= days <= SESSION_DAYS_MAX:
        raise SettingsInvalid(
            f"session_days: got '{value}'; use a whole number from 1 to {SESSION_DAYS_MAX}"
        )
    return days


def _absolute(folder: Path) -> Path:
    try:
        return folder.expanduser().absolute()
    except RuntimeError as error:  # there is no home folder to put in place of ~
        raise SettingsInvalid(f"home: got '{folder}'; write the path without ~") from error


def keep_quiet() -> None:
    """Tell the libraries that this process loads to report nothing to anybody.

    onnxruntime writes a device id into the user's cache and sends events to its maker
    unless it is told not to before it is imported; so does the hub that models come from.
    """
    for variable in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ.setdefault(variable, "1")
