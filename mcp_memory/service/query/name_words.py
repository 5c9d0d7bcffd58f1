"""The whole words of a text in which names are looked for, and what stands around them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from mcp_memory.domain.text import words_in

_SEQUEL = re.compile(r"\d{1,2}(?:\.\d+)*|v\d[\d.]*|[IVX]{2,4}")
_JOINED = re.compile(r"\w&\Z"), re.compile(r"&\w")
"""What joins a word with another before or after it: "R&D"."""


class Word(NamedTuple):
    """A whole word of a text, without the ending of a possessive, and where it stands."""

    said: str
    start: int
    end: int
    is_possessive: bool

    @property
    def readings(self) -> tuple[str, ...]:
        """What it may be read as: "Orion/Vega" names two, "note:Orion" the second."""
        if ":" not in self.said and "/" not in self.said:
            return (self.said,)
        parts = self.said.split("/")
        both = parts if all(part[:1].isupper() for part in parts) else ()
        return (self.said, *self.said.split(":"), *both)


class Text:
    """A text in which names are looked for."""

    def __init__(self, said: str) -> None:
        self.said = even(said)
        self.folded = self.said.casefold()
        self.is_small = self.said == self.said.lower()

    @cached_property
    def words(self) -> list[Word]:
        """Its whole words, in order."""
        return list(words_of(self.said))

    @cached_property
    def _places(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for at, word in enumerate(self.words):
            for one in word.readings:
                found.setdefault(one.casefold(), set()).add(at)
        return found

    def places(self, part: str) -> set[int]:
        """Which of its words are this part of a name."""
        return self._places.get(part, set())

    def may_have(self, parts: Iterable[str]) -> bool:
        """Whether all parts of a name are in it at all, told without reading its words."""
        return all(part in self.folded for part in parts)

    def is_name(self, at: int) -> bool:
        """Whether a word has the capital of a name, or nothing has one here."""
        return self.is_small or any(one[:1].isupper() for one in self.words[at].readings)

    def has_name_at(self, at: int) -> bool:
        """Whether there is such a word, and it has a capital."""
        return at < len(self.words) and self.words[at].said[:1].isupper()

    def goes_on(self, at: int) -> bool:
        """Whether what stands by a word makes it another name: "Orion 2", "R&D"."""
        word, (before, after) = self.words[at], _JOINED
        if after.match(self.said, word.end) or before.search(self.said[: word.start]):
            return True
        if at + 1 == len(self.words):
            return False
        here, following = self.words[at : at + 2]
        is_next = self.said[here.end : following.start] == " "
        return is_next and _SEQUEL.fullmatch(following.said) is not None


def words_of(said: str) -> Iterator[Word]:
    """The whole words of a text."""
    for match in words_in(said):
        word = match.group()
        bare = word.removesuffix("'s")
        yield Word(bare, match.start(), match.start() + len(bare), bare != word)


def even(said: str) -> str:
    """A text with one spelling of each letter, and one apostrophe."""
    return unicodedata.normalize("NFC", said).replace("\u2019", "'")


def begins(query: str, word: Word) -> bool:
    """Whether a sentence begins with a word."""
    before = query[: word.start].rstrip()
    return not before or before[-1] in ".!?:\n"
