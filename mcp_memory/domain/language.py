"""Which language a short text is in, as far as its script and its little words tell.

Nothing is guessed: where two languages are as likely, or no word tells, it is "".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

NAMES: Mapping[str, str] = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "pt": "Portuguese",
    "nl": "Dutch",
    "ru": "Russian",
    "uk": "Ukrainian",
    "zh": "Chinese",
    "ja": "Japanese",
    "ko": "Korean",
    "el": "Greek",
    "ar": "the Arabic script",
    "he": "Hebrew",
    "hi": "the Devanagari script",
    "th": "Thai",
}
"""The languages that can be told, by their code."""

_LITTLE_WORDS = {
    "en": "a about after all also before last now over there these those used don't doesn't isn't"
    " it's i'm only very then than some into lives works an and are as at be been but by can"
    " did do does for from had has have he her his how i if in is it its my not of on or our"
    " she should that the their them they this to was we were what when where which who why"
    " will with you your every each any never no uses",
    "de": "aber alle heute früher jetzt uhr statt wurde wurden ist oft lange mehr schon immer hier"
    " dort dann pro beim als am an auch auf aus bei bin bis das dass dem den der des die doch"
    " durch ein eine einem einen einer es für gibt habe haben hat hatte ich ihr im in kein"
    " keine mein meine mit nach nicht noch nur ob oder sein seine seit sich sie sind um und"
    " uns unser unsere vom von vor wann war warum was welche welchem welchen welcher welches"
    " wenn wer werden wie wieder wir wird wo wohin worin womit zu zum zur über jeden jede wem"
    " wessen",
    "fr": "a année chaque entre elles nous deux l'on c'est combien a-t-il fait été aussi au aux"
    " avec ce ces cette chez comment dans de depuis des donc du elle en est et était être il"
    " ils j'ai je la le les leur leurs lui ma mais mes mon ne nos notre on ont ou où par pas"
    " plus pour pourquoi qu'est quand que quel quelle quelles quels qui quoi sa sans se ses"
    " son sont sur tous tout un une vos votre vous y à",
    "es": "a voy va usa durante tengo hace desde estoy soy dos mucho muchos porque al como con"
    " cuando cuándo cuál cuáles cómo de del donde dónde el ella en era es esta este está están"
    " fue ha hay la las le les lo los me mi mis muy más no nos nuestra nuestro o para pero por"
    " qué que quién se sin sobre son su sus también tiene un una unos y ya adónde cada",
    "it": "a ai al alla anche che chi con da dal dalla dei del della delle di dove e ed era gli ha"
    " hanno ho i il in io la le lo ma mi mia mio nel nella non o per perché più qual quale"
    " quali quando questa questo sei si sono su sua suo un una uno è ogni cosa",
    "pt": "a ao aos as com como da das de do dos e ela ele em era essa esse esta este eu foi há"
    " isso mais mas meu minha na nas no nos não o onde os ou para pela pelo por porque quais"
    " qual quando que quem se sem seu sua são também tem um uma é está nosso nossa",
    "ru": "а без был была были было быть в вам вас во все всё где для до его ее её если есть еще"
    " ещё же за и из или им их к как какая какие какой какую когда который кто куда ли меня"
    " мне мы на над нам нас наш не него нее неё нет ни но о об от по под при про с сколько со"
    " так там то тоже ты у уже чего чем что чтобы это этот я",
    "nl": "aan al als bij dat de deze die dit door een en er geen had heb hebben heeft het hij hoe"
    " hun ik in is je kan maar met mijn naar niet nog of om onze ons ook op over te tot uit"
    " van voor waar waarom wanneer was wat we welke werd wie wij wordt worden ze zijn zij zo",
}
_WORDS = {code: frozenset(words.split()) for code, words in _LITTLE_WORDS.items()}
# A word that several languages have tells of each a little only.
_WEIGHTS = {
    word: {code: 1 / len(codes) for code in codes}
    for word in frozenset[str]().union(*_WORDS.values())
    for codes in [[code for code in _WORDS if word in _WORDS[code]]]
}
_LETTERS_OF = {
    "de": re.compile("[äöüß]"),
    "fr": re.compile("[àâçèêëîïœûù]|\\b[djlnst]['\u2019](?=[^\\W\\d_])|-t-"),
    "es": re.compile("[áíóúñ¿¡]"),
    "it": re.compile("[àèìòù]"),
    "pt": re.compile("[ãõâêç]"),
}

# The first script that a text has letters of tells, in this order: Japanese has Han too.
_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\u1100-\u11ff\uac00-\ud7af]")),
    ("zh", re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
_UKRAINIAN = re.compile("[іїєґ]")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_READ_CHARS = 2000
_SHARE, _SHARE_OF_SIGNS = 0.4, 0.15
"""The share of its letters that another script must have, for the names in a text keep theirs;
less where a letter is a syllable or a word."""
_LEAST = 0.5
_LEAD = 1.3
"""How much more must tell of a language than of the next one."""
_LETTER_WEIGHT = 0.25


def _shares(code: str) -> float:
    return _SHARE_OF_SIGNS if code in ("ja", "ko", "zh") else _SHARE


def _of(text: str) -> str:
    is_latin = text.isascii()
    letters = 0 if is_latin else len(_LETTER.findall(text))
    for code, script in () if is_latin else _SCRIPTS:
        if letters and len(script.findall(text)) >= _shares(code) * letters:
            return "uk" if code == "ru" and _UKRAINIAN.search(text) else code
    scores = dict.fromkeys(_WORDS, 0.0)
    for word in _WORD.findall(text.replace("\u2019", "'")):
        for code, weight in _WEIGHTS.get(word, {}).items():
            scores[code] += weight
    for code, found in () if is_latin else _LETTERS_OF.items():
        scores[code] += _LETTER_WEIGHT * len(found.findall(text))
    second, most = sorted(scores.values())[-2:]
    if most < _LEAST or most < _LEAD * second:
        return ""
    return max(scores, key=scores.__getitem__)


@lru_cache(maxsize=8192)
def _of_short(text: str) -> str:
    return _of(text.lower())


def language_of(text: str) -> str:
    """The code of a text's language, such as "de"; "" where nothing tells."""
    return _of_short(text[:_READ_CHARS])


def little_words(code: str) -> frozenset[str]:
    """The words of a language that say little by themselves; none of one that has no list."""
    return _WORDS.get(code, frozenset())


LITTLE_WORDS = frozenset(_WEIGHTS)
"""Those of all languages together."""
