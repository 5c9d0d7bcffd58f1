"""What a tool takes: one declaration gives both its JSON Schema and its reader.

A reader forgives what models get wrong about form (a bare string for a list, JSON as
text, numbers as text, one object for a list of one) and refuses what it cannot know the
meaning of, by the field's path: `memories[2].type: got 'fakt'; did you mean 'fact'? ...`.
An absent or null argument is left out of what was read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol, cast

from mcp_memory.errors import InvalidInput

DEPTH_MAX = 16
_NAME_CHARS_MAX = 64
_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})


class Kind(Protocol):
    """The type of an argument."""

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema, without a description."""
        ...

    def read(self, value: Any, path: str) -> Any:
        """The value as the service takes it, None for not given. Raises InvalidInput."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A text, or one of a list of words."""

    allowed: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """A string, with its words."""
        return {"type": "string", **({"enum": list(self.allowed)} if self.allowed else {})}

    def read(self, value: Any, path: str) -> str | None:
        """The text as given; a word in lower case, "" is not given."""
        words = f"expected one of {', '.join(self.allowed)}" if self.allowed else ""
        if not isinstance(value, str):
            raise InvalidInput(path, value, words or "expected a text")
        if not self.allowed:
            return value
        word = value.strip().lower()
        if word and word not in self.allowed:
            raise InvalidInput(path, value, words + _guess(word, self.allowed))
        return word or None


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """True or false."""

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}

    def read(self, value: Any, path: str) -> bool | None:
        """The truth of true, "true", "yes", 1 and their opposites; "" is not given."""
        word = str(value).strip().lower()
        if isinstance(value, (bool, int, str)) and word in _TRUE | _FALSE:
            return word in _TRUE
        if value == "":
            return None
        raise InvalidInput(path, value, "expected true or false")


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """A number within bounds, both included."""

    low: float
    high: float
    whole: bool = False

    def schema(self) -> dict[str, Any]:
        """A number or an integer with its bounds."""
        kind = "integer" if self.whole else "number"
        return {"type": kind, "minimum": self.low, "maximum": self.high}

    def read(self, value: Any, path: str) -> float | None:
        """The number, also from text; "" is not given."""
        if value == "":
            return None
        number = _number(value)
        if number is None or not self.low <= number <= self.high or (self.whole and number % 1):
            kind = "a whole number" if self.whole else "a number"
            raise InvalidInput(path, value, f"expected {kind} from {self.low} to {self.high}")
        return int(number) if self.whole else number


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """A list of texts, or of words."""

    allowed: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """An array of strings."""
        return {"type": "array", "items": Text(allowed=self.allowed).schema()}

    def read(self, value: Any, path: str) -> tuple[str, ...]:
        """The texts; a bare one is a list of one, empty ones are left out."""
        reader = Text(allowed=self.allowed)
        items = enumerate(_items(value, path, "texts"))
        return tuple(text for i, item in items if (text := reader.read(item, f"{path}[{i}]")))


@dataclass(frozen=True, kw_only=True, slots=True)
class Object:
    """Any JSON object."""

    def schema(self) -> dict[str, Any]:
        """An object."""
        return {"type": "object"}

    def read(self, value: Any, path: str) -> dict[str, Any] | None:
        """The object, also from JSON text; "" is not given."""
        if value == "":
            return None
        found = _parsed(value, path)
        if not isinstance(found, dict):
            raise InvalidInput(path, value, 'expected an object such as {"name": "value"}')
        return cast("dict[str, Any]", found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """One named argument."""

    name: str
    kind: Kind
    description: str = ""
    default: Any = None
    required: bool = False

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        described = {"description": self.description} if self.description else {}
        default = {} if self.default is None else {"default": self.default}
        return {**self.kind.schema(), **described, **default}


@dataclass(frozen=True, kw_only=True, slots=True)
class Arguments:
    """The arguments of a tool, or the members of one object in a list."""

    members: tuple[Argument, ...]

    def schema(self) -> dict[str, Any]:
        """A plain object schema."""
        required = [member.name for member in self.members if member.required]
        properties = {member.name: member.schema() for member in self.members}
        return {
            "type": "object",
            "properties": properties,
            **({"required": required} if required else {}),
        }

    def read(self, value: Any, path: str = "") -> dict[str, Any]:
        """What was given, by name. Raises InvalidInput for the first that does not fit."""
        if not isinstance(value, Mapping):
            raise InvalidInput(path or "arguments", value, "expected an object")
        given = cast("Mapping[str, Any]", value)
        known = {member.name: member for member in self.members}
        found: dict[str, Any] = {}
        for name, item in given.items():
            if name not in known:
                raise InvalidInput(_join(path, name), item, _unknown(name, tuple(known)))
            read = None if item is None else known[name].kind.read(item, _join(path, name))
            if read is not None:
                found[name] = read
        missing = next((m for m in self.members if m.required and m.name not in found), None)
        if missing is not None:
            raise InvalidInput(_join(path, missing.name), None, "this argument is needed")
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Objects:
    """A list of objects; a bare text stands for an object whose member `main` it is."""

    arguments: Arguments
    main: str

    def schema(self) -> dict[str, Any]:
        """An array of objects."""
        return {"type": "array", "items": self.arguments.schema()}

    def read(self, value: Any, path: str) -> list[dict[str, Any]]:
        """The members of each object."""
        items = enumerate(_items(value, path, "objects"))
        return [self._read(item, f"{path}[{i}]") for i, item in items]

    def _read(self, item: Any, path: str) -> dict[str, Any]:
        if isinstance(item, str):
            found = _parsed(item, path)
            is_one = isinstance(found, dict) and self.main in found
            item = cast("dict[str, Any]", found) if is_one else {self.main: item}
        return self.arguments.read(item, path)


def check(value: Any, path: str = "", depth: int = 0) -> None:
    """Refuse what no store and no JSON can hold, anywhere in a value, by its path.

    NUL characters, halves of surrogate pairs, numbers that are none, and nesting beyond
    16 levels. Raises InvalidInput.
    """
    if depth > DEPTH_MAX:
        raise InvalidInput(path, "a deeper nesting", f"expected at most {DEPTH_MAX} levels")
    if isinstance(value, str):
        _check_text(value, path or "arguments")
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(path, value, "expected a finite number")
    elif isinstance(value, Mapping):
        for name, member in cast("Mapping[str, Any]", value).items():
            _check_text(name, _join(path, name))
            check(member, _join(path, name), depth + 1)
    elif isinstance(value, list):
        for i, member in enumerate(cast("list[Any]", value)):
            check(member, f"{path}[{i}]", depth + 1)


def _check_text(text: str, path: str) -> None:
    if "\x00" in text:
        raise InvalidInput(path, text, "a NUL character cannot be stored; remove it")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidInput(
            path, text, "half of a surrogate pair cannot be stored; send valid Unicode"
        )


def _items(value: Any, path: str, what: str) -> list[Any]:
    """A list as it is or from JSON text, else a list of the one text or object."""
    found = _parsed(value, path)
    if isinstance(found, list):
        return cast("list[Any]", found)
    if not isinstance(value, (str, Mapping)):
        raise InvalidInput(path, value, f"expected a list of {what}")
    return [value] if value else []


def _parsed(value: Any, path: str) -> Any:
    """What a JSON text of an array or object says; anything else as it is."""
    if not isinstance(value, str) or value.strip()[:1] not in ("[", "{"):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    check(found, path)
    return found


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _unknown(name: str, known: Sequence[str]) -> str:
    return f"there is no such argument{_guess(name, known)}; there are {', '.join(known)}"


def _guess(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word[:_NAME_CHARS_MAX].lower(), known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _join(path: str, name: str) -> str:
    plain = "".join(c if c.isprintable() else "�" for c in name[:_NAME_CHARS_MAX])
    return f"{path}.{plain}" if path else plain
