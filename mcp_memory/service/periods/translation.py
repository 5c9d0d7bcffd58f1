"""Words for times in other languages, and what they are in English.

Only what is certain: a phrase that is said of two times ("heute Nacht", "cette nuit", "huit
jours", which are seven) is not here, and so is refused rather than guessed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from mcp_memory.service.periods.vocabulary import VOCABULARY, Words

LANGUAGES = tuple(VOCABULARY)
_SLOT = re.compile(r"\{(\w+)\}")
_FIGURES = {"year": r"(?:19|20)\d\d", "date": r"[0-3]?\d"}
_NUMBER = r"(?!(?:19|20)\d\d)\d{1,5}"  # "2024年前" is before 2024


@dataclass(frozen=True, kw_only=True, slots=True)
class _Form:
    """A way to say a time: its pattern, the English for it, and the words of its slots."""

    pattern: re.Pattern[str]
    english: str
    words: Words

    def read(self, text: str) -> str:
        """The English for a text; "" where it is not said this way."""
        found = self.pattern.fullmatch(text)
        if found is None:
            return ""
        return self.english.format(**{n: self._word(n, w) for n, w in found.groupdict().items()})

    def _word(self, slot: str, said: str) -> str:
        each = self.words.get(slot, {}).items()
        return next((english for english, ways in each if re.fullmatch(ways, said)), said)


def in_english(said: str) -> str:
    """A phrase of another language in English; "" for what is none or may be said of two times."""
    text = unicodedata.normalize("NFKC", said).casefold().replace("\u2019", "'")
    readings = {
        english for name in LANGUAGES for form in forms(name) if (english := form.read(text))
    }
    return readings.pop() if len(readings) == 1 else ""


@cache
def forms(language: str) -> tuple[_Form, ...]:
    """The ways to say a time in a language."""
    words, ways = VOCABULARY[language]
    return tuple(
        _Form(pattern=_pattern(template, words), english=english, words=words)
        for template, english in ways
    )


def _pattern(template: str, words: Words) -> re.Pattern[str]:
    def slot(found: re.Match[str]) -> str:
        name = found[1]
        ways = [_FIGURES[name]] if name in _FIGURES else [*words[name].values()]
        ways += [_NUMBER] if name == "n" else []
        return f"(?P<{name}>{'|'.join(ways)})"

    return re.compile(_SLOT.sub(slot, template))
