"""A text that somebody else chose → a name that may stand in any answer.

The address of a repository and the name of a folder come from strangers. What is shown of
them is one line of at most 120 characters, in which nothing can pass for a sentence: no
space, no line break, no mark that is invisible or turns the direction of writing.
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
_CUT_ESCAPE = re.compile(r"%[0-9A-F]?$")
_SIDE_CHARS = 53


def shown(text: str) -> str:
    """The text as a label; different short texts have different ones."""
    return shortened(escaped(text))


def escaped(text: str, also: str = "") -> str:
    """The text with everything percent-encoded but letters, digits and `._~/+@-:`.

    Letters of any script stay as they are. `also` names what else is encoded. Different
    texts give different results.
    """
    return "".join(c if _is_plain(c) and c not in also else _encoded(c) for c in text)


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
