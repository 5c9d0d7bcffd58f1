"""The best passage of a long memory: the stretch of it that says most of what was asked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from mcp_memory.domain.text import terms
from mcp_memory.service.recall.token_count import CountTokens

_SENTENCE_CHARS_MAX = 300
# Up to the end of a sentence, of a line, or of as many characters as a long one may have.
_SENTENCE = re.compile(
    rf"\S(?:.{{0,{_SENTENCE_CHARS_MAX}}}?(?:[.!?]+(?=\s|$)|[\u3002\uff01\uff1f]+|(?=\n)|$)"
    rf"|.{{0,{_SENTENCE_CHARS_MAX}}}(?=\s)|.{{0,{_SENTENCE_CHARS_MAX}}})"
)
_SENTENCES_MAX = 4_000
_WORD = re.compile(r"\w+")


def best_passage(content: str, asked: Collection[str], room: int, count: CountTokens) -> str:
    """Neighbouring sentences of `content` of at most `room` tokens, as they stand in it.

    They begin with the sentence that says most of the asked terms, each counted by its rarity
    in the content, and grow by the sentence after, then by the one before. Without a term to
    go by it is the beginning. What has no sentences is taken in stretches of 300 characters.
    """
    spans = [match.span() for match in _SENTENCE.finditer(content)][:_SENTENCES_MAX]
    if not spans:
        return ""
    best = _best_sentence([content[start:end] for start, end in spans], asked)
    first, last = best, best + 1
    sentence = content[slice(*spans[best])]
    if (used := count(sentence)) > room:
        return _cut(sentence, asked, room, count)
    while True:
        grown = False
        for place, is_after in ((last, True), (first - 1, False)):
            if not 0 <= place < len(spans):
                continue
            more = count(content[slice(*spans[place])]) + 1
            if used + more > room:
                continue
            used, grown = used + more, True
            first, last = (first, last + 1) if is_after else (first - 1, last)
        if not grown:
            return content[_line_start(content, spans[first][0]) : spans[last - 1][1]]


def _line_start(content: str, start: int) -> int:
    """Where the indentation before a sentence begins, if it is the first of its line."""
    line = content.rfind("\n", 0, start) + 1
    return start if content[line:start].strip() else line


def _best_sentence(sentences: Sequence[str], asked: Collection[str]) -> int:
    """The first of those that say most; 0 when none says anything."""
    said = [set(terms(sentence)).intersection(asked) for sentence in sentences]
    seen = Counter(term for found in said for term in found)
    worth = [sum(1 / seen[term] for term in found) for found in said]
    return worth.index(max(worth))


def _cut(sentence: str, asked: Collection[str], room: int, count: CountTokens) -> str:
    """As much of a sentence as fits, from a word on that was asked for, if it has one."""
    words = list(_WORD.finditer(sentence))
    first = next((w.start() for w in words if set(asked).intersection(terms(w.group()))), 0)
    cut = sentence[first:] if count(sentence[:first]) >= room else sentence
    while cut and (tokens := count(cut)) > room:
        cut = cut[: min(len(cut) - 1, len(cut) * room // tokens)]
    return cut.rstrip()
