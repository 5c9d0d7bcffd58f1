"""Queries that ask for everything: "*", "list all memories", "what have you saved?".

They name nothing that could be searched for, so a search would find nothing relevant. A query
asks for everything if it is made of such words alone, and one of them says so; any other word
in it ("about Anna", "for the trip") is what is to be found.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

CHARS_MAX = 120
_SIGNS = re.compile(r"[\s\"'`/^$()\[\]{}<>.,:;!?+\-_*%]+")
_WILD = re.compile(r"[*%]")
_TASKS = "todo"
"""Everything in Spanish, and in all languages what is to be done."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Language:
    """Words of a language, by what they say.

    `whole` alone is everything. So are `show` with `things`, and `what` with `kept`. `others`
    may stand with them. `spaced`: whether words are set apart by spaces.
    """

    whole: frozenset[str]
    show: frozenset[str]
    things: frozenset[str]
    what: frozenset[str]
    kept: frozenset[str]
    others: frozenset[str]
    spaced: bool = True

    @classmethod
    def of(cls, spaced: bool = True, **words: str) -> _Language:
        """A language by its words, which are set apart by spaces."""
        return cls(**{name: frozenset(text.split()) for name, text in words.items()}, spaced=spaced)

    def asks(self, query: str) -> bool:
        """Whether a query in lower case, without signs, asks for everything."""
        known = self.whole | self.show | self.things | self.what | self.kept | self.others
        words = query.split() if self.spaced else _cut("".join(query.split()), known)
        said = frozenset(words)
        if not said or not said <= known:
            return False
        shows = said & self.show and said & self.things
        return bool(said & self.whole or shows or (said & self.what and said & self.kept))


_LANGUAGES = (
    _Language.of(  # English
        whole="all everything",
        show="list show give tell select every entire whole any each",
        things="memories memory",
        what="what which anything",
        kept="know known remember remembered saved save stored store have got recorded noted"
        " kept memorized memorised learned learnt told memory memories",
        others="the a my your our of me i you we us do did is are was there please can could would"
        " will ve s re d in from for about that this it them so far already ever currently"
        " display print dump return get fetch retrieve recall view see find search read"
        " notes note facts records entries items things data info information contents results"
        " stuff been",
    ),
    _Language.of(  # German
        whole="alles alle allem allen sämtliche",
        show="zeig zeige liste gib nenne jede jedes",
        things="erinnerungen gedächtnis",
        what="was welche",
        kept="weisst wissen gespeichert gemerkt erinnerst behalten notiert kennst hast gedächtnis",
        others="mir uns mich bitte auf du dir dich habe ich von über meine deine meinen deinen die"
        " der das den dem im in kannst an ist sind es da notizen fakten einträge daten"
        " informationen infos dinge sachen erinnerung gespeicherten gespeicherte gespeichertes",
    ),
    _Language.of(  # Spanish
        whole="todo toda todos todas",
        show="muestra muéstrame muestrame enseña enséñame lista listar enumera dame dime cada",
        things="recuerdos memorias memoria",
        what="qué que cuáles",
        kept="sabes recuerdas guardado guardaste tienes memorizado anotado almacenado conoces"
        " memoria",
        others="me de mí mi mis tu tú tus los las lo la el has hay en sobre por favor puedes"
        " notas datos hechos información cosas",
    ),
    _Language.of(  # French
        whole="tout toute tous toutes",
        show="montre montrez liste lister affiche donne énumère chaque",
        things="souvenirs mémoires mémoire",
        what="que qu quoi quels quelles",
        kept="sais savez souviens rappelles enregistré retenu gardé mémorisé"
        " noté sauvegardé stocké connais mémoire",
        others="moi me te m t est ce as a avez tu vous je ma mes ta tes les la le l des de du d s"
        " il y plaît sur dans en notes faits données informations choses",
    ),
    _Language.of(  # Russian
        whole="всё все",
        show="покажи показать выведи перечисли список дай",
        things="воспоминания воспоминаний память",
        what="что",
        kept="помнишь помните знаешь знаете сохранил сохранила сохранили сохранено"
        " запомнил запомнила запомнили хранишь записал записано памяти",
        others="мне ты вы меня тебя мои твои обо о об у в из есть пожалуйста записи заметки"
        " факты данные информацию то",
    ),
    _Language.of(  # Chinese
        spaced=False,
        whole="所有 全部 一切",
        show="列出 列举 显示 顯示 展示 告诉 告訴 查看 每条",
        things="记忆 記憶 回忆",
        what="什么 什麼 哪些 啥",
        kept="记得 記得 记住 記住 知道 保存 儲存 存储 存 记录 記錄 有 记忆 記憶",
        others="请 請 帮 给 給 我 你 您 的 了 过 都 些 关于 關於 内容 內容 东西 東西 信息 資訊"
        " 笔记 数据 里 中 在 吗 呢 出来 一下 把 看",
    ),
    _Language.of(  # Japanese
        spaced=False,
        whole="全部 全て すべて",
        show="一覧 リスト 見せて 表示 教えて",
        things="記憶 メモリ メモリー 思い出",
        what="何 なに",
        kept="覚えて 知って 保存 記録 記憶",
        others="を の は が に も いる います しまし して し た る か こと もの ある あります"
        " あなた 私 について 情報 データ メモ ください",
    ),
)


def asks_for_everything(query: str) -> bool:
    """Whether a query asks for all that there is, and for nothing in particular."""
    if len(query) > CHARS_MAX:
        return False
    plain = unicodedata.normalize("NFKC", query).casefold()
    bare = " ".join(_WORD.findall(plain))
    if bare == _TASKS:
        return False
    if not bare:
        return bool(_WILD.search(plain)) and not _SIGNS.sub("", plain)
    return any(language.asks(bare) for language in _LANGUAGES)


def _cut(text: str, known: frozenset[str]) -> list[str]:
    """The known words that a text without spaces is made of; [] if it is not."""
    ways: dict[int, list[str]] = {0: []}
    for end in range(1, len(text) + 1):
        for word in known:
            start = end - len(word)
            if start in ways and text.startswith(word, start):
                ways[end] = [*ways[start], word]
                break
    return ways.get(len(text), [])
