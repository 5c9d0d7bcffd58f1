"""Whether a later statement puts an end to an earlier one, in seven languages.

Without a language model three things tell, and each needs the same subject: what one says the
other denies ("We never deploy on Fridays"); the later one says that something has ended, or has
another thing in its place, and names what the earlier one has ("Priya quit Slack"); both are the
same but for one value (in scripts without spaces; see `newest` for the others).

When in doubt it is no: both are kept either way, and an alarm that is often false is not read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import py_rust_stemmers

from mcp_memory.domain.language import language_of
from mcp_memory.domain.text import STOP_WORDS, stem
from mcp_memory.ranking.supersession_words import BY_LANGUAGE, LATIN, Turns

CHARS_MAX = 400
"""A longer text is more than one statement, and contradicts nothing as a whole."""
COVERED_DENIED = 2 / 3
"""The share of the words of a statement that its denial repeats."""
COVERED_DENIED_SIGNS = 0.75
"""The same in scripts without spaces, where a word is several signs."""
COVERED_TURNED = 1 / 3
"""The share that a statement repeats which says that something took its place."""
FRAME_LEAST = 0.5
"""The share of the shorter statement that two with different values have in common."""
I_OR_WE = "1"
_UNSPACED = ("zh", "ja")

_STEMMERS = {"de": "german", "fr": "french", "es": "spanish", "ru": "russian"}
# Han one by one; katakana, and words of the scripts with spaces, as runs; hiragana is grammar.
_TOKEN = re.compile(
    r"[\u3400-\u9fff\uf900-\ufaff]|[\u30a1-\u30fa\u30fc]+"
    r"|(?:(?![\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])[^\W_])+"
    r"(?:[-_./:@+#](?:(?![\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])[^\W_])+)*[+#]*"
)
_TOKEN_OR_KANA = re.compile(rf"[\u3041-\u309f]|{_TOKEN.pattern}")
_OWNER = re.compile(r"['\u2019]s\b|\u7684|\u306e")
_OF = re.compile(r"\w+ (?:of|de|del|du|des|von|vom|for|f\u00fcr|\u043e\u0442|\u0434\u043b\u044f)\b")
_CLAUSE = re.compile(
    r"[,;:.!?\u3001\u3002\uff0c\uff1b\uff1a]\s|[\u3001\u3002\uff0c\uff1b]|\s[-\u2013\u2014]\s"
    r"|\s(?:but|sino|mais|sondern)\s"
)
_ELISION = re.compile(r"\b(?:[cdlmst]|qu)['\u2019](?=\w)")
_REACH, _REACH_SIGNS = 2, 3
_OWNER_WORDS = 4
_SUBJECT_AND_VERB = 2
_NO = re.compile(
    r"\b(?:non|mai|não|nao|nunca|niet|geen|nooit|inte|aldrig|ikke|nem|nie|ні|не|ніколи)\b"
)
"""No, not and never in languages that have no lists."""
_BEGINS_DENIED = re.compile(r"\W*(?:don['\u2019]t|do not|never|no|not)\b", re.IGNORECASE)
"""What a command begins with, and many a title of which something else is told."""
_LIMIT = re.compile(
    r"\b(?:than|before|after|until|over|under|above|below|als|vor|nach|bis|\u00fcber|unter|que|de|avant"
    r"|apr\u00e8s|antes|despu\u00e9s|hasta|\u0447\u0435\u043c|\u0434\u043e|\u043f\u043e\u0441\u043b\u0435|\u0440\u0430\u043d\u044c\u0448\u0435|\u043f\u043e\u0437\u0436\u0435)\b"
    r"|\u8d85|\u524d|\u540e|\u4ee5"
)
"""Words that make of a denied number a limit, which has one value: "not before 9"."""
_JOINTS = frozenset("\u662f\u5728\u53eb\u4e3a\u4f4f\u505a")
"""Signs between a subject and its value, which two values do not share."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A text as it is compared. `words`: those that say something, each as its stem.

    `leads`: the words that its subject may begin with. `denied`: the words of the clause that
    denies something, `beside`: those next to the word that does. `whole`: all words or signs;
    `order`: `words` as they come.
    """

    text: str
    words: frozenset[str]
    leads: tuple[frozenset[str], ...]
    denied: frozenset[str]
    beside: frozenset[str]
    is_denial: bool
    ends: bool
    turns: bool
    adds: bool
    whole: tuple[str, ...]
    order: tuple[str, ...]


def clash(later: str, earlier: str) -> bool:
    """Whether the `later` of two statements says that the `earlier` no longer holds."""
    if max(len(later), len(earlier)) > CHARS_MAX:
        return False
    code = _language(later, earlier)
    new, old = _statement(later, code), _statement(earlier, code)
    if new.words.isdisjoint(old.words) or not _common_leads(new, old):
        return False
    if _has_other_object(new, old):
        return False
    return _denies(new, old, code) or _turns(new, old, code)


def lists(one: str, other: str) -> bool:
    """Whether a denial stands beside what another statement says of another thing: that one is
    not liked is no end of that another one is, or is not.
    """
    if max(len(one), len(other)) > CHARS_MAX:
        return False
    code = _language(one, other)
    a, b = _statement(one, code), _statement(other, code)
    if code not in BY_LANGUAGE and _NO.search(a.text) and _NO.search(b.text):
        return not _names_number(a.words | b.words)
    if not (a.is_denial and b.is_denial):
        return _has_other_object(a, b)
    if a.ends or b.ends:  # that one died in Rome is no list
        return False
    first, second = a.words - b.words, b.words - a.words
    return (
        bool(first and second)
        and (bool(first & a.beside and second & b.beside) or not _BEGINS_DENIED.match(a.text))
        and first <= a.denied
        and second <= b.denied
        and not (_names_number(first | second) and _LIMIT.search(f"{a.text} {b.text}"))
    )


def other_value(one: str, other: str) -> tuple[str, str] | None:
    """What two statements in a script without spaces differ in, if it is one value; else None."""
    if max(len(one), len(other)) > CHARS_MAX:
        return None
    code = _language(one, other)
    if code not in _UNSPACED:
        return None
    a, b = _statement(one, code), _statement(other, code)
    before = shared(a.whole, b.whole)
    after = shared(a.whole[: before - 1 : -1], b.whole[: before - 1 : -1]) if before else 0
    first, second = a.whole[before : len(a.whole) - after], b.whole[before : len(b.whole) - after]
    common = frozenset(a.whole[:before]) & a.words
    if not (first and second) or len(common) < 2 or a.adds or b.adds:
        return None
    if a.is_denial != b.is_denial or lists(one, other) or _JOINTS & set(first) & set(second):
        return None
    short, long = sorted((len(first), len(second)))
    if long > 2 * short + 2:  # values are of a like length
        return None
    if before + after < FRAME_LEAST * min(len(a.whole), len(b.whole)):
        return None
    return "".join(first), "".join(second)


def adds(later: str, earlier: str) -> bool:
    """Whether the `later` statement says that it holds beside what was said: "also", "too"."""
    if max(len(later), len(earlier)) > CHARS_MAX:
        return False
    new = _statement(later, _language(later, earlier))
    return new.adds and not new.is_denial and not new.turns


def tells(text: str) -> bool:
    """Whether a statement denies or ends something, or is in a script whose words the other
    rules cannot tell apart; only then can the rules here find anything about it.
    """
    if len(text) > CHARS_MAX:
        return False
    code = language_of(text)
    return code in _UNSPACED or _has_marks(text, code)


@lru_cache(maxsize=8192)
def _has_marks(text: str, code: str) -> bool:
    lower = text.lower()
    return any(turns.marks.search(lower) for turns in _turns_of(code))


def _language(one: str, other: str) -> str:
    """The language of two statements; "" where it is unsure."""
    codes = {language_of(one), language_of(other)} - {""}
    return codes.pop() if len(codes) == 1 else ""


def _common_leads(one: Statement, other: Statement) -> list[frozenset[str]]:
    """The beginnings of a subject that both have; what belongs to Priya is not Priya."""
    return [
        lead
        for mine, theirs in ((one, other), (other, one))
        for lead in mine.leads
        if lead <= theirs.words and not any(lead < more for more in theirs.leads)
    ]


def _denies(new: Statement, old: Statement, code: str) -> bool:
    """Whether one of them denies what the other says; which is the later does not matter."""
    if new.is_denial == old.is_denial:
        return False
    said, denial = (old, new) if new.is_denial else (new, old)
    content = said.words - {I_OR_WE}
    least = COVERED_DENIED_SIGNS if code in _UNSPACED else COVERED_DENIED
    return bool(content & denial.beside) and len(content & denial.denied) >= least * len(content)


def _has_other_object(one: Statement, other: Statement) -> bool:
    """Whether one of two is a denial, and what comes after the words that both begin with is a
    thing that the other does not name: "likes grapes", "does not like olives".
    """
    if not (one.is_denial or other.is_denial):
        return False
    if one.turns or other.turns or one.ends or other.ends:
        return False
    same = shared(one.order, other.order)
    mine, theirs = one.order[same : same + 1], other.order[same : same + 1]
    return (
        same >= _SUBJECT_AND_VERB
        and bool(mine and theirs)
        and other.words.isdisjoint(mine)
        and one.words.isdisjoint(theirs)
        and _is_denied(one, mine)
        and _is_denied(other, theirs)
    )


def _is_denied(statement: Statement, words: Sequence[str]) -> bool:
    return not statement.is_denial or statement.denied.issuperset(words)


def _names_number(words: frozenset[str]) -> bool:
    return any(word[0].isdigit() for word in words)


def _turns(new: Statement, old: Statement, code: str) -> bool:
    """Whether the later one says that what the earlier one has was given up or replaced."""
    if not (new.ends or (new.turns and not new.adds)) or old.ends or old.turns:
        return False
    content = old.words - {I_OR_WE}
    shared = content & new.words
    lead = _common_leads(old, new)[0]
    if len(shared) >= COVERED_TURNED * len(content) and shared - lead:
        return True
    return any(
        turn.search(new.text) and state.search(old.text)
        for turns in _turns_of(code)
        for turn, state in turns.moves
    )


def _turns_of(code: str) -> list[Turns]:
    """The lists of a language; those of all in Latin script where it is unsure."""
    return [BY_LANGUAGE[c] for c in ((code,) if code else LATIN) if c in BY_LANGUAGE]


@lru_cache(maxsize=2048)
def _statement(text: str, code: str) -> Statement:
    lower = _ELISION.sub("", unicodedata.normalize("NFC", text).lower())
    lists = _turns_of(code)
    ends, turns, past, added, denials = (
        [m.span() for turns in lists for m in getattr(turns, part).finditer(lower)]
        for part in ("ends", "turns", "past", "adds", "denies")
    )
    mine = [m.span() for turns in lists for m in turns.mine.finditer(lower)]
    little = frozenset[str]().union(*(turns.little for turns in lists))
    marks = [*ends, *turns, *past, *added, *denials]
    found = [
        (m.start(), I_OR_WE if _within(m.start(), mine) else _stemmed(m.group(), code))
        for m in _TOKEN.finditer(lower)
        if not _within(m.start(), marks)
        and (_within(m.start(), mine) or not _is_little(m.group(), little))
    ]
    clauses = pairwise([0, *(m.end() for m in _CLAUSE.finditer(lower)), len(lower)])
    noes = [
        (span, (begin, end))
        for begin, end in clauses
        for span in (*denials, *ends)
        if begin <= span[0] < end
    ]
    denied = [word for _, (begin, end) in noes for place, word in found if begin <= place < end]
    beside = [word for span, clause in noes for word in _beside(span, clause, found, code)]
    return Statement(
        text=lower,
        words=frozenset(word for _, word in found),
        leads=_leads(lower, found),
        denied=frozenset(denied),
        beside=frozenset(beside),
        is_denial=bool(denials or ends),
        ends=bool(ends or past),
        turns=bool(turns),
        adds=bool(added),
        whole=tuple(_TOKEN_OR_KANA.findall(lower)),
        order=tuple(word for _, word in found),
    )


def _leads(text: str, found: Sequence[tuple[int, str]]) -> tuple[frozenset[str], ...]:
    """The first word; if it is the speaker, also the next one. With each what belongs to it:
    "Priya's brother" is not Priya, and the key of the car is not that of the house.
    """
    first = found[:1]
    if found[1:] and found[0][1] == I_OR_WE:
        first = found[:2]
    return tuple(_with_owned(text, found, place, word) for place, word in first)


def _with_owned(
    text: str, found: Sequence[tuple[int, str]], place: int, word: str
) -> frozenset[str]:
    """The word at a place, up to what it owns, if it owns anything."""
    next_of = _OF.match(text, place)
    if next_of is not None:
        return frozenset({word, *[w for p, w in found if p >= next_of.end()][:1]})
    owner = _OWNER.search(text, place)
    near = [w for p, w in found if owner and place <= p < owner.start()]
    if owner is not None and 1 <= len(near) <= _OWNER_WORDS:
        return frozenset({*near, *[w for p, w in found if p >= owner.end()][:1]})
    # A word of a script without spaces is two signs more often than not.
    return frozenset({word, *(w for p, w in found if p == place + 1 and word != I_OR_WE)})


def _beside(
    span: tuple[int, int], clause: tuple[int, int], found: Sequence[tuple[int, str]], code: str
) -> list[str]:
    """The words that a denial stands before; where it stands last, or always does, after."""
    reach = _REACH_SIGNS if code in _UNSPACED else _REACH
    after = [word for place, word in found if span[1] <= place < clause[1]][:reach]
    before = [word for place, word in found if clause[0] <= place < span[0]][-reach:]
    return before if code == "ja" or not after else after


def _within(place: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)


def _is_little(word: str, little: frozenset[str]) -> bool:
    return word in little or (word in STOP_WORDS and bool(little))


def _stemmed(word: str, code: str) -> str:
    if code in _STEMMERS and word.isalpha():
        word = _stemmer(_STEMMERS[code]).stem_word(word)
    elif code in ("", "en"):
        word = stem(word)
    folded = unicodedata.normalize("NFKD", word)
    return "".join(c for c in folded if not unicodedata.combining(c))


@lru_cache(maxsize=8)
def _stemmer(name: str) -> py_rust_stemmers.SnowballStemmer:
    return py_rust_stemmers.SnowballStemmer(name)


def shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many terms two texts share from the beginning."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
