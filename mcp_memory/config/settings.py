"""Settings of a process, read from its environment and config.toml into one frozen model.

A variable wins over the file. A value that cannot be used is refused by name, and so is an
unknown name in the file, which is ours alone. An unknown variable may be another server's: it
is reported, with the setting that was probably meant.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mcp_memory.config.fields import (
    IS_PATH,
    NOT_IN_FILE,
    WHOLE,
    Setting,
    Unset,
    explain,
    settings_of,
)
from mcp_memory.config.http import HTTP, HttpSettings
from mcp_memory.domain import labels, time_zones
from mcp_memory.errors import SettingsInvalid
from mcp_memory.system import environment, home_folder, paths
from mcp_memory.system.environment import CLAUDE_PROJECT_DIR, CLAUDE_SESSION, PREFIX, ZONE

CONFIG_FILE = "config.toml"
VALUE_CHARS_MAX = 1024
_NEAR = 0.7
_DOUBTS_MAX = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """Something in the environment that does nothing; `is_grave` where it may have been meant."""

    text: str
    is_grave: bool


def _zone(value: str) -> str:
    if value and time_zones.named(value) is None:
        raise ValueError(time_zones.EXPECTED)
    return value


_LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(str.lower)]


class Settings(BaseModel):
    """How this process was configured, and what its client says of itself. "" means not set.

    A field with a description can be set; `load` fills in the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Annotated[Path, Unset(environment.HOME_DEFAULT), IS_PATH, NOT_IN_FILE] = Field(
        description=environment.HOME_MEANING
    )
    working_dir: Path
    user: Annotated[str, Unset("the operating-system user")] = Field(
        default="", description="whose memory it is"
    )
    tenant: Annotated[str, Unset("local")] = Field(
        default="", description="the team that the user belongs to"
    )
    project: Annotated[
        str, Unset("the client's folder: its git remote, else its repository"), NOT_IN_FILE
    ] = Field(default="", description="the project, as a name or a folder")
    timezone: Annotated[str, AfterValidator(_zone), Unset("the machine's")] = Field(
        default="",
        description="whose days are meant, e.g. Europe/Berlin, where the client does not say",
    )
    model: Annotated[str, Unset("the bundled all-MiniLM-L6-v2")] = Field(
        default="", description="the embedding model, a name that fastembed knows or a folder"
    )
    reranker: Annotated[str, Unset("none")] = Field(
        default="", description="a cross-encoder for a second look, a name that fastembed knows"
    )
    log_level: _LogLevel = Field(default="warning", description="how much is logged to stderr")
    session_days: Annotated[int, WHOLE] = Field(
        default=30, ge=1, le=3650, description="days after which memories of scope session expire"
    )
    idle_minutes: float = Field(
        default=15,
        ge=0.01,
        le=10_080,
        allow_inf_nan=False,
        description="minutes without a client after which the daemon ends",
    )
    http: HttpSettings = HttpSettings()
    claude_project_dir: str = ""
    claude_session: str = ""
    zone_variable: str = ""
    doubts: tuple[Doubt, ...] = ()

    @property
    def models_dir(self) -> Path:
        """Where fetched embedding models are kept."""
        return self.home / "models"


SETTINGS = (*settings_of(Settings), *settings_of(HttpSettings, HTTP))
"""Everything that can be set. What clients add on their own is read too: see `environment`."""
_BY_NAME = {setting.name: setting for setting in SETTINGS}


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
    folder = home_of(environ, home, base=os.path.curdir)
    file = folder / CONFIG_FILE
    in_file, in_environment = _from_file(file), _from_environment(environ)
    origins = dict.fromkeys(in_file, str(file)) | {n: _BY_NAME[n].variable for n in in_environment}
    values: dict[str, Any] = {**in_file, **in_environment, "home": folder}
    http = {n.removeprefix(HTTP): values.pop(n) for n in origins if n.startswith(HTTP)}
    values |= {
        "working_dir": working_dir or _here(folder),
        "http": http,
        "claude_project_dir": environ.get(CLAUDE_PROJECT_DIR, ""),
        "claude_session": environ.get(CLAUDE_SESSION, ""),
        "zone_variable": environ.get(ZONE, ""),
        "doubts": tuple(_doubts(environ))[:_DOUBTS_MAX],
    }
    try:
        return Settings.model_validate(values, context=environ)
    except ValidationError as error:
        raise SettingsInvalid(explain(error, _BY_NAME, origins)) from None


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
    given = {s: _text(s.name, s.variable, environ.get(s.variable, "")) for s in SETTINGS}
    return {s.name: value for s, value in given.items() if value and not _is_unfilled(s, value)}


def _is_unfilled(setting: Setting, value: str) -> bool:
    """Whether a client that knew nothing to fill in has left a placeholder as it is."""
    return not setting.is_path and paths.is_placeholder(value)


def _doubts(environ: Mapping[str, str]) -> Iterator[Doubt]:
    """What in the environment looks like a setting and does nothing."""
    known = {s.variable.removeprefix(PREFIX): s for s in SETTINGS}
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
            yield Doubt(text=text, is_grave=known[name].name in ("user", "tenant"))


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
    given = {name: _text(name, str(file), _joined(value)) for name, value in document.items()}
    return {name: value for name, value in given.items() if value}


def _joined(value: Any) -> Any:
    """A list of texts as one, as it would stand in a variable."""
    items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else []
    if items and all(isinstance(item, str) for item in items):
        return ", ".join(items)
    return cast("Any", value)


def _text(name: str, origin: str, value: Any) -> str:
    """The value as one line of text. Raises SettingsInvalid."""
    text = str(value).strip()
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        reason = "got another kind of value; use a text or a number"
    elif not text.isprintable():
        reason = "it contains characters that cannot be printed; remove them"
    elif len(text) > VALUE_CHARS_MAX:
        reason = f"got a text of {len(text)} characters; use one line of at most {VALUE_CHARS_MAX}"
    else:
        return text
    raise SettingsInvalid(f"{name} ({origin}): {reason}")
