"""Telling a language, and a question in another one than the memories."""

from __future__ import annotations

import pytest

from mcp_memory.domain.language import language_of
from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, Query
from mcp_memory.embedding.loader import MULTILINGUAL
from mcp_memory.server.prompts import get
from mcp_memory.service import MemoryService
from mcp_memory.service.query.language_confidence import certain_language_of, is_surely_not_english
from tests.support.factories import Clock

ENGLISH = (
    "The staging database of project Heron runs on port 5433.",
    "We rotate the signing keys every Monday.",
    "Anna prefers meetings before noon.",
    "The backup of the billing server is kept for thirty days.",
    "Leo is allergic to peanuts.",
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Where does the backup go?", "en"),
        ("What is the port of the database?", "en"),
        ("Auf welchem Port läuft die Datenbank?", "de"),
        ("Wann werden die Schlüssel gewechselt?", "de"),
        ("Où est gardée la sauvegarde du serveur ?", "fr"),
        ("¿Dónde se guarda la copia del servidor?", "es"),
        ("Dove viene conservato il backup del server?", "it"),
        ("Onde fica o backup do servidor?", "pt"),
        ("Hoe lang wordt de back-up van de server bewaard?", "nl"),
        ("На каком порту работает база данных?", "ru"),
        ("Де зберігається резервна копія?", "uk"),
        ("数据库在哪个端口？", "zh"),
        ("データベースのポートは？", "ja"),
        ("데이터베이스 포트는 무엇입니까?", "ko"),
        ("Heron staging db порт", ""),
        ("postgres port", ""),
        ("", ""),
        ("5433 / v2.3.0", ""),
        ("Heron", ""),
    ],
)
def test_a_language_is_told_by_its_script_and_little_words(text: str, code: str) -> None:
    assert language_of(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Who is my dentist?", "en"),
        ("Where does Şule live?", "en"),
        ("Wer ist mein Zahnarzt?", "de"),
        ("Où est la clé ?", "fr"),
        ("¿Quién es mi dentista?", "es"),
        ("Chi è il mio dentista?", "it"),
        ("Quem é o meu dentista?", "pt"),
        ("Wie is mijn tandarts?", "nl"),
        ("Кто мой стоматолог?", "ru"),
        ("Коли їдемо до лікаря?", "uk"),
    ],
)
def test_a_language_is_certain_by_what_it_has_alone(text: str, code: str) -> None:
    assert certain_language_of(text) == code


OTHERS = """
Kuka on hammaslääkäri? | Missä on auton avain? | Milloin kokous on? | Mikä on palvelimen portti?
Diş hekimi kim? | Araba ne renk? | Toplantı ne zaman? | Bu ne kadar? | Sunucu hangi portta?
Vem är min tandläkare? | När ska vi åka? | Vad heter hans fru? | Hur mycket kostar det?
Kto jest moim dentystą? | Gdzie jest klucz? | Co to jest? | Ile on ma lat?
Ki a fogorvosom? | Hol van a kulcs? | Mikor van a megbeszélés? | Mi a neve?
Ai là nha sĩ? | Chìa khóa ở đâu? | Khi nào họp? | Ai la nha si cua toi?
Siapa dokter gigi saya? | Di mana kunci mobil? | Kapan rapat? | Apa nama dia?
Cine este dentistul meu? | Unde este cheia? | Când e ședința? | Care e numele lui?
Kdo je můj zubař? | Kde je klíč? | Kdo to ma? | Kdy je schůzka?
Hvor er der en god frisør? | On és la clau? | Kus on minu võti? | Kur yra raktas?
Кой е моят зъболекар? | Где је кључ? | Дзе ён? | Менің кілтім қайда?
""".strip().replace("\n", "|")


@pytest.mark.parametrize("question", [question.strip() for question in OTHERS.split("|")])
def test_a_language_that_cannot_be_told_is_called_no_other(question: str) -> None:
    assert certain_language_of(question) == ""


NOT_ENGLISH = """
Kuka on hammaslääkäri? | Milloin kokous on ja kuka tulee? | Diş hekimi kim? | Toplantı ne zaman?
Vem är min tandläkare? | Kto jest moim dentystą?
Siapa dokter gigi saya? | Kapan rapat dengan dia? | Cine este dentistul meu? | Kdy je schůzka?
Hvor er der en god frisør? | Хто наш стоматолог? | Кой е моят зъболекар?
Дзе ён? | Менің кілтім қайда?
""".strip().replace("\n", "|")
ENGLISH_OR_UNSURE = """
who is my dentist | Björn Ångström | Zoë's café | crème brûlée recipe | Oscar de la Hoya record
Missä on auton avain? | Vad heter hans fru?
van insurance | die cast model | son of Ana | AI budget | Los Angeles office | tout court
Ludwig van Beethoven | naïve Bayes | must have fast disk | sans serif font | per diem rate
kilo | kubernetes ingress | Şule's phone number | man page | proxy code | Hol van a kulcs?
what does "kuka on" mean? | El Niño in 2026 | São Paulo plan | the word "jestem" | Müller | résumé
""".strip().replace("\n", "|")


@pytest.mark.parametrize("question", [question.strip() for question in NOT_ENGLISH.split("|")])
def test_of_a_language_that_cannot_be_told_it_is_said_that_it_is_another(
    service: MemoryService, alice: Caller, clock: Clock, question: str
) -> None:
    assert is_surely_not_english(question)
    filled(service, alice, clock)
    answer = service.recall(alice, Query(query=question))
    assert answer.abstained
    assert 1 <= len(answer.memories) <= 3
    assert "the question is in another language, the memories are in English" in answer.reason
    assert "nothing relevant" not in answer.reason


@pytest.mark.parametrize("text", [text.strip() for text in ENGLISH_OR_UNSURE.split("|")])
def test_what_may_be_english_is_called_no_other_language(text: str) -> None:
    assert not is_surely_not_english(text)


@pytest.mark.parametrize("text", ENGLISH)
def test_what_is_english_is_called_no_other_language(text: str) -> None:
    assert not is_surely_not_english(text)


def test_where_memories_may_be_in_the_language_of_the_question_nothing_is_claimed(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    filled(service, alice, clock)
    service.remember(
        alice,
        [Draft(content="Hammaslääkäri on töissä maanantaina, mutta ei aina.")],
    )
    answer = service.recall(alice, Query(query="Milloin palvelin vaihdettiin ja kuka oli mukana?"))
    assert "another language" not in answer.reason


@pytest.mark.parametrize("question", ["Araba ne renk?", "Hol van a kulcs?", "Kdo to ma?"])
def test_a_question_in_a_language_that_cannot_be_told_abstains_as_ever(
    service: MemoryService, alice: Caller, clock: Clock, question: str
) -> None:
    filled(service, alice, clock)
    assert "the question is in" not in service.recall(alice, Query(query=question)).reason


def filled(service: MemoryService, alice: Caller, clock: Clock) -> None:
    for content in ENGLISH:
        service.remember(alice, [Draft(content=content)])
        clock.tick()


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("На что у ребёнка аллергия?", "Russian"),
        ("Когда Анна любит встречаться?", "Russian"),
        ("我们多久更换一次签名密钥？", "Chinese"),
        ("备份保存多久？", "Chinese"),
        ("Wie lange wird die Sicherung aufgehoben?", "German"),
        ("Wogegen ist der Junge allergisch?", "German"),
        ("Combien de temps garde-t-on la sauvegarde ?", "French"),
        ("¿Cada cuánto se cambian las claves?", "Spanish"),
        ("バックアップはどのくらい保存される？", "Japanese"),
    ],
)
def test_a_question_in_another_language_gets_a_hint_and_the_reason(
    service: MemoryService, alice: Caller, clock: Clock, question: str, language: str
) -> None:
    filled(service, alice, clock)
    answer = service.recall(alice, Query(query=question))
    assert answer.abstained
    assert 1 <= len(answer.memories) <= 3
    assert all("weak" in m.why for m in answer.memories)
    assert answer.context.count(" · weak") == len(answer.memories)
    assert f"the question is in {language}, the memories are in English" in answer.reason
    assert f"mcp-memory model use {MULTILINGUAL}" in answer.reason
    assert "nothing relevant" not in answer.reason


def test_names_and_numbers_come_first_and_then_the_newest(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    filled(service, alice, clock)
    answer = service.recall(alice, Query(query="Что мы знаем про порт 5433?"))
    found = [m.memory.content for m in answer.memories]
    assert found[0] == ENGLISH[0]
    assert found[1:] in ([], [ENGLISH[-1], ENGLISH[-2]])


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?",
        "kubernetes ingress",
        "Does the neighbour own a telescope?",
        "Sigmund quarterback",
    ],
)
def test_where_the_language_is_the_same_or_unsure_it_abstains_as_ever(
    service: MemoryService, alice: Caller, clock: Clock, question: str
) -> None:
    filled(service, alice, clock)
    answer = service.recall(alice, Query(query=question))
    assert "the memories are in" not in answer.reason


def test_where_some_memories_are_in_the_language_asked_in_nothing_is_claimed(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    filled(service, alice, clock)
    service.remember(alice, [Draft(content="Дача стоит на берегу озера.")])
    answer = service.recall(alice, Query(query="Какая у нас страховка?"))
    assert "the memories are in" not in answer.reason


def test_an_empty_memory_has_no_language(service: MemoryService, alice: Caller) -> None:
    answer = service.recall(alice, Query(query="На каком порту работает база данных?"))
    assert (answer.abstained, answer.memories) == (True, ())
    assert "nothing relevant" in answer.reason


def test_a_filter_holds_for_the_hint_too(
    service: MemoryService, alice: Caller, bob: Caller, clock: Clock
) -> None:
    filled(service, alice, clock)
    service.remember(alice, [Draft(content="The lamp of the hall is broken.", tags=("home",))])
    answer = service.recall(alice, Query(query="Что сломалось дома?", tags=("home",)))
    assert [m.memory.content for m in answer.memories] == ["The lamp of the hall is broken."]
    assert service.recall(bob, Query(query="Что сломалось дома?")).memories == ()


def test_no_hint_is_injected(service: MemoryService, alice: Caller, clock: Clock) -> None:
    filled(service, alice, clock)
    asked = {"question": "На что у ребёнка аллергия?"}
    (message,) = get(service, alice, "with_memory", asked).messages
    text = message.model_dump()["content"]["text"]
    assert "the memories are in English" in text
    assert not any(content in text for content in ENGLISH)
