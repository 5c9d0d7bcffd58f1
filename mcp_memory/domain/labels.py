"""A text that somebody else chose → a name that may stand in any answer.

The address of a repository and the name of a folder come from strangers. What is shown of
them is one line of at most 120 characters, in which nothing can pass for a sentence: no
space, no line break, no mark that is invisible or turns the direction of writing. Nor does it
pass for another name: a Cyrillic letter among Latin ones is encoded.
"""

from __future__ import annotations

import hashlib
import re
import string
import unicodedata

LABEL_CHARS_MAX = 120
_PLAIN = frozenset(string.ascii_letters + string.digits + "._~/+@-:")
# Letters and marks by category that show nothing: fillers, joiners, selectors of variants.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_TOKEN = re.compile(r"[^\W_]+")
_ALIKE = frozenset(("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"))
"""Scripts with letters that look like Latin ones."""
_LOOKALIKES = frozenset(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455"
    "\u04bb\u0501\u051b\u051d\u04cf\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422"
    "\u0423\u0425\u0406\u0408\u0405\u04c0\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u0561\u0570\u0578\u057d\u0585"
)
"""Those of them of which whole words are made that look Latin."""
_PHONETIC = frozenset("\u0251\u0261\u0269\u026a\u029f\u01c0\u01c3")
_CUT_ESCAPE = re.compile(r"%[0-9A-F]?$")
_SIDE_CHARS = 53


def shown(text: str) -> str:
    """The text as a label; different short texts have different ones."""
    return shortened(escaped(text))


def escaped(text: str, also: str = "") -> str:
    """The text with everything percent-encoded but letters, digits and `._~/+@-:`.

    Letters of any script stay as they are, but for those that pass for others. `also` names
    what else is encoded. Different texts give different results.
    """
    false = _disguised(text)
    return "".join(
        c if _is_plain(c) and c not in also and at not in false else _encoded(c)
        for at, c in enumerate(text)
    )


def shortened(label: str) -> str:
    """An escaped text of at most 120 characters; of a longer one both ends and a digest."""
    if len(label) <= LABEL_CHARS_MAX:
        return label
    digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{_CUT_ESCAPE.sub('', label[:_SIDE_CHARS])}~{digest}~{label[-_SIDE_CHARS:]}"


def one_line(text: str) -> str:
    """What a client calls itself, without what cannot be seen; spaces are its own."""
    kept = "".join(c for c in text if c.isprintable() and not _INVISIBLE.match(c))
    return " ".join(kept.split())[:LABEL_CHARS_MAX].strip()


def _disguised(text: str) -> set[int]:
    """Where a letter stands that looks like another: among Latin letters, or as a whole word
    of such letters in a text that has no other letter of their script.
    """
    if text.isascii():
        return set()
    found = {
        at
        for at, c in enumerate(text)
        if not c.isascii() and (unicodedata.normalize("NFKC", c) != c or c in _PHONETIC)
    }
    alike = {at for at, c in enumerate(text) if not c.isascii() and _script(c) in _ALIKE}
    is_open = any(text[at] not in _LOOKALIKES for at in alike)
    for token in _TOKEN.finditer(text):
        within = alike.intersection(range(*token.span()))
        is_mixed = any(_script(c) == "LATIN" for c in token.group())
        if is_mixed or not is_open:
            found |= within
    return found


def _script(letter: str) -> str:
    """The script of a letter; another word for what is none."""
    return unicodedata.name(letter, "").partition(" ")[0]


def _is_plain(character: str) -> bool:
    if character in _PLAIN:
        return True
    is_letter = unicodedata.category(character)[0] in "LMN"
    return not character.isascii() and is_letter and not _INVISIBLE.match(character)


def _encoded(character: str) -> str:
    try:
        octets = character.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a pair
        octets = character.encode("utf-8", "surrogatepass")
    return "".join(f"%{octet:02X}" for octet in octets)
