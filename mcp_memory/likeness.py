"""When two statements say the same: the rule that lets near duplicates merge.

Similar vectors alone never merge anything: "the review is on 3 May" and "the review is
on 4 May" are as close as two statements can be, and both must be kept.
"""

from __future__ import annotations

import re

from mcp_memory.text import fold_case, normalise, stem

_FILLER_WORDS = (
    "a an the that really very quite just also so please user actually basically simply"
    " generally certainly indeed"
)
_FILLERS = frozenset(_FILLER_WORDS.split())
_SAME = {
    "every": "all",
    "each": "all",
    "cannot": "can not",
    "can't": "can not",
    "won't": "will not",
    "i'm": "i am",
    "it's": "it is",
}
# A word with its inner joints (3.5, src/app.py, 5:30, C++), or a symbol that means something.
_QUIET = ".,;:!?\"'()\\[\\]\u2026\u3001\u3002\uff0c\uff01\uff1f\u300c\u300d\u201c\u201d-"
_TOKEN = re.compile(rf"\w+(?:[-.,/:@+#'_]\w+)*[+#%]*|[^\w\s{_QUIET}]")


def same_statement(one: str, other: str) -> bool:
    """Whether two texts with very similar vectors may be taken for one statement.

    True when they have the same words in the same order, but for filler words and plural
    or verb endings other than the past: no number, date, name, negation, direction or
    quality can differ. A duplicate kept is a nuisance, a distinct memory lost is a fault,
    so everything else is False.
    """
    return normalise(one) == normalise(other) or _gist(one) == _gist(other)


def _gist(text: str) -> list[str]:
    words: list[str] = []
    for token in _TOKEN.findall(text.replace("\u2019", "'")):
        word = fold_case(token)
        word = _SAME.get(word) or word
        if word.endswith("n't"):
            word = f"{word[:-3]} not"
        words.extend(word.split())
    return [_uninflected(word) for word in words if word not in _FILLERS]


def _uninflected(word: str) -> str:
    """The stem, but a past tense stays what it is: "lived in Rome" is not "lives in Rome"."""
    if word.endswith("'s"):
        return word[:-2] + "'"
    return word if word.endswith(("ed", "ing")) else stem(word)
