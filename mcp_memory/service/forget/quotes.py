"""What reasons in the history of other memories still quote of those that are to be erased.

A reason is what a caller gave when it updated or forgot a memory. It counts as a quote where
it gives an id, whole or its end; the key, however it is spelt; all of a statement; or a part
of one that is long enough to tell: three words or more, at least two of which say something
("walrus keeps the"), a name of two words, or a number of four digits or more, a year aside.
Words that everybody uses ("the user said so") tell nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from mcp_memory.domain.ids import ending
from mcp_memory.domain.language import LITTLE_WORDS
from mcp_memory.domain.memory import Caller, Change, ChangeKind, Memory
from mcp_memory.domain.results import EraseReceipt
from mcp_memory.domain.text import STOP_WORDS, UNSPACED
from mcp_memory.service.core import Core

_GIVEN = (ChangeKind.UPDATE, ChangeKind.RESTORE, ChangeKind.FORGET)
"""The verbs whose reasons are a caller's words."""

_PAGE = 500
_NAMED_MAX = 20
_CHARS_READ_MAX = 4_000_000
"""Of the texts that are erased at once; of more only ids and keys are looked for."""

_ID = re.compile(
    "(?<![0-9a-z])(?:[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|[0-9a-f]{8})(?![0-9a-z])"
)
_WORD = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[^\W_])+")
_CODE = re.compile(r"(?!(?:19|20)\d\d$)(?:\D*\d){4,}\D*")
_NUMBER = re.compile(r"\d{1,3}|(?:19|20)\d\d")
_EVERYDAY = """
above actually already always asked asks because below better called change changed changes
corrected correct correction current day days don earlier false fixed former given gave got he's
just key known last later like liked likes longer made mean meant memory memories moved much name
named need needed needs new newer next note obsolete old older one ones out outdated please prefer
preferred prefers project replaced right said same say says see since still stored team thing
things time times today told too true type typo update updated user users useful value want wanted
wants week went work works wrong year years yes yesterday
benutzer nutzer sagte sagt möchte geändert falsch richtig veraltet neu alt
utilisateur dit demandé changé faux vieux nouveau usuario dijo quiere cambió
utente detto usuário disse пользователь сказал сказала просил изменил изменено
неверно устарело новый старый gebruiker zei
"""
"""What reasons are written with."""
_PLAIN = LITTLE_WORDS | STOP_WORDS | frozenset(_EVERYDAY.split())
_WORD_WEIGHT, _SIGN_WEIGHT = 3, 1
"""A short number, or one sign of a script that is written without spaces, is a third of a word."""
_RUN_WORDS, _RUN_WEIGHT = 3, 2 * _WORD_WEIGHT
_WHOLE_WORDS = 5
"""A statement of so many words is no accident, whatever the words are."""
_WHOLE_WORDS_MAX = 256
_KEY_CHARS, _KEY_WORDS_MAX = 4, 8


def told(receipt: EraseReceipt, quoting: Sequence[str]) -> EraseReceipt:
    """The receipt with the memories named that still quote what was erased."""
    return replace(receipt, quoted=len(quoting), quoted_by=tuple(quoting[:_NAMED_MAX]))


def quoting(core: Core, caller: Caller, erased: Sequence[Memory]) -> list[str]:
    """The ids of other memories with reasons that quote one of these, latest reason first.

    Only what the caller may see is looked at, on either side.
    """
    ids = {memory.id for memory in erased}
    said: _Said | None = None
    found: dict[str, None] = {}
    for change in _reasons(core, caller):
        if change.memory_id in ids:
            continue
        said = said or _said(core, caller, erased)
        if said.is_quoted(change.reason):
            found.pop(change.memory_id, None)
            found[change.memory_id] = None
    return list(reversed(found))


def _reasons(core: Core, caller: Caller) -> Iterator[Change]:
    after = 0
    while page := core.store.reasons(caller.partitions(), after=after, limit=_PAGE):
        yield from (change for change in page if change.verb in _GIVEN)
        after = page[-1].number


def _said(core: Core, caller: Caller, erased: Iterable[Memory]) -> _Said:
    said, left = _Said(), _CHARS_READ_MAX
    for memory in erased:
        said.add_id(memory.id)
        for revision in core.store.history(memory.id, caller.partitions()):
            said.add_key(revision.memory.key)
            for content in (revision.memory.content, revision.memory.merged):
                left -= len(content)
                if left > 0:
                    said.add_text(content)
    return said


@dataclass(frozen=True, slots=True)
class _Said:
    """What some memories say, as a reason could quote it."""

    ids: set[str] = field(default_factory=set[str])
    keys: set[str] = field(default_factory=set[str])
    codes: set[str] = field(default_factory=set[str])
    names: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])
    runs: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])
    wholes: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])

    def add_id(self, memory_id: str) -> None:
        """An id, and its end."""
        self.ids.update((memory_id.replace("-", ""), ending(memory_id)))

    def add_key(self, key: str) -> None:
        """A key, if it is more than a word that everybody uses."""
        words = [word.casefold() for word in _words(key)]
        joined = "".join(words)
        if len(joined) >= _KEY_CHARS and _weight(words) >= _WORD_WEIGHT:
            self.keys.add(joined)

    def add_text(self, content: str) -> None:
        """A statement, and every part of it that may tell."""
        spelt = _words(content)
        words = [word.casefold() for word in spelt]
        self.codes.update(filter(_CODE.fullmatch, words))
        self.runs.update(_windows(words, _RUN_WORDS))
        self.names.update(
            (one.casefold(), two.casefold())
            for one, two in pairwise(spelt)
            if one[0].isupper() and two[0].isupper() and _weight_of(one) and _weight_of(two)
        )
        is_short = len(words) <= _WHOLE_WORDS_MAX
        if is_short and (_weight(words) >= _WORD_WEIGHT or len(words) >= _WHOLE_WORDS):
            self.wholes.add(tuple(words))

    def is_quoted(self, reason: str) -> bool:
        """Whether a reason quotes any of it."""
        words = [word.casefold() for word in _words(reason)]
        return (
            any(name.replace("-", "") in self.ids for name in _ID.findall(reason.lower()))
            or not self.codes.isdisjoint(words)
            or not self.names.isdisjoint(pairwise(words))
            or self._has_run(words)
            or any("".join(run) in self.keys for run in _upto(words, _KEY_WORDS_MAX))
            or any(w in self.wholes for n in self._lengths() for w in _windows(words, n))
        )

    def _has_run(self, words: Sequence[str]) -> bool:
        """Whether a part that is long enough is in what was said, word for word."""
        run: list[str] = []
        for three in _windows(words, _RUN_WORDS):
            if three not in self.runs:
                run = []
                continue
            run = [*run, three[-1]] if run else list(three)
            if _weight(run) >= _RUN_WEIGHT:
                return True
        return False

    def _lengths(self) -> set[int]:
        return {len(whole) for whole in self.wholes}


def _words(text: str) -> list[str]:
    """The words of a text as they are spelt; each sign of a script without spaces is one."""
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def _weight(words: Iterable[str]) -> int:
    """How much some words tell together; a word counts once."""
    return sum(map(_weight_of, set(words)))


def _weight_of(word: str) -> int:
    if word.casefold() in _PLAIN:
        return 0
    return _SIGN_WEIGHT if len(word) == 1 or _NUMBER.fullmatch(word) else _WORD_WEIGHT


def _windows(words: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    """Every so many words that follow each other."""
    return (tuple(words[i : i + length]) for i in range(len(words) - length + 1))


def _upto(words: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    """Every run of one word to so many."""
    return (run for n in range(1, length + 1) for run in _windows(words, n))
