"""The kinds of arguments: each gives both a JSON Schema and its reader.

A reader forgives what models get wrong about form (a bare text for a list, a list or JSON
as one text, numbers and texts for each other, "null" for nothing, a word's synonym) and
refuses what it cannot know the meaning of, by the field's path:
`memories[2].type: got 'fakt'; expected one of ...; did you mean 'fact'?`. It gives None for
what was not given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, cast

from mcp_memory.domain.ids import ENDING_CHARS, bare
from mcp_memory.errors import InvalidInput
from mcp_memory.tools.coercion import as_number, as_text, check, guess, is_nothing, listed, parsed

_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})
_NO_WORDS: Mapping[str, str] = MappingProxyType({})


class Kind(Protocol):
    """The type of an argument."""

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema, without a description."""
        ...

    def read(self, value: Any, path: str) -> Any:
        """The value as the service takes it, None for not given. Raises InvalidInput."""
        ...


class Item(Kind, Protocol):
    """The type of what a list holds."""

    def split(self, text: str) -> list[str]:
        """Those that one part of a list stands for, which was written as one text."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A text. Where it `says_all`, as a content does, "null" is a text like any other."""

    says_all: bool = False

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string"}

    def read(self, value: Any, path: str) -> str | None:
        """The text as given, or the number as text."""
        text = as_text(value, path)
        return None if is_nothing(text) and not self.says_all else text

    def split(self, text: str) -> list[str]:
        """See Item."""
        return [text]


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One of a list of words. `also` are others that mean one of them.

    `unclear` are words that may mean one of them, each with what to say instead of guessing.
    """

    allowed: tuple[str, ...]
    also: Mapping[str, str] = field(default_factory=lambda: _NO_WORDS)
    unclear: Mapping[str, str] = field(default_factory=lambda: _NO_WORDS)

    def schema(self) -> dict[str, Any]:
        """A string, with its words."""
        return {"type": "string", "enum": list(self.allowed)}

    def read(self, value: Any, path: str) -> str | None:
        """The word that is meant; its case and an English plural do not matter."""
        expected = f"expected one of {', '.join(self.allowed)}"
        if not isinstance(value, str):
            raise InvalidInput(path, value, expected)
        word = value.strip().strip("\"'`").lower()
        if not word or is_nothing(word):
            return None
        for form in (word, word.removesuffix("s")):
            if form in self.allowed:
                return form
            if form in self.also:
                return self.also[form]
        raise InvalidInput(
            path, value, expected + (self._unclear(word) or guess(word, self.allowed))
        )

    def split(self, text: str) -> list[str]:
        """See Item."""
        return re.split(r"[\s|/&+]+", text)

    def _unclear(self, word: str) -> str:
        return f"; {self.unclear[word]}" if word in self.unclear else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Id:
    """An id or its end, with whatever a model writes around it."""

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string"}

    def read(self, value: Any, path: str) -> str | None:
        """The id as given; a number is the end of one, whose zeros may have been lost."""
        items = cast("list[Any]", value) if isinstance(value, list) else [value]
        if len(items) != 1:
            raise InvalidInput(path, items, "expected one id")
        is_end = isinstance(items[0], int) and 0 <= items[0] < 10**ENDING_CHARS
        if is_end and not isinstance(items[0], bool):
            return f"{items[0]:0{ENDING_CHARS}d}"
        text = as_text(items[0], path)
        return None if is_nothing(text) else text

    def split(self, text: str) -> list[str]:
        """See Item."""
        return [text] if bare(text) else text.split()


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """True or false."""

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}

    def read(self, value: Any, path: str) -> bool | None:
        """The truth of true, "true", "yes", 1 and their opposites."""
        word = str(value).strip().lower() if isinstance(value, (bool, int, str)) else "?"
        if word in _TRUE | _FALSE:
            return word in _TRUE
        if not word or is_nothing(word):
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
        """The number, also from text."""
        if isinstance(value, str) and (not value.strip() or is_nothing(value)):
            return None
        number = as_number(value)
        if number is None or not self.low <= number <= self.high or (self.whole and number % 1):
            kind = "a whole number" if self.whole else "a number"
            raise InvalidInput(path, value, f"expected {kind} from {self.low} to {self.high}")
        return int(number) if self.whole else number


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """A list of texts, words or ids."""

    of: Item = field(default_factory=lambda: Text(says_all=True))

    def schema(self) -> dict[str, Any]:
        """An array of strings."""
        return {"type": "array", "items": self.of.schema()}

    def read(self, value: Any, path: str) -> tuple[str, ...] | None:
        """The items; what is one text is read as the list that it writes, by commas at the least.

        Empty ones are left out. An item of a real list stays one, commas and all.
        """
        if isinstance(value, dict):
            raise InvalidInput(
                path, cast("Any", value), f"expected a list such as {self._example()}"
            )
        found = parsed(value, path, numbers=False)
        check(found, path)
        if isinstance(found, list):
            items = enumerate(cast("list[Any]", found))
            given = [(item, f"{path}[{i}]") for i, item in items if item is not None]
        elif isinstance(found, str) and is_nothing(found):
            return None
        elif isinstance(found, str):
            parts = [part for text in listed(found, path) for part in self.of.split(text)]
            given = [(part, path) for part in parts]
            if not given:
                return None
        else:
            given = [(found, path)]
        return tuple(text for item, where in given if (text := self.of.read(item, where)))

    def _example(self) -> str:
        allowed = self.of.schema().get("enum", ["one", "two"])
        return f'["{allowed[0]}", "{allowed[1]}"]'


@dataclass(frozen=True, kw_only=True, slots=True)
class Object:
    """Any JSON object."""

    def schema(self) -> dict[str, Any]:
        """An object."""
        return {"type": "object"}

    def read(self, value: Any, path: str) -> dict[str, Any] | None:
        """The object, also from JSON text."""
        if isinstance(value, str) and (not value.strip() or is_nothing(value)):
            return None
        found = parsed(value, path)
        check(found, path)
        if not isinstance(found, dict):
            raise InvalidInput(path, value, 'expected an object such as {"name": "value"}')
        return cast("dict[str, Any]", found)
