"""The language of a short text where it is certain enough to be named to a person.

`language_of` compares languages that it knows; a text in any other may look like one of them.
Here the text must have what only that language has, and nothing that it has not.
"""

from __future__ import annotations

import re

from mcp_memory.domain.language import language_of, little_words

_LATIN = ("en", "de", "fr", "es", "it", "pt", "nl")
_LETTERS = {
    "en": "éèêëïöüçñàâ",
    "de": "äöüßéè",
    "fr": "àâæçéèêëîïôœùûüÿ",
    "es": "áéíóúüñ",
    "it": "àèéìíîòóùú",
    "pt": "áâãàçéêíóôõúü",
    "nl": "éëïóöüáèà",
    "ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
}
"""The letters of a language beside a to z."""
_OWN_LETTERS = {
    "de": re.compile("ß"),
    "fr": re.compile("œ|-t-(?:on|il|elle)s?\\b"),
    "es": re.compile("[¿¡]"),
    "ru": re.compile(r"[ыэё]|\w(?:ает|яет|ется|ится|ются|ют)\b|\bкак(?:ом|ого|ому|их)\b"),
    "uk": re.compile("[їєґ]"),
}
"""What no other language that is written alike has."""
# Little words of languages that are not named which are, or look like, those of one that is.
_ELSEWHERE = (
    # Finnish, Estonian
    " on ei en et se ne me te he hän jo ja kun kuin mutta mikä missä milloin kuka miten miksi"
    " oli ovat olen minun sinun hänen minä sinä tämä tuo nyt vain myös joka jos niin kanssa"
    " mukaan in as is it at kes kus mis see ta ma sa mu su oma kas ka või aga kui meie teie nad"
    " ole olla"
    # Swedish, Danish, Norwegian
    " och att det den der de dem des du er en et ett i om ham han hun hon har hat hade var vad"
    " vem när hur är till min mitt mina din sin men man mer nu inte som så för av på per från"
    " med vi ska skal kan kunne over under efter ved og at hvad hvem hvor hvornår hvorfor vår"
    " vore vores os oss da ut upp her hier dag alle noe noen sein sine blir ble bil bin dit hit"
    " dig mig sig fra til mot mod ni no for to ser do go se far fast must sent dina sina varit"
    " vara vart vilken vilket denna dette dort"
    # Turkish
    " ne bu o en mi mu mı mü ve de da ki ile için çok var yok kim nerede nasıl zaman hangi her"
    " ben sen biz siz onlar on bir iki ama daha gibi kadar sonra önce ya su at as is il el al an"
    " son ay benim senin hem hiç dans un use"
    # Polish, Czech, Slovak, Croatian, Slovenian
    " a i o u w z na do to po za od pod przy nad jest są był była się nie tak jak ja ty on ona"
    " ono my wy oni te ta ten tego tej co kto kiedy gdzie czy ale by dla ze bez mnie mi je ich"
    " im go mu ma mam mamy masz nas nam s v k se si jsem jsi jsou byl byla bylo být kde kdo kdy"
    " jaký jako jen aby mé můj moje nás nám vás ti tu tam pro při pre in ob ali sam smo su bi ga"
    " me da ne ni no sa iz les son all den dom dole most las le pas nos pan pani sur sein dva"
    " tri die era"
    # Hungarian
    " a az egy és van volt nem is ez de ki mi hol mikor hogy miért melyik már még csak ha meg el"
    " be le fel itt ott után alatt én te ő ti ők kell lesz lehet mit hat ír most ne se mert sok"
    " ben ban nak nek on en ra re ért"
    # Vietnamese, with and without its marks
    " la là ai em anh chi chị co có con cua của cho da đã de để den đến di đi do gi gì hai hay"
    " khi khong không lam làm me mot một nao nào nay này nam no o ở ong roi rồi sao se sẽ so ta"
    " tai tại thi thì toi tôi trong tu từ va và vi vì voi với xe ma mà mẹ mai ra theo y bao nha"
    " bi ban bon son san qua cha vai"
    # Indonesian, Malay, Tagalog, Swahili
    " di ke dari dan yang ini itu ada apa siapa mana kapan bagaimana berapa untuk dengan pada"
    " saya aku dia kami kita mereka kamu akan sudah tidak bukan bisa juga atau dalam oleh per"
    " adalah lebih lagi hanya se ya kah pun sama tua uang dua ang ng sa na ay ako ni kay para ko"
    " mo po ba si mga at wa la cha vya kwa yangu wapi nini nani lini gani no sana moja dam"
    # Romanian, Catalan, Galician
    " a ai al ale am ar are as au că ca care ce cel cea cine cum când cu da dar de din după e"
    " este eu ea el ei era eram fi fost foarte i în il îl in îmi își la le lui mai mea meu mele"
    " mi ne nu noi nostru o or pe pentru prin sa să se si și sau sunt su sub te tot tu un una"
    " unde unei unui va vă vom voi ta tale sale mare bun casa cât doi două amb els les unes són"
    " és on què qui quan com per però del dels als no ni teu seu hi ha molt més també aquest"
    " aquesta això jo nosaltres nostre nostra onde unha ao do na os non che que me lle está nos"
    " cando quen cal"
    # Bulgarian, Macedonian, Serbian, Belarusian, Ukrainian
    " а аз без бил била би в во все всички вас ви вие да до е за и из или им има их к как каква"
    " какво какъв кога кой коя къде ли мен ми моя на над нас наш не него нея ни ние но о об от"
    " по под при про с са се си сме съм със така там те ти то той тя у че ще я це як що хто де"
    " коли він вона ні так тут ўжо дзе што калі ён яна мы вы мне меня нам мой где ко шта кад јер"
    " није јесам су смо тај она они оно он быў была было быть цо со чо"
)
_FOREIGN_WORDS = frozenset(_ELSEWHERE.split())
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_LONG = 3
"""The letters of a word that is no other language's by chance."""
_SHORT_LEAST = 2


# Words of other languages that an English query may have as well, in a name or as its own.
_ENGLISH_TOO_WORDS = (
    " all ban bin bon chi com con dam das dem den der des die dig din dole dom dos era est"
    " far fast god ham han hat hay hem her hier hit hon jest lam las les los main mai man"
    " mana mare mas med men mer met mia mis mod mon most must nay nod nog non nos ons pan"
    " pani par pas per plus pod pro pun sale sam same san sans see sent set sin sine sol"
    " son sub sur tai tale tam ten test till tot tout tri una und uno upp usa use vad van"
    " var via vis von voy war was wit yang door care line mate"
)
_ENGLISH_TOO = frozenset(_ENGLISH_TOO_WORDS.split())
_OTHERS = frozenset[str]().union(
    _FOREIGN_WORDS, *(little_words(code) for code in _LATIN if code != "en")
)
_NOT_ENGLISH = frozenset(
    word for word in _OTHERS - little_words("en") - _ENGLISH_TOO if len(word) >= _LONG
)
_ENGLISH_ALONE = little_words("en") - _OTHERS


def certain_language_of(text: str) -> str:
    """The code of a text's language; "" where another one is possible."""
    code = language_of(text)
    if code not in _LETTERS:  # told by its script, or not at all
        return code
    own_words = _own_words(text)
    if not _is_spelt(own_words, code):
        return ""
    return code if _has_own(text.lower(), {word.lower() for word in own_words}, code) else ""


def is_surely_not_english(text: str) -> bool:
    """Whether a text is in another language than English, whichever it is.

    Told by its script; in Latin letters by little words of others, without one that is of
    English alone: two of them, or one beside a word with a letter that English does not have.
    """
    if language_of(text) not in ("", *_LATIN):
        return True
    words = _own_words(text)
    said = {word.lower() for word in words}
    if said & _ENGLISH_ALONE:
        return False
    found = said & _NOT_ENGLISH
    others = [word for word in words if word.lower() not in found]
    return len(found) > 1 or (bool(found) and not _is_spelt(others, "en"))


def _own_words(text: str) -> list[str]:
    """The words of a text but for names."""
    words = _WORD.findall(text.replace("\u2019", "'"))
    return words[:1] + [word for word in words[1:] if not word[0].isupper()]


def _is_spelt(words: list[str], code: str) -> bool:
    """Whether all letters of the words are of that language."""
    letters = {*"'", *_LETTERS[code], *(chr(n) for n in range(ord("a"), ord("z") + 1))}
    return all(letters.issuperset(word.lower()) for word in words)


def _has_own(text: str, words: set[str], code: str) -> bool:
    """Whether something in a text is of that language alone."""
    letters = _OWN_LETTERS.get(code)
    if letters is not None and letters.search(text):
        known = little_words(code)
        return not known or words.isdisjoint(_FOREIGN_WORDS - known)
    others = frozenset[str]().union(*(little_words(c) for c in _LATIN if c != code), _FOREIGN_WORDS)
    own = (words & little_words(code)) - others
    return len(own) >= _SHORT_LEAST or any(len(word) >= _LONG for word in own)
