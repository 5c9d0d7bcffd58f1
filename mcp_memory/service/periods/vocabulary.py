"""The vocabulary of times of each language: words by slot, and the ways they are put together.

A slot has, for each English word, a pattern of what it is in that language; a way has a
pattern with slots and the English for it. Everything is in small letters, as `casefold` makes
them. Numbers in words leave out eight: "in acht Tagen", "huit jours" and the like mean a week.
"""

# ruff: noqa: RUF001
from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, Mapping[str, str]]
Ways = tuple[tuple[str, str], ...]

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS = ("minute", "hour", "day", "week", "month", "year")
_DAYS = ("yesterday", "today", "tomorrow")
_FAR = ("the day before yesterday", "the day after tomorrow")
_PARTS = ("morning", "afternoon", "evening")
_COUNTED = ("1", "2", "3", "4", "5", "6", "7", "9", "10")
_THIRDS = ("beginning", "middle", "end")
_PERIODS = ("week", "month", "year")


def _words(keys: tuple[str, ...], said: str) -> dict[str, str]:
    return dict(zip(keys, said.split(), strict=True))


def _numbers(said: str) -> dict[str, str]:
    words = said.split()
    return dict(zip(_COUNTED, words, strict=True))


def _common(lead: str, of: str, day: str) -> Ways:
    """Days, weekdays and dates of a language that puts day before month before year."""
    return (
        (rf"(?:{lead})?(?:{{day}})", "{day}"),
        ("{far}", "{far}"),
        (rf"(?:{lead})?(?:{{weekday}})", "{weekday}"),
        (rf"(?:{lead})?(?:{{month}})", "{month}"),
        (rf"(?:{lead})?(?:{{month}}){of}{{year}}", "{month} {year}"),
        (rf"(?:{lead})?{{date}}{day}{{month}}", "{date} {month}"),
        (rf"(?:{lead})?{{date}}{day}{{month}}{of}{{year}}", "{date} {month} {year}"),
    )


_GERMAN: tuple[Words, Ways] = (
    {
        "day": _words(_DAYS, "gestern heute morgen"),
        "far": _words(_FAR, "vorgestern übermorgen"),
        "part": _words(_PARTS, "früh|vormittag|morgen nachmittag abend"),
        "n": _numbers("ein(?:e[mrn]?)? zwei drei vier fünf sechs sieben neun zehn"),
        "unit": _words(_UNITS, "minuten? stunden? tag(?:en?)? wochen? monat(?:en?)? jahr(?:en?)?"),
        "period": _words(_PERIODS, "woche monats? jahr(?:es)?"),
        "weekday": _words(
            _WEEKDAYS, "montag dienstag mittwoch donnerstag freitag samstag|sonnabend sonntag"
        ),
        "month": _words(
            _MONTHS,
            "januar|jänner februar märz april mai juni juli august september oktober november"
            " dezember",
        ),
        "third": _words(_THIRDS, "anfang mitte ende"),
    },
    (
        *_common("(?:seit|bis|ab|am|im|den|vom|seit dem|bis zum) ", " ", r"\. "),
        ("{day} {part}", "{day} {part}"),
        ("letzte nacht", "last night"),
        ("vor {n} {unit}", "{n} {unit} ago"),
        ("in {n} {unit}", "in {n} {unit}"),
        ("(?:letzte|vorige|vergangene)[mnrs]? {period}", "last {period}"),
        ("diese[mnrs]? {period}", "this {period}"),
        ("(?:nächste|kommende)[mnrs]? {period}", "next {period}"),
        ("(?:am )?letzten {weekday}", "last {weekday}"),
        ("{third} {month}", "{third} of {month}"),
        ("{third} {month} {year}", "{third} of {month} {year}"),
    ),
)
_DUTCH: tuple[Words, Ways] = (
    {
        "day": _words(_DAYS, "gisteren vandaag morgen"),
        "far": _words(_FAR, "eergisteren overmorgen"),
        "n": _numbers("een|één twee drie vier vijf zes zeven negen tien"),
        "unit": _words(
            _UNITS, "minuut|minuten uur|uren dag(?:en)? week|weken maand(?:en)? jaar|jaren"
        ),
        "period": _words(_PERIODS, "week maand jaar"),
        "weekday": _words(_WEEKDAYS, "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag"),
        "month": _words(
            _MONTHS,
            "januari februari maart april mei juni juli augustus september oktober november"
            " december",
        ),
    },
    (
        *_common("(?:sinds|tot|op|in|vanaf) ", " ", " "),
        ("vanmorgen|vanochtend", "this morning"),
        ("vanmiddag", "this afternoon"),
        ("vanavond", "this evening"),
        ("gisterenavond|gisteravond", "yesterday evening"),
        ("{n} {unit} geleden", "{n} {unit} ago"),
        ("over {n} {unit}", "in {n} {unit}"),
        ("(?:vorige|afgelopen) {period}", "last {period}"),
        ("(?:deze|dit) {period}", "this {period}"),
        ("volgende? {period}", "next {period}"),
    ),
)
_FRENCH: tuple[Words, Ways] = (
    {
        "day": _words(_DAYS, "hier aujourd'hui demain"),
        "far": _words(_FAR, "avant-hier après-demain"),
        "part": _words(_PARTS, "matin après-midi soir"),
        "n": _numbers("une? deux trois quatre cinq six sept neuf dix"),
        "unit": _words(_UNITS, "minutes? heures? jours? semaines? mois ans?|années?"),
        "period": _words(_PERIODS, "semaine mois année|an"),
        "weekday": _words(_WEEKDAYS, "lundi mardi mercredi jeudi vendredi samedi dimanche"),
        "month": _words(
            _MONTHS,
            "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        ),
        "third": _words(_THIRDS, "début mi fin"),
    },
    (
        *_common("(?:le|depuis le|jusqu'au|depuis|en|jusqu'à) ", " ", "(?:er)? "),
        ("{day} (?:au )?{part}", "{day} {part}"),
        ("(?:ce|cet|cette) {part}", "this {part}"),
        ("la nuit dernière", "last night"),
        ("il y a {n} {unit}", "{n} {unit} ago"),
        ("dans {n} {unit}", "in {n} {unit}"),
        ("(?:la |le |l')?{period} (?:dernière|dernier|passée?)", "last {period}"),
        ("(?:cette|ce) {period}", "this {period}"),
        ("(?:la |le |l')?{period} (?:prochaine?|qui vient)", "next {period}"),
        ("{weekday} dernier", "last {weekday}"),
        ("{third}[ -](?:de )?{month}", "{third} of {month}"),
        ("{third}[ -](?:de )?{month} {year}", "{third} of {month} {year}"),
    ),
)
_SPANISH: tuple[Words, Ways] = (
    {
        "day": _words(_DAYS, "ayer hoy mañana"),
        "far": {_FAR[0]: "anteayer|antes de ayer|antier", _FAR[1]: "pasado mañana"},
        "part": _words(_PARTS, "mañana tarde noche"),
        "n": _numbers("una?|un dos tres cuatro cinco seis siete nueve diez"),
        "unit": _words(_UNITS, "minutos? horas? días? semanas? mes(?:es)? años?"),
        "period": _words(_PERIODS, "semana mes año"),
        "weekday": _words(_WEEKDAYS, "lunes martes miércoles jueves viernes sábado domingo"),
        "month": _words(
            _MONTHS,
            "enero febrero marzo abril mayo junio julio agosto sep?tiembre octubre noviembre"
            " diciembre",
        ),
        "third": _words(_THIRDS, "principios mediados finales|fines"),
    },
    (
        *_common("(?:el|desde|hasta|desde el|hasta el|en) ", "(?: de| del)? ", " de "),
        ("{day} (?:por|en|a) la {part}", "{day} {part}"),
        ("esta {part}", "this {part}"),
        ("anoche", "last night"),
        ("hace {n} {unit}", "{n} {unit} ago"),
        ("(?:dentro de|en) {n} {unit}", "in {n} {unit}"),
        ("(?:la |el )?{period} pasad[oa]", "last {period}"),
        ("est[ea] {period}", "this {period}"),
        ("(?:la |el )?(?:próxim[oa] {period})", "next {period}"),
        ("(?:la |el )?{period} (?:que viene|próxim[oa])", "next {period}"),
        ("(?:el )?{weekday} pasado", "last {weekday}"),
        ("(?:el )?pasado {weekday}", "last {weekday}"),
        ("(?:a )?{third} de {month}", "{third} of {month}"),
        ("(?:a )?{third} de {month} de {year}", "{third} of {month} {year}"),
    ),
)
_ITALIAN: tuple[Words, Ways] = (
    {
        "day": _words(_DAYS, "ieri oggi domani"),
        "far": {_FAR[0]: "l'altro ieri|l'altroieri|avantieri", _FAR[1]: "dopodomani"},
        "part": _words(_PARTS, "mattina pomeriggio sera"),
        "n": _numbers("una?|uno due tre quattro cinque sei sette nove dieci"),
        "unit": _words(_UNITS, "minut[oi] or[ae] giorn[oi] settiman[ae] mes[ei] ann[oi]"),
        "period": _words(_PERIODS, "settimana mese anno"),
        "weekday": _words(_WEEKDAYS, "lunedì martedì mercoledì giovedì venerdì sabato domenica"),
        "month": _words(
            _MONTHS,
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre"
            " dicembre",
        ),
        "third": _words(_THIRDS, "inizio metà fine"),
    },
    (
        *_common("(?:il|da|dal|fino a|fino al|a|in) ", " ", "[°º]? "),
        ("{day} {part}", "{day} {part}"),
        ("quest[oa] {part}", "this {part}"),
        ("stamattina|stamane", "this morning"),
        ("stasera", "this evening"),
        ("{n} {unit} fa", "{n} {unit} ago"),
        ("(?:tra|fra) {n} {unit}", "in {n} {unit}"),
        ("(?:la |il |l')?{period} scors[oa]", "last {period}"),
        ("quest[oa'] ?{period}", "this {period}"),
        ("(?:la |il |l')?{period} prossim[oa]", "next {period}"),
        ("{weekday} scors[oa]", "last {weekday}"),
        ("(?:a )?{third} {month}", "{third} of {month}"),
        ("(?:a )?{third} {month} {year}", "{third} of {month} {year}"),
    ),
)
_PORTUGUESE: tuple[Words, Ways] = (
    {
        "day": _words(_DAYS, "ontem hoje amanhã"),
        "far": {_FAR[0]: "anteontem", _FAR[1]: "depois de amanhã"},
        "part": _words(_PARTS, "manhã tarde noite"),
        "n": _numbers("uma?|um dois|duas três quatro cinco seis sete nove dez"),
        "unit": _words(_UNITS, "minutos? horas? dias? semanas? mês|meses anos?"),
        "period": _words(_PERIODS, "semana mês ano"),
        "weekday": _words(
            _WEEKDAYS,
            "segunda(?:-feira)? terça(?:-feira)? quarta(?:-feira)? quinta(?:-feira)?"
            " sexta(?:-feira)? sábado domingo",
        ),
        "month": _words(
            _MONTHS,
            "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro"
            " dezembro",
        ),
    },
    (
        *_common("(?:em|desde|até|desde o|no dia) ", "(?: de)? ", " de "),
        ("{day} (?:de|à|pela) {part}", "{day} {part}"),
        ("esta {part}", "this {part}"),
        ("há {n} {unit}", "{n} {unit} ago"),
        ("{n} {unit} atrás", "{n} {unit} ago"),
        ("(?:daqui a|em) {n} {unit}", "in {n} {unit}"),
        ("(?:a |o |n[ao] )?{period} passad[oa]", "last {period}"),
        ("est[ea] {period}", "this {period}"),
        ("(?:a |o |n[ao] )?próxim[oa] {period}", "next {period}"),
        ("(?:a |o |n[ao] )?{period} que vem", "next {period}"),
    ),
)
_RUSSIAN: tuple[Words, Ways] = (
    {
        "day": _words(_DAYS, "вчера сегодня завтра"),
        "far": _words(_FAR, "позавчера послезавтра"),
        "part": _words(_PARTS, "утром дн[её]м вечером"),
        "n": _numbers("один|одну дв[ае] три четыре пять шесть семь девять десять"),
        "unit": _words(
            _UNITS,
            "минут[уы]? час(?:а|ов)? день|дня|дней недел[юиь] месяц(?:а|ев)? года?|лет",
        ),
        "week": {"last": "прошлой", "this": "этой", "next": "следующей|будущей"},
        "other": {"last": "прошлом", "this": "этом", "next": "следующем|будущем"},
        "period": {"month": "месяце", "year": "году"},
        "weekday": _words(
            _WEEKDAYS,
            "понедельник вторник сред[ау] четверг пятниц[ау] суббот[ау] воскресенье",
        ),
        "month": _words(
            _MONTHS,
            "январ[ьяе] феврал[ьяе] март[ае]? апрел[ьяе] ма[йяе] июн[ьяе] июл[ьяе] август[ае]?"
            " сентябр[ьяе] октябр[ьяе] ноябр[ьяе] декабр[ьяе]",
        ),
    },
    (
        *_common("(?:в|во|с|до) ", " ", " "),
        ("{date} {month} {year} г(?:ода|\\.)", "{date} {month} {year}"),
        ("(?:в )?{month} {year} года", "{month} {year}"),
        ("{day} {part}", "{day} {part}"),
        ("{n} {unit} назад", "{n} {unit} ago"),
        ("{unit} назад", "1 {unit} ago"),
        ("через {n} {unit}", "in {n} {unit}"),
        ("через {unit}", "in 1 {unit}"),
        ("на {week} неделе", "{week} week"),
        ("в {other} {period}", "{other} {period}"),
        ("прошлая неделя|прошлую неделю", "last week"),
        ("в прошл(?:ый|ую|ое) {weekday}", "last {weekday}"),
    ),
)
_CHINESE: tuple[Words, Ways] = (
    {
        "day": _words(_DAYS, "昨天|昨日 今天|今日 明天|明日"),
        "far": _words(_FAR, "前天 后天|後天"),
        "part": _words(_PARTS, "早上|上午|早晨 下午 晚上"),
        "n": _numbers("一 两|兩|二 三 四 五 六 七 九 十"),
        "unit": _words(
            _UNITS,
            "分钟|分鐘 个?小时|個?小時 天|日 周|週|个?星期|個?星期|个?礼拜 个月|個月 年",
        ),
        "week": {"last": "上个?|上個", "this": "这个?|這個?|本", "next": "下个?|下個"},
        "year_of": {"last": "去", "this": "今", "next": "明"},
        "weekday": {
            name: rf"(?:星期|周|週|礼拜){days}"
            for name, days in zip(_WEEKDAYS, [*"一二三四五六", "[日天]"], strict=True)
        },
        "month": {name: f"0?{n}月" for n, name in enumerate(_MONTHS, 1)},
    },
    (
        ("{day}", "{day}"),
        ("{far}", "{far}"),
        ("{day}{part}", "{day} {part}"),
        ("昨晚|昨夜", "last night"),
        ("今早", "this morning"),
        ("今晚", "this evening"),
        ("{n} ?{unit}(?:之|以)?前", "{n} {unit} ago"),
        ("{n} ?{unit}(?:之|以)?[后後]", "in {n} {unit}"),
        ("{week}(?:周|週|星期|礼拜)", "{week} week"),
        ("{week}月", "{week} month"),
        ("{year_of}年", "{year_of} year"),
        ("{weekday}", "{weekday}"),
        ("下{weekday}", "next {weekday}"),
        ("{year} ?年", "{year}"),
        ("{month}", "{month}"),
        ("{year} ?年 ?{month}", "{month} {year}"),
        ("{month} ?{date} ?[日号號]", "{date} {month}"),
        ("{year} ?年 ?{month} ?{date} ?[日号號]", "{date} {month} {year}"),
    ),
)
_JAPANESE: tuple[Words, Ways] = (
    {
        "day": _words(_DAYS, "昨日|きのう 今日|きょう 明日|あした"),
        "far": _words(_FAR, "一昨日|おととい 明後日|あさって"),
        "part": _words(_PARTS, "朝|午前 午後 夜|晩"),
        "n": _numbers("一 二 三 四 五 六 七 九 十"),
        "unit": _words(_UNITS, "分 時間 日 週間 [かカヵヶケ]月 年"),
        "period": _words(_PERIODS, "週 月 年"),
        "weekday": {
            name: f"{day}曜日?" for name, day in zip(_WEEKDAYS, "月火水木金土日", strict=True)
        },
        "month": {name: f"0?{n}月" for n, name in enumerate(_MONTHS, 1)},
    },
    (
        ("{day}", "{day}"),
        ("{far}", "{far}"),
        ("{day}の{part}", "{day} {part}"),
        ("今朝", "this morning"),
        ("昨夜|昨晩|ゆうべ", "last night"),
        ("今夜|今晩", "this evening"),
        ("{n} ?{unit}前", "{n} {unit} ago"),
        ("{n} ?{unit}後", "in {n} {unit}"),
        ("先{period}", "last {period}"),
        ("今{period}", "this {period}"),
        ("来{period}", "next {period}"),
        ("去年|昨年", "last year"),
        ("{weekday}", "{weekday}"),
        ("{year} ?年", "{year}"),
        ("{month}", "{month}"),
        ("{year} ?年 ?{month}", "{month} {year}"),
        ("{month} ?{date} ?日", "{date} {month}"),
        ("{year} ?年 ?{month} ?{date} ?日", "{date} {month} {year}"),
    ),
)
_KOREAN: tuple[Words, Ways] = (
    {
        "day": _words(_DAYS, "어제 오늘 내일"),
        "far": _words(_FAR, "그저께|그제 모레"),
        "part": _words(_PARTS, "아침|오전 오후 저녁"),
        "n": _numbers("한|일 두|이 세|삼 네|사 다섯|오 여섯|육 일곱|칠 아홉|구 열|십"),
        "unit": _words(_UNITS, "분 시간 일 주일?|주간 개월|달 년"),
        "period": _words(_PERIODS, "주 달 해"),
        "weekday": {
            name: f"{day}요일" for name, day in zip(_WEEKDAYS, "월화수목금토일", strict=True)
        },
        "month": {name: f"0?{n}월" for n, name in enumerate(_MONTHS, 1)},
    },
    (
        ("{day}", "{day}"),
        ("{far}", "{far}"),
        ("{day} {part}", "{day} {part}"),
        ("어젯밤", "last night"),
        ("{n} ?{unit} ?전", "{n} {unit} ago"),
        ("{n} ?{unit} ?[후뒤]", "in {n} {unit}"),
        ("지난 ?{period}", "last {period}"),
        ("이번 ?{period}", "this {period}"),
        ("다음 ?{period}", "next {period}"),
        ("작년", "last year"),
        ("올해", "this year"),
        ("내년", "next year"),
        ("지난 {weekday}", "last {weekday}"),
        ("{weekday}", "{weekday}"),
        ("{year} ?년", "{year}"),
        ("{month}", "{month}"),
        ("{year} ?년 ?{month}", "{month} {year}"),
        ("{month} ?{date} ?일", "{date} {month}"),
        ("{year} ?년 ?{month} ?{date} ?일", "{date} {month} {year}"),
    ),
)

VOCABULARY: Mapping[str, tuple[Words, Ways]] = {
    "de": _GERMAN,
    "nl": _DUTCH,
    "fr": _FRENCH,
    "es": _SPANISH,
    "it": _ITALIAN,
    "pt": _PORTUGUESE,
    "ru": _RUSSIAN,
    "zh": _CHINESE,
    "ja": _JAPANESE,
    "ko": _KOREAN,
}
