"""The words by which a statement says that something is no longer as it was, by language.

Each list is a regular expression over a text in lower case. What a language does not have
here is compared by its words alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mcp_memory.domain.language import little_words

_MARKS = ("denies", "ends", "turns", "past")
_NEVER = re.compile(r"(?!)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Turns:
    """What tells a change in one language.

    `denies`: no, not. `ends`: it has ended, and what comes in its place is not said. `turns`:
    something takes its place. `past`: it was so before. `adds`: something holds beside it.
    `mine`: the speaker. `moves`: a turn and the state that it turns: who moved to another town
    lives there.
    """

    denies: re.Pattern[str]
    ends: re.Pattern[str]
    turns: re.Pattern[str]
    past: re.Pattern[str]
    adds: re.Pattern[str]
    mine: re.Pattern[str]
    moves: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]
    little: frozenset[str]
    marks: re.Pattern[str]
    """Any of the first four."""


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{' '.join(pattern.split())})\b") if pattern else _NEVER


def _signs(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(" ", "")) if pattern else _NEVER


def _spaced(code: str, *, moves: Mapping[str, str], **parts: str) -> Turns:
    """Of a language whose words stand apart; its patterns match whole words."""
    return Turns(
        **{name: _words(pattern) for name, pattern in parts.items()},
        marks=_words("|".join(parts[name] for name in _MARKS)),
        moves=tuple((_words(turn), _words(state)) for turn, state in moves.items()),
        little=little_words(code),
    )


def _unspaced(code: str, *, moves: Mapping[str, str], little: str, **parts: str) -> Turns:
    return Turns(
        **{name: _signs(pattern) for name, pattern in parts.items()},
        marks=_signs("|".join(parts[name] for name in _MARKS)),
        moves=tuple((_signs(turn), _signs(state)) for turn, state in moves.items()),
        little=frozenset(little),
    )


_ENGLISH = _spaced(
    "en",
    denies=r"not(?! only| just)|no|never|none|nobody|nothing|neither|cannot|without|\w+n['’]t",
    ends=r"no longer|not any ?more|any ?more|any longer|(?:has |have |had )?quit(?:s|ting)?"
    r"|(?:has |have |had )?(?:stopped|ceased|ended|retired|resigned|cancell?ed|discontinued"
    r"|abandoned|dropped|deprecated|removed|disabled|sold|given up|gave up|broken?|broke down"
    r"|died|lost|stolen|expired|lapsed|fired|laid off|turned off|opted out|unsubscribed|withdrew"
    r"|withdrawn|gotten? rid of|dissolved|decommissioned|shut down|broke up|split up|divorced"
    r"|outgrown?)|(?<!are )(?<!is )(?<!the )(?<!be )(?<!on )(?<!to )(?:has |have )?left",
    turns=r"(?:has |have |had )?(?:moved?|migrat(?:ed?|ing)|switch(?:ed|ing)|replac(?:ed|es|ing)"
    r"|renamed|rewrit\w+|rewrote|chang(?:ed|ing)|converted|swapp(?:ed|ing)|transition(?:ed|ing)"
    r"|upgraded|ported|reverted|relocated|transferred|rescheduled|postponed|exchanged|traded"
    r"|superseded|joined)|instead(?: of)?|in favou?r of|rather than|now(?:adays)?|these days"
    r"|from now on|as of|since then",
    past=r"used to|previously|formerly|once (?:was|were)|no more|in the past|originally|at first"
    r"|back then|was once|were once|until (?:recently|last|the end|\d{4}|a? ?\w+ ago)"
    r"|up to now",
    adds=r"also|too|as well|besides|in addition|additionally|another|both|moreover",
    mine=r"i|we|us|me|my|our|mine|ours|i['’]\w+|we['’]\w+",
    moves={
        r"moved?|relocated|emigrated": r"liv\w+|resid\w+|home|house|flat|apartment|based",
        r"joined|hired|promoted|retired|resigned": r"work\w*|job|employ\w+|engineer|manager",
        r"rewritten|rewrote|ported|rewrite": r"written|wrote|built|implemented|coded",
    },
)

_GERMAN = _spaced(
    "de",
    denies=r"nicht(?! nur)|nie|niemals|kein\w*|nichts|niemand\w*|ohne|weder",
    ends=r"nicht mehr|kein\w* mehr|nie mehr|nie wieder|gekündigt|aufgehört|aufgegeben"
    r"|abgeschafft|abgesetzt|eingestellt|beendet|verkauft|verlassen|abgeschaltet"
    r"|gestrichen|entfernt|abbestellt|ausgetreten|kaputt|gestorben|verloren"
    r"|gestohlen|entlassen|ausgeschieden|abgemeldet|ausgefallen|abgelaufen"
    r"|ausgelaufen|getrennt|geschieden|ausgezogen|kündigte|gestoppt|stillgelegt",
    turns=r"umgestiegen|umgezogen|gezogen|gewechselt|wechselte|umgestellt|migriert|ersetzt"
    r"|abgelöst|ausgetauscht|verlegt|verschoben|verlagert|umbenannt|umgeschrieben"
    r"|umgebaut|geändert|getauscht|statt(?=\s+(?!und|oder|wird|ist|im|in|am|um)\w)"
    r"|zugunsten|anstatt|anstelle|stattdessen|sondern|jetzt|nun|inzwischen"
    r"|mittlerweile|neuerdings|von nun an|ab sofort|neu geschrieben|zieht um",
    past=r"früher(?! als)|damals|ehemals|einst|vorher|zuvor|ursprünglich"
    r"|bis (?:vor|letzt\w+|ende|anfang|20\d\d)|bisher|anfangs",
    adds=r"auch|außerdem|zusätzlich|ebenfalls|ebenso|daneben|sowie|zudem|dazu",
    mine=r"ich|wir|uns|mich|mir|mein\w*|unser\w*",
    moves={
        r"umgezogen|gezogen|zieht|ausgewandert": r"wohn\w+|leb\w+|zuhause",
        r"gewechselt|gekündigt|angefangen": r"arbeit\w+|angestellt",
        r"umgeschrieben|neu geschrieben|portiert": r"geschrieben|entwickelt|programmiert",
    },
)

_FRENCH = _spaced(
    "fr",
    denies=r"ne|n['’](?=\w)|pas(?! seulement)|jamais|aucune?|rien|personne|sans|ni",
    ends=r"n(?:e |['’])[\w' ’]+? plus|ne plus|démissionné|arrêté|arrête|cessé|abandonné"
    r"|quitté|résilié|annulé|lâch\w+|laissé tomber|stoppé|viré|tombée?s? en panne"
    r"|en panne|mort|morte|perdu|volée?s?|expirée?s?|cassée?s?|désabonné"
    r"|fermée? définitivement|supprimé|vendu|renoncé|désactivé|retiré|terminé"
    r"|licenciée?|divorcée?s?",
    turns=r"(?:est |sont |a été |ont été |a |ont |avons |ai )?(?:passée?s? (?=d|à)|migré\w*"
    r"|déplacé\w*|remplacé\w*|changé\w*|déménagé\w*|réécrite?s?|renommé\w*|transféré\w*"
    r"|reportée?s?|basculé\w*|converti\w*|échangé\w*|troqué\w*|emménagé\w*)|au lieu d\w*"
    r"|à la place|plutôt que|au profit d\w*|maintenant|désormais|dorénavant|à présent",
    past=r"avant,|autrefois|auparavant|jadis|anciennement|à l['’]origine|au début|jusqu['’]\w+",
    adds=r"aussi|également|en plus|de plus|en outre|ainsi que|par ailleurs",
    mine=r"je|nous|j['’]\w+|mon|ma|mes|nos|notre|moi",
    moves={
        r"déménagé\w*|emménagé\w*|partie?s? vivre": r"habit\w+|vi[st]|vivent|demeur\w+|log\w+",
        r"rejoint|embauchée?|engagée?": r"travaill\w+|emploi|poste",
        r"réécrite?s?|porté\w*": r"écrite?s?|développé\w*|programmé\w*|codé\w*",
    },
)

_SPANISH = _spaced(
    "es",
    denies=r"no(?! s[oó]lo)|nunca|jamás|ningun[oa]?|ningún|nada|nadie|sin|ni|tampoco",
    ends=r"ya no|no[\w ]+? más|dej[óoaé]\w*|abandon[óoaé]\w*|cancel[óéa]\w*"
    r"|renunci[óéa]\w*|termin[óé]|estrope[óé]|rompió|murió|perdi[óm]\w*|robaron"
    r"|caducó|venció|despidieron|anul[óé]\w*|se fue de|vend(?:ió|í|ido|imos)"
    r"|elimin[óéa]\w*|suprimi\w+|desactiv\w+|parado|retir[óé]\w*|divorci\w+"
    r"|despedid[oa]|dimitió|jubil[óé]",
    turns=r"migr[óéa]\w*|mud[óéa]\w*|cambi[óéa]\w*|sustitui\w+|sustituy\w+|reemplaz\w+"
    r"|traslad\w+|reescrib\w+|reescrit[oa]s?|pas[óéa]\w* (?=de|a)|renombr\w+"
    r"|aplaz\w+|convirti\w+|unió|en vez de|en lugar de|a favor de|sino|ahora"
    r"|actualmente|hoy en día|desde ahora|a partir de ahora",
    past=r"antes(?! de)|anteriormente|solía\w*|originalmente|al principio|en el pasado|antiguamente"
    r"|hasta (?:hace|ahora|el|20\d\d)[\w ]*",
    adds=r"también|además|asimismo|igualmente|tanto",
    mine=r"yo|me|mi|mis|nos|nuestr[oa]s?|nosotr[oa]s|mío",
    moves={
        r"mud[óéa]\w*|traslad\w+": r"viv[eoí]\w*|resid\w+|habit\w+",
        r"unió|contrat\w+|fich[óé]\w*": r"trabaj\w+|emple\w+",
        r"reescrib\w+|reescrit[oa]s?": r"escrit[oa]s?|desarrollad[oa]s?|programad[oa]s?",
    },
)

_RUSSIAN = _spaced(
    "ru",
    denies=r"не(?! только)|нет|никогда|никто|ничего|ни|без|никаки\w+|нельзя",
    ends=r"больше не|уже не|уволил\w*|бросил\w*|переста\w+|прекрати\w+|отказал\w*|отменил\w*"
    r"|отключил\w*|продал\w*|закрыл\w*|ушёл|ушел|ушла|ушли|расторг\w*|удалил\w*|убрал\w*"
    r"|завязал\w*|сломал\w*|умер\w*|потерял\w*|украли|уволили|отписал\w*|выключил\w*|истек\w*"
    r"|списал\w*|развел\w*|покинул\w*|вышел из|вышла из",
    turns=r"перешёл|перешел|перешл\w+|переехал\w*|перенес\w*|перенёс|мигрировал\w*|замен\w+"
    r"|сменил\w*|поменял\w*|переписал\w*|переписан\w*|переключил\w*|пересел\w*|переименова\w+"
    r"|перевел\w*|перевёл|переведен\w*|вместо|теперь|отныне|ныне|устроил\w*",
    past=r"раньше|прежде|когда-то|ранее|до (?:недавнего|прошлого|20\d\d)[\w ]*|изначально"
    r"|в прошлом|сначала",
    adds=r"также|тоже|ещё и|еще и|и в|кроме того|вдобавок|помимо|заодно|дополнительно",
    mine=r"я|мы|нас|нам|нами|меня|мне|мой|моя|моё|мои|наш\w*",
    moves={
        r"переехал\w*": r"жив[её]т|живут|живу|живём|жил\w*|прожива\w+",
        r"устроил\w*|уволил\w*|ушёл|ушла": r"работа\w+",
        r"переписал\w*|переписан\w*": r"написан\w*|написал\w*|разработан\w*",
    },
)

_CHINESE = _unspaced(
    "zh",
    little="的了在是和与或就都而及着把被对从到给用这那有很吗呢吧啊们个也上下里于为以之其",
    denies="从不|从未|没有|没|不是|不会|不能|不(?![到过仅但久同错断])|无|未|别|勿",
    ends="不再|已不|(?<!多)不(?=.{1,6}了)|离职|辞职|辞了|退出|停止|停用|取消|放弃|戒了|戒掉"
    "|卖了|卖掉|下线|废弃|离开|坏了|去世|丢了|被偷|被裁|开除|没了|到期|退订|退休|注销|关闭了|离婚|分手|解约",
    turns="迁移|迁到|搬到|搬去|搬家|搬至|换成|换到|改成|改为|改用|改(?=[^进善天])|切换|取代|替换"
    "|替代|代替|转到|转为|转用|升级到|重写|而不是|现在|如今|今后|调到|调整|更名|跳槽|推迟到",
    past="以前(?!的)|之前(?!的)|曾经|过去|从前|原来|原本|当初|起初|一度",
    adds="也|还(?=[用有会是要在])|另外|同时|此外|以及|并且|再加上|额外",
    mine="我们|我|咱们|咱|家里",
    moves={
        "搬到|搬去|搬家|搬至|迁到|移居": "住|居住|家在",
        "跳槽|加入|入职|离职|辞职": "工作|上班|任职|就职",
        "重写|改写": "写|开发|编写|实现",
    },
)

_JAPANESE = _unspaced(
    "ja",
    little="",
    denies="ない|ません|なかった|ず(?=に)|無い|無し|なし",
    ends="なくなった|なくなり|ないことにし|をやめ|やめた|やめて|辞め|止めた|中止|廃止|解約|退職|引退"
    "|終了した|卒業した|売った|手放し|撤退|離婚|別れた|壊れ|亡くな|盗ま|解雇|閉店|失効|もう.{1,12}ない",
    turns="移行|引っ越|移転|切り替え|置き換え|変更|変わ|変え|乗り換え|交換|書き直|改名|転職|転勤|入れ替え"
    "|代わりに|今は|現在|今では|これから|に移",
    past="以前|かつて|昔は|元々|もともと|当初|前は|これまで|従来",
    adds="(?<!と)も(?![のうっちしらたどく])|さらに|加えて|また、|ほかに|他にも|同時に",
    mine="私たち|私|僕|俺|我々|うち|弊社",
    moves={
        "引っ越|移転|転居": "住|暮ら",
        "転職|辞め|退職|入社": "働|勤",
        "書き直|移植": "書か|実装|開発",
    },
)

BY_LANGUAGE: Mapping[str, Turns] = {
    "en": _ENGLISH,
    "de": _GERMAN,
    "fr": _FRENCH,
    "es": _SPANISH,
    "ru": _RUSSIAN,
    "zh": _CHINESE,
    "ja": _JAPANESE,
}
LATIN = ("en", "de", "fr", "es")
"""Those whose words are looked for where the language of a text in Latin script is unsure."""
