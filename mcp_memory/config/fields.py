"""Fields of the settings models, what the reference says about each, and the text of an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from mcp_memory.system import paths
from mcp_memory.system.environment import PREFIX

IS_PATH, NOT_IN_FILE = "is a path", "not in config.toml"
"""Marks in the annotation of a field."""


@dataclass(frozen=True, slots=True)
class Unset:
    """What holds for a setting that is not set, where its default value does not say it."""

    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One thing that can be set: as the variable `MCP_MEMORY_NAME` and, if `in_file`, as
    `name` in config.toml."""

    name: str
    meaning: str
    default: str
    advice: str
    in_file: bool
    is_path: bool

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[Setting]:
    """Every field that can be set: those with a description."""
    schemas: Mapping[str, Mapping[str, Any]] = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        if field.description:
            values, advice = _allowed(schemas[name])
            yield Setting(
                name=prefix + name,
                meaning=f"{field.description} ({values})" if values else field.description,
                default=_default(field),
                advice=advice,
                in_file=NOT_IN_FILE not in field.metadata,
                is_path=IS_PATH in field.metadata,
            )


def explain(
    error: ValidationError, settings: Mapping[str, Setting], origins: Mapping[str, str]
) -> str:
    """The first fault in words: the setting, where it comes from, the value, what to do.

    `origins` has, by the name of a setting, the variable or the file that it was read from.
    """
    fault = error.errors(include_url=False)[0]
    name = "_".join(part for part in fault["loc"] if isinstance(part, str))
    reason = fault.get("ctx", {}).get("error")
    if name not in settings:  # a rule of several settings, whose text names them
        return str(reason)
    value = paths.quoted(str(fault["input"]))
    return f"{name} ({origins[name]}): got '{value}'; {reason or settings[name].advice}"


def _default(field: FieldInfo) -> str:
    for mark in field.metadata:
        if isinstance(mark, Unset):
            return mark.meaning
    default = cast("tuple[str, ...] | str | float", field.default)
    return ", ".join(default) if isinstance(default, tuple) else str(default)


def _allowed(schema: Mapping[str, Any]) -> tuple[str, str]:
    """The values of a field, and the advice that names them; "" where any text is allowed."""
    if words := schema.get("enum"):
        return (values := ", ".join(words)), f"use one of {values}"
    if words := schema.get("items", {}).get("enum"):
        return (values := ", ".join(words)), f"use some of {values}"
    if "minimum" in schema:
        kind = "whole number" if schema["type"] == "integer" else "number"
        low, high = schema["minimum"], schema["maximum"]
        return f"{low} to {high}", f"use a {kind} from {low} to {high}"
    return "", ""


def _whole(value: Any) -> Any:
    """Refuse the spellings of a number that Python reads and a person does not expect."""
    if isinstance(value, str) and not (value.isascii() and value.isdecimal()):
        raise PydanticCustomError("int_parsing", "not a whole number")
    return value


WHOLE = BeforeValidator(_whole)
"""Reads a whole number written in decimal digits only. Stands after the bounds."""
