"""When two texts say the same, and when two keys name the same slot.

Only what says the same to a careful reader merges; to keep one text too many is a nuisance,
to lose one is a fault. So texts are compared in NFC, and as they stand but for three things:

- **A full stop** that ends a line with two words or more ("the port is 5432." and "the port
  is 5432"). Never `?` or `!`, nor a stop after a sign or another stop ("ls ..", "src/.").
- **Spaces** of a line of plain prose, of any kind and number.
- **Capitals** of a line of plain prose: those that begin a sentence, and those of ordinary
  words of three letters or more within one. Not those of a word that is written both ways in
  the same text, that follows a number ("5 Mb"), or that is a word and a name, or another
  word, by its capital alone ("Polish", "Teams", "Sie").

Plain prose is words, acronyms, plain numbers and ordinary punctuation. A line with anything
else in it (quotes, backticks, signs, paths, identifiers, codes such as "v2" or "userId") or
that speaks of a password or of spelling keeps all its spaces and capitals, but for a function
word that begins it. Within a word nothing is ever folded: not "US", "pH", "MAX_SIZE". What
has several lines, a tab or an indentation is code, a list or a poem, what is one word or the
value of a key is a literal: they are compared as they stand, but for blank lines and spaces
around them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence

from mcp_memory.domain.text import STOP_WORDS, trimmed

FORM = "v2"
"""What fingerprints by this rule begin with; those of an earlier rule do not."""

# A letter, or a mark that belongs to one.
_LETTER = (
    r"(?:[^\W\d_]|[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e00-\u0fff"
    r"\u1000-\u109f\u1780-\u17ff])"
)
_WORD = rf"{_LETTER}+(?:['\u2019\u2010-]{_LETTER}+)*"
_NUMBER = (
    r"[+\u2212\u00b1~-]?[$\u20ac\u00a3\u00a5]?\d+(?:[.,:/-]\d+)*(?:%|\u20ac|st|nd|rd|th|am|pm)?"
)
_TOKEN = re.compile(rf"\(?(?P<core>{_WORD}|{_NUMBER})\)?[.,;:!?\u2026]*|[-\u2013\u2014&]")
_CORE = re.compile(_WORD)
_AROUND = "`\"'()[].,;:!?\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
_NOT_A_LINE = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]|^\\s\\s")
_STOP = re.compile(r"(?<=[\w)\]\"'`\u201d\u2019\u00bb%\u00b0])\.$")
_OTHER_STOP = re.compile("(?<=[^\u3002\u0964\u06d4])[\u3002\u0964\u06d4]$")
_SEPARATORS = re.compile(r"[\s_\u2010-\u2014-]+")
_BETWEEN_NUMBERS = re.compile(rf"(?<=\d){_SEPARATORS.pattern}(?=\d)")

# Words near which a capital, or a space, may be a part of what is said.
_LITERAL_WORDS = (
    "password passwords passphrase passphrases passcode secret secrets token credential"
    " credentials username usernames login logins spelled spelt spelling spells capital capitals"
    " capitalised capitalized uppercase lowercase casing case-sensitive passwort kennwort"
    " benutzername contrase\u00f1a clave usuario senha passe has\u0142o wachtwoord"
    " \u043f\u0430\u0440\u043e\u043b\u044c \u043b\u043e\u0433\u0438\u043d"
)
_LITERALS = frozenset(_LITERAL_WORDS.split())
# Words that with a capital mean somebody or something else.
_NAME_WORDS = (
    "access amazon apple april august basic bath bill cat china chrome cork dart edge excel faith"
    " frank gap grace hope java job joy june linear mark march may meta mobile nice notion office"
    " oracle polish python rails reading rich rose ruby rust scratch shell signal slack spark"
    " square stripe swift target teams turkey visa will windows word zoom sie ihr ihre ihnen"
    " ihrer ihrem ihren"
)
_NAMES_TOO = frozenset(_NAME_WORDS.split())


def fingerprint(text: str, key: str = "") -> str:
    """What identifies a statement (32 characters): its slot, and what it says."""
    said = as_it_stands(text) if key else statement(text)
    digest = hashlib.sha256(f"{slot_of(key)}\0{said}".encode()).hexdigest()
    return f"{FORM}{digest[: 32 - len(FORM)]}"


def same_statement(one: str, other: str) -> bool:
    """Whether two texts say the same to a careful reader."""
    return statement(one) == statement(other)


def as_it_stands(text: str) -> str:
    """The text in NFC, without blank lines before it and blanks after it; lines end in "\\n"."""
    return unicodedata.normalize("NFC", trimmed(text))


def statement(text: str) -> str:
    """The text as all texts share it that say the same; see above."""
    said = as_it_stands(text)
    if _NOT_A_LINE.search(said):
        return said
    tokens = said.split()
    found = [_TOKEN.fullmatch(token) for token in tokens]
    cores = [match["core"] or "" if match else "" for match in found]
    words = [word for word in (token.strip(_AROUND) for token in tokens) if _CORE.fullmatch(word)]
    if len(words) > 1:
        if all(found) and _LITERALS.isdisjoint(word.lower() for word in words):
            said = " ".join(_folded(tokens, cores))
        else:
            said = _begun_quietly(said.lstrip(), cores[0])
        said = _STOP.sub("", said)
    return _OTHER_STOP.sub("", said)


def slot_of(key: str) -> str:
    """What a key names, however it is spelt: "time_zone", "Time Zone" and "timezone" are one.

    Capitals, spaces, underscores and dashes say nothing, unless they keep two numbers apart;
    every other character does: "C++" is not "C", nor "user.name" "username". "" for no key.
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", key).lower())
    apart = _BETWEEN_NUMBERS.sub("~", folded.strip())
    return _SEPARATORS.sub("", apart) or folded


def _folded(tokens: Sequence[str], cores: Sequence[str]) -> Iterator[str]:
    """The tokens of plain prose without the capitals that say nothing."""
    small = {core for core in cores if core[:1].islower()} | _NAMES_TOO
    begins, is_counted = True, False
    for token, core in zip(tokens, cores, strict=True):
        low = core[:1].lower() + core[1:]
        within = core == "I" or (len(core) > 2 and low not in small and not is_counted)
        if _is_ordinary(core) and (begins or within):
            yield token.replace(core, low, 1)
        else:
            yield token
        begins = token.rstrip(")").endswith((".", "!", "?", "\u2026"))
        is_counted = bool(core) and not _CORE.fullmatch(core)


def _begun_quietly(said: str, core: str) -> str:
    """A line without the capital of a function word that begins it."""
    is_quiet = len(core) > 1 and _is_ordinary(core) and core.lower() in STOP_WORDS
    return said[0].lower() + said[1:] if is_quiet and said.startswith(core) else said


def _is_ordinary(core: str) -> bool:
    """Whether a word has a capital at its beginning alone, as any word may."""
    return core[:1].isupper() and (core[1:].islower() or core in ("A", "I"))
