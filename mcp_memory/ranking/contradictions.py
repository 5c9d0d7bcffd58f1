"""The newest truth: of statements that say different things of the same, the newest first.

Without a language model two statements are taken to contradict each other when they begin
alike, as subject and predicate do, and differ in what the question does not say: "The port
is 5432" and "The port is 5433", asked "which port?". What differs in a word of the question
("the flight to Lisbon", "the flight from Lisbon") is a different subject. Or when the later
one says in words that the earlier one has ended; see `clash`.

None is hidden for that: both may be true ("Anna likes tea", "Anna likes figs").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, combinations

from mcp_memory.domain.language import LITTLE_WORDS, language_of
from mcp_memory.domain.memory import Memory, Trust, Type
from mcp_memory.domain.statements import slot_of
from mcp_memory.domain.text import STOP_WORDS, terms
from mcp_memory.ranking.scored import Scored
from mcp_memory.ranking.supersession import adds, clash, lists, other_value, shared, tells

COMPARED_MAX = 30
TERMS_MAX = 60
"""Longer texts are more than one statement and contradict nothing as a whole."""
AT_ONCE = timedelta(seconds=1)
"""What is said within so long of a moment is said at that moment."""
SHARED_LEAST = 0.5
"""The share of a statement that two must have in common."""

_QUIET = STOP_WORDS - {"after", "before", "from", "to", "than"}
_COPULAS = frozenset(
    ("is", "are", "was", "were", "ist", "sind", "war", "heisst", "est", "sont", "es", "son", "fue")
)
_LITTLE = frozenset(terms(" ".join(LITTLE_WORDS)))
_NEGATIONS = frozenset({"not", "no", "never", "longer", "don", "doesn", "isn", "won", "t"})

Terms = Sequence[str]


def newest_first(ranked: Sequence[Scored], asked: Terms, at: datetime) -> list[Scored]:
    """The same results; those that contradict each other change places, newest first.

    Each place keeps its score. What is outdated says so by `outdated_by`. `asked` are all
    terms of the query, function words included; what holds only after `at` comes last.
    """
    at += AT_ONCE
    groups = _groups(ranked[:COMPARED_MAX], frozenset(asked), at)
    result = list(ranked)
    for places in groups:
        ages = {p: _age(ranked[p].memory, at) for p in places}
        newest, *older = sorted(places, key=ages.__getitem__, reverse=True)
        for place, member in zip(places, (newest, *older), strict=True):
            is_past = member != newest and ranked[member].memory.valid_from <= at
            outdated_by = ranked[newest].memory.id if is_past else ""
            result[place] = replace(
                ranked[member], score=ranked[place].score, outdated_by=outdated_by
            )
    return result


def may_conflict(new: Memory, old: Memory) -> bool:
    """Whether two memories cannot both hold, as far as words tell without a question."""
    if not _comparable(new, old):
        return False
    later, earlier = new.content, old.content
    if contradict(terms(later), terms(earlier)):
        return not adds(later, earlier) and not lists(later, earlier)
    return clash(later, earlier) or other_value(later, earlier) is not None


def contradict(
    one: Terms, other: Terms, asked: frozenset[str] | None = None, *, strict: bool = False
) -> bool:
    """Whether two statements say different things of the same, as far as words can tell.

    To someone who asked in these words, or else to whoever asks of what they share. When
    `strict`, or when nobody asked, they share half of the longer one, else of the shorter.
    """
    before = shared(one, other)
    if not before or max(len(one), len(other)) > TERMS_MAX:
        return False
    after = shared(one[: before - 1 : -1], other[: before - 1 : -1])
    first, second = one[before : len(one) - after], other[before : len(other) - after]
    common = {*one[:before], *one[len(one) - after :]} - _QUIET
    different = {*first, *second} - common
    strict = strict or asked is None
    if strict:  # an article that both begin with is no subject
        common -= _LITTLE
    if asked is None and _is_twofold(first, second):
        return False  # no question tells what the two are about
    asked = frozenset(common) if asked is None else asked - _QUIET
    compared = max if strict else min
    return (
        before + after >= SHARED_LEAST * compared(len(one), len(other))
        and (len(common) >= 2 or not _COPULAS.isdisjoint(one[max(0, before - 2) : before]))
        and not common.isdisjoint(one[:before])
        and not common.isdisjoint(asked)
        and (different.isdisjoint(asked) or (not after and all(map(_is_number, different))))
        and _is_other_value(first, second)
    )


def _is_number(term: str) -> bool:
    """Whether a question may name it and still ask for its like: "is it still port 5432?"."""
    return term[:1].isdigit()


def _is_other_value(one: Terms, other: Terms) -> bool:
    """Whether what differs is a value on either side, or that one side denies it."""
    if one and other:
        return not {*one, *other} <= _QUIET
    return bool(_NEGATIONS.intersection(one or other)) and _QUIET.issuperset(
        {*one, *other} - _NEGATIONS
    )


def _is_twofold(one: Terms, other: Terms) -> bool:
    """Whether two things differ, with something between them that does not: "the dish of Ana is
    soup", "the dish of Ben is rice" have two subjects. A number is no subject.
    """
    if not (one and other) or _is_number(one[0]) or _is_number(other[0]):
        return False
    return bool({*one} & {*other} - (_LITTLE - _COPULAS))


def with_later(near: Sequence[Scored], ranked: Sequence[Scored], at: datetime) -> list[Scored]:
    """The results `near` the query, and after them what of all `ranked` puts an end to one of
    them in words that the query need not have.
    """
    at += AT_ONCE
    known = {item.memory.id for item in near}
    later = [
        item
        for item in ranked
        if item.memory.id not in known
        and tells(item.memory.content)
        and any(_puts_an_end(item.memory, old.memory, at) for old in near[:COMPARED_MAX])
    ]
    return [*near, *later]


def _puts_an_end(new: Memory, old: Memory, at: datetime) -> bool:
    return (
        _comparable(new, old)
        and _age(new, at) > _age(old, at)
        and new.valid_from <= at
        and clash(new.content, old.content)
    )


def _groups(ranked: Sequence[Scored], asked: frozenset[str], at: datetime) -> list[list[int]]:
    """The places of results that contradict each other, directly or through a third."""
    group_of: dict[int, list[int]] = {}
    for i, j in sorted({*_alike(ranked), *_telling(ranked)}):
        if not _comparable(ranked[i].memory, ranked[j].memory):
            continue
        old, new = sorted((ranked[i], ranked[j]), key=lambda item: _age(item.memory, at))
        if _are_at_odds(new, old, asked):
            group = sorted({*group_of.get(i, [i]), *group_of.get(j, [j])})
            slots = {slot_of(ranked[p].memory.key) for p in group} - {""}
            if len(slots) <= 1:  # two slots are two things
                group_of.update(dict.fromkeys(group, group))
    return list({group[0]: group for group in group_of.values()}.values())


def _alike(ranked: Sequence[Scored]) -> Iterator[tuple[int, int]]:
    """The places of each two that begin alike."""
    alike: dict[Terms, list[int]] = {}
    for place, item in enumerate(ranked):
        alike.setdefault(_beginning(item.candidate.terms), []).append(place)
    return chain.from_iterable(combinations(places, 2) for places in alike.values())


def _telling(ranked: Sequence[Scored]) -> Iterator[tuple[int, int]]:
    """The places of each two of which one tells a change in words."""
    telling = {place for place, item in enumerate(ranked) if tells(item.memory.content)}
    pairs = combinations(range(len(ranked)), 2) if telling else iter(())
    return ((i, j) for i, j in pairs if i in telling or j in telling)


def _are_at_odds(new: Scored, old: Scored, asked: frozenset[str]) -> bool:
    later, earlier = new.memory.content, old.memory.content
    # The little words that say nothing are known in English only.
    strict = language_of(later) not in ("", "en")
    if contradict(new.candidate.terms, old.candidate.terms, asked, strict=strict):
        return not adds(later, earlier) and not lists(later, earlier)
    if clash(later, earlier):
        return True
    values = other_value(later, earlier)
    return values is not None and asked.isdisjoint(terms(" ".join(values)))


def _beginning(terms: Terms) -> Terms:
    """What statements that contradict each other begin with: the first word that says much."""
    return terms[:2] if terms and terms[0] in _QUIET else terms[:1]


def _comparable(one: Memory, other: Memory) -> bool:
    """What happened stays so, and two slots are two things."""
    if Type.EPISODE in (one.type, other.type):
        return False
    return not (one.key and other.key) or slot_of(one.key) == slot_of(other.key)


def _age(memory: Memory, at: datetime) -> tuple[bool, bool, datetime, str]:
    """Sorts the newest stated truth last: what an agent only inferred overrules nothing, nor
    does what is not yet so.
    """
    holds = memory.valid_from <= at
    return holds, memory.trust is not Trust.INFERRED, memory.valid_from, memory.id
