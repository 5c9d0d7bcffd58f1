"""Whom or what a query names, and which texts name the same: a near name is not the name.

A name is a quotation, an identifier (a version, a path, a long number, a word with digits or
inner capitals) or words with capitals that do not merely begin a sentence; "Anna Schmidt" is
one name with two parts. A text names it that has all its parts as whole words, close together
and in any order: "Orion" is not "Orion-2" nor "Orion 2", "v2" not "v2.1", "Ann" not "Anna". In
a script without spaces a short query is a name, and a text names it that has it anywhere, if
nothing follows that makes it another. A query all in small letters is read with the capitals
that the texts give its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mcp_memory.domain.text import STOP_WORDS, unspaced_in
from mcp_memory.service.query import name_boundaries
from mcp_memory.service.query.name_words import Text, Word, begins, even, words_of

_GAP_MAX = 1
"""Words that may stand between the parts of a name: "Anna M. Schmidt"."""
_QUOTED = re.compile(
    '["\u201c\u201d\u201e]([^"\u201c\u201d\u201e\n]+)["\u201c\u201d]|`([^`\n]+)`'
    "|\u00ab([^\u00bb\n]+)\u00bb|[\u300c\u300e\u300a]([^\u300d\u300f\u300b\n]+)[\u300d\u300f\u300b]"
    "|(?<!\\w)'([^'\n]+)'(?!\\w)"
)
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|am|pm)", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"(?!(?:19|20)\d\d$)\d{3,}")
_FIGURES = re.compile(r"\d{1,4}(?:\.\d+)*")
_JOINED = re.compile(
    r"[\s,;&/+]*(?:\b(?:and|or|und|oder|et|ou|y|o|e|\u0438|\u0438\u043b\u0438)\b\s*)?"
)
_LATIN_ABBREVIATIONS = frozenset(("e.g", "i.e", "a.m", "p.m"))
_PARTICLE_WORDS = "von van der den de da del di du la le bin ibn al"
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_CALENDAR_WORDS = (
    "january february march april may june july august september october november december"
    " monday tuesday wednesday thursday friday saturday sunday"
)
_CALENDAR = frozenset(_CALENDAR_WORDS.split())
_ASKING_WORDS = (
    "forget erase delete remove drop clear purge wipe please everything anything all every memories"
    " memory notes note facts fact info information data things stuff related regarding concerning"
    " mention mentions mentioning says say said named called know known"
    " remember remembered stored saved"
    " vergiss vergesse l\u00f6sche entferne bitte alles alle notizen erinnerungen \u00fcber zu mit"
    " die das dem von olvida borra elimina todo todos toda todas sobre oublie efface supprime tout"
    " toutes sur dimentica cancella tutto su esque\u00e7a apague tudo"
    " \u0437\u0430\u0431\u0443\u0434\u044c \u0443\u0434\u0430\u043b\u0438 \u0432\u0441\u0451"
    " \u0432\u0441\u0435 \u043e \u043e\u0431 \u043f\u0440\u043e"
)
_ASKING = STOP_WORDS | frozenset(_ASKING_WORDS.split())
# "forget", "about", "all", "memories" and the like in Chinese and Japanese.
_FRAME = re.compile(
    "\u5fd8\u8bb0|\u5fd8\u6389|\u5220\u9664|\u5220\u6389|\u5173\u4e8e|\u6709\u5173|\u6240\u6709"
    "|\u5168\u90e8|\u4e00\u5207|\u8bb0\u5fc6|\u4fe1\u606f|\u5185\u5bb9|\u7684|\u8bf7"
    "|\u306b\u3064\u3044\u3066|\u306b\u95a2\u3059\u308b|\u306e\u3053\u3068|\u3059\u3079\u3066"
    "|\u5fd8\u308c\u3066|\u524a\u9664|\u8a18\u61b6|\u3092|\u306e"
)
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_WIDE_CHARS_MAX = 4
_OTHER_CHARS_MAX = 12


@dataclass(frozen=True, slots=True)
class Name:
    """One name with its parts, which stand in order in a phrase; a `literal` is looked for
    as it stands.
    """

    parts: tuple[str, ...]
    literal: str = ""
    is_phrase: bool = False

    def __str__(self) -> str:
        return self.literal or " ".join(self.parts)

    def is_in(self, text: Text) -> bool:
        """Whether a text names it."""
        if self.literal:
            return self._stands_in(text.folded)
        parts = [part.casefold() for part in self.parts]
        if not text.may_have(parts):
            return False
        places = [text.places(part) for part in parts]
        return all(places) and any(
            self._is_at(text, at, places) for at in set[int]().union(*places)
        )

    def _stands_in(self, folded: str) -> bool:
        name = self.literal.casefold()
        ends = (found.end() for found in re.finditer(re.escape(name), folded))
        return any(not name_boundaries.goes_on(name, folded, end) for end in ends)

    def _is_at(self, text: Text, start: int, places: Sequence[set[int]]) -> bool:
        count = len(places)
        reach = count + (_GAP_MAX if count > 1 and not self.is_phrase else 0)
        window = range(start, min(start + reach, len(text.words)))
        taken = [next((at for at in window if at in known), -1) for known in places]
        if -1 in taken or start not in taken or text.goes_on(max(taken)):
            return False
        if self.is_phrase:
            in_order = zip(window, places, strict=False)
            return len(window) == count and all(at in known for at, known in in_order)
        is_word = count == 1 and self.parts[0][:1].isupper() and not _is_code(self.parts[0])
        return not is_word or text.is_name(start)


@dataclass(frozen=True, slots=True)
class Named:
    """What a query names: of each group a text has to name one.

    `says_only`: whether the query says nothing else.
    """

    groups: tuple[tuple[Name, ...], ...]
    says_only: bool

    def __str__(self) -> str:
        return " and ".join(" or ".join(map(str, group)) for group in self.groups)

    def is_in(self, texts: Sequence[Text]) -> bool:
        """Whether the texts of one memory name it."""
        return all(any(n.is_in(t) for n in group for t in texts) for group in self.groups)


@dataclass(frozen=True, slots=True)
class _Found:
    name: Name
    start: int
    end: int
    is_strong: bool


def names_in(query: str, known: Sequence[Text]) -> Named | None:
    """What a query names, None for nothing. `known` are texts that tell whether a word that
    begins a sentence is a name.
    """
    query = _as_written(even(query), known)
    quoted = [_quoted(match) for match in _QUOTED.finditer(query)]
    rest = _QUOTED.sub(lambda match: "\n" * len(match.group()), query)
    found = sorted((*quoted, *_runs(rest, known)), key=lambda each: each.start)
    groups = _groups(found, query)
    if not groups:
        return _unspaced(query, known)
    parts = {part.casefold() for each in found for part in each.name.parts}
    others = {word.said.casefold() for word in words_of(rest)} - parts - _ASKING - _PARTICLES
    return Named(groups=groups, says_only=not others)


def _as_written(query: str, known: Sequence[Text]) -> str:
    """A query all in small letters, its names with the capitals that texts write them with."""
    if query != query.lower():
        return query
    words = [word for word in words_of(query) if word.said not in _ASKING]
    named = {word for word in words if _is_written_large([word], known)}
    for pair in pairwise(words):
        if query[pair[0].end : pair[1].start] == " " and _is_written_large(pair, known):
            named.update(pair)
    for word in named:
        start = word.start
        query = query[:start] + query[start].upper() + query[start + 1 :]
    return query


def _is_written_large(run: Sequence[Word], known: Sequence[Text]) -> bool:
    """Whether texts write neighbouring words each with its capital, and never without.

    Of a single word only a place tells that does not merely begin a sentence.
    """
    parts = [word.said for word in run]
    places = [
        (text, at)
        for text in known
        if not text.is_small and text.may_have(parts)
        for at in text.places(parts[0])
        if all(at + n in text.places(part) for n, part in enumerate(parts))
    ]
    is_large = all(t.is_name(at + n) for t, at in places for n in range(len(parts)))
    return is_large and any(
        len(parts) > 1 or not begins(t.said, t.words[at]) or t.has_name_at(at + 1)
        for t, at in places
    )


def _groups(found: Sequence[_Found], query: str) -> tuple[tuple[Name, ...], ...]:
    """Names that are joined by "and" or a comma are alternatives; beside a name that is sure,
    a single word with a capital is none, for in German every noun has one.
    """
    groups: list[list[_Found]] = []
    for each in found:
        between = query[groups[-1][-1].end : each.start] if groups else None
        if between is not None and _JOINED.fullmatch(between.removeprefix("'s")):
            groups[-1].append(each)
        else:
            groups.append([each])
    strong = [group for group in groups if any(each.is_strong for each in group)]
    return tuple(tuple(each.name for each in group) for group in strong or groups)


def _quoted(match: re.Match[str]) -> _Found:
    said = next(group for group in match.groups() if group)
    words = tuple(word.said for word in words_of(said))
    is_literal = not words or next(unspaced_in(said), None) is not None
    name = Name((), said.strip()) if is_literal else Name(words, is_phrase=True)
    return _Found(name, *match.span(), is_strong=True)


def _runs(query: str, known: Sequence[Text]) -> Iterator[_Found]:
    """Names without quotes: neighbouring words with capitals, identifiers and their numbers."""
    run: list[Word] = []
    words = [*words_of(query), None]
    is_shouted = query == query.upper() and len(words) > 2
    for place, word in enumerate(words):
        following = words[place + 1] if word else None
        if word and run and _is_open(run[-1]) and query[run[-1].end : word.start] == " ":
            is_more = _goes_on(word, following, is_shouted=is_shouted)
            is_more = is_more and not _is_initial(query, word)
        else:
            is_more = False
        if is_more and word:
            run.append(word)
            continue
        if run:
            yield from _named(run, query, known)
        may = word and _may_name(word.said, is_shouted=is_shouted)
        run = [word] if word and may and not _is_initial(query, word) else []


def _is_open(last: Word) -> bool:
    """Whether a name may have more words after this one."""
    return not last.is_possessive and not any(map(str.isdigit, last.said))


def _is_initial(query: str, word: Word) -> bool:
    """Whether a letter stands for a name: "Anna M. Schmidt"."""
    return len(word.said) == 1 and query[word.end : word.end + 2] == ". "


def _goes_on(word: Word, following: Word | None, *, is_shouted: bool) -> bool:
    """Whether a name that has begun has this word, too."""
    is_particle = word.said in _PARTICLES and following is not None
    return (
        _may_name(word.said, is_shouted=is_shouted)
        or _FIGURES.fullmatch(word.said) is not None
        or (is_particle and following is not None and following.said[:1].isupper())
    )


def _named(run: Sequence[Word], query: str, known: Sequence[Text]) -> Iterator[_Found]:
    first, said = run[0], tuple(word.said for word in run)
    if all(part.lower() in _CALENDAR or _is_mere_figure(part) for part in said):
        return
    if (
        len(said) == 1
        and _is_acronym(first.said)
        and not any(Name(said).is_in(text) for text in known)
    ):
        return  # an acronym that nobody wrote was meant for what it stands for
    is_strong = len(said) > 1 or run[-1].is_possessive or _is_code(first.said)
    is_merely_first = not is_strong and begins(query, first) and query[first.end :].strip(" .!?")
    if not is_merely_first or _is_known_name(first.said, known):
        yield _Found(Name(said), first.start, run[-1].end, is_strong)


def _is_acronym(said: str) -> bool:
    return said.isalpha() and said.isupper()


def _is_mere_figure(said: str) -> bool:
    return _FIGURES.fullmatch(said) is not None and not _is_code(said)


def _is_known_name(said: str, known: Sequence[Text]) -> bool:
    """Whether texts write a word with its capital within sentences, and never without."""
    places = [(t, word) for t in known if t.may_have([said.casefold()]) for word in t.words]
    is_small = any(word.said == said.lower() for _, word in places)
    return not is_small and any(
        word.said == said and not begins(text.said, word) for text, word in places
    )


def _unspaced(query: str, known: Sequence[Text]) -> Named | None:
    """A short query in a script without spaces, if any text has it."""
    runs = [match.group() for match in unspaced_in(_FRAME.sub(" ", query))]
    if len(runs) != 1:
        return None
    (run,) = runs
    most = _WIDE_CHARS_MAX if _WIDE.search(run) else _OTHER_CHARS_MAX
    name = Name((), run)
    is_short = 2 <= len(run) <= most or "\u30fb" in run
    if is_short and any(name.is_in(text) for text in known):
        return Named(groups=((name,),), says_only=True)
    return None


def _may_name(said: str, *, is_shouted: bool) -> bool:
    if said.lower() in _ASKING:
        return False
    return (_is_code(said) and not (is_shouted and said.isalpha())) or (
        said[0].isupper() and not is_shouted
    )


def _is_code(said: str) -> bool:
    """Whether a word is an identifier, which no ordinary word is."""
    if _ORDINAL.fullmatch(said) or said.lower() in _LATIN_ABBREVIATIONS:
        return False
    if _ASKING.issuperset(said.lower().split("/")):  # "and/or"
        return False
    has_digit, has_letter = any(map(str.isdigit, said)), any(map(str.isalpha, said))
    return (
        (has_digit and has_letter)
        or any(sign in said for sign in "_.@+#:/")
        or _LONG_NUMBER.fullmatch(said) is not None
        or (has_letter and any(map(str.isupper, said[1:])) and "-" not in said)
    )
